"""The first load of a stored model, in a process of its own: a damaged text may take LightGBM down with it.

    python -m forecasting.engine.trial < {"manifest": {...}, "texts": {...}}

ends with 0 if the fit loads and forecasts an invented chain with finite numbers.
"""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd

SECONDS = 60
MEMORY = 4 * 2**30  # address space; a damaged text may ask for any amount


def survives(manifest: dict[str, Any], texts: dict[str, str]) -> bool:
    """Whether the fit can be loaded and used. Costs a second or two and never this process."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "forecasting.engine.trial"],
            input=json.dumps({"manifest": manifest, "texts": texts}),
            capture_output=True,
            text=True,
            errors="replace",  # a dying LightGBM quotes what it could not read
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from forecasting.engine.api import Fit, hour_shares, predict
    from forecasting.engine.panel import build_panel

    given = json.load(sys.stdin)
    fitted = Fit.load(given["manifest"], given["texts"])
    dates = pd.date_range("2024-01-01", periods=120)
    sales = pd.DataFrame(
        {
            "series_id": np.repeat(["a", "b"], len(dates)),
            "date": np.tile(dates, 2),
            "y": np.random.default_rng(1).uniform(50, 150, 2 * len(dates)),
        }
    )
    known = pd.DataFrame({"date": pd.date_range(dates[0], periods=130)})
    for name in fitted.covariates:
        known[name] = 0.0
    made = predict(fitted, build_panel(sales, known), dates[-1], 7)
    values = made[["yhat", "lo80", "hi80", "lo95", "hi95"]].to_numpy()
    by_hour = pd.concat([sales.assign(hour=hour) for hour in (9, 13, 19)])
    shares = hour_shares(fitted, by_hour, dates[-1], 7, ["a", "b"])
    sound = np.isfinite(values).all() and np.abs(values).max() < 1e9 and np.isfinite(shares).all()
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
