"""A worker forks its children from a process that may have trained already: they train and forecast, and do not hang.

After a fork the threads of OpenMP are gone, and whoever waits for them waits for ever: LightGBM is told to use one.
"""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

PROGRAM = """
import os, signal
from forecasting.engine import fit, predict
from forecasting.engine.tests import world

panel, cutoff = world.panel(series=4, days=460), world.day(459)
before = predict(fit(panel, cutoff, world.SMALL, threads=2), panel, cutoff)
child = os.fork()
if not child:
    signal.alarm(180)  # whoever hangs is ended
    again = predict(fit(panel, cutoff, world.SMALL, threads=2), panel, cutoff)
    os._exit(0 if world.same(before, again) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_what_is_forked_from_a_process_that_has_trained_trains_and_forecasts_the_same():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
