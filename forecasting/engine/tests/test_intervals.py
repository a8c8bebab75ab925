"""What intervals are calibrated on, and around what."""

import numpy as np
import pytest

from forecasting.engine import api, fit, intervals
from forecasting.engine.history import History
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
NONE_SHORT = (np.array([], dtype=int), np.array([], dtype=int), np.array([]))


def calibrated(factor: float) -> intervals.Calibration:
    """On forecasts that are what was sold times `factor`, and noise."""
    panel = world.panel(series=6, days=300)
    history = History(panel, world.day(299))
    s, o, h = (x.reshape(-1) for x in np.meshgrid(np.arange(6), np.arange(230, 272, 3), np.arange(1, 29)))
    noise = np.random.default_rng(2).lognormal(0, 0.1, len(s))
    return intervals.calibrate(history, s, o, h, panel.y[s, o + h] * factor * noise, NONE_SHORT, 0.15)


def test_weeks_that_all_came_out_high_do_not_push_intervals_up():
    right, low = calibrated(1.0), calibrated(0.85)
    for plain, pushed in zip(right.quantiles, low.quantiles, strict=True):
        assert -1.4 < pushed["lo80"] / pushed["hi80"] < -0.7
        assert pushed["hi80"] - pushed["lo80"] > 0.95 * (plain["hi80"] - plain["lo80"])


def targets(days: int, monkeypatch) -> np.ndarray:
    """The days, counted back from the cutoff, of the errors that intervals are made of."""
    seen = []

    def spy(history, s, o, h, *rest):
        seen.append(history.cutoff - (o + h))
        return intervals.Calibration([])

    monkeypatch.setattr(api.intervals, "calibrate", spy)
    fit(world.panel(series=2, days=days), world.day(days - 1), world.SMALL)
    (back,) = seen
    return np.unique(back)


@pytest.mark.parametrize(("days", "held_back"), [(120, 35), (250, 50), (500, 70)])
def test_of_a_short_past_few_days_are_held_back(days, held_back, monkeypatch):
    back = targets(days, monkeypatch)
    assert back.min() == 0 and back.max() == held_back - 1
