"""Intervals of sums hold what they promise, where sales are skewed and where all branches err together."""

import numpy as np
import pandas as pd
import pytest

from forecasting.engine.groups import total
from forecasting.engine.intervals import LEVELS, _quantiles, _together
from forecasting.engine.metrics import coverage
from forecasting.engine.spread import BELIEVED_TOGETHER, BOUNDS

pytestmark = pytest.mark.unit
SERIES, AHEAD = 30, 7


def weeks(count: int, shock: float, seed: int) -> np.ndarray:
    """[weeks, series, days] lognormal sales whose middle is 1; `shock` is what hits all branches for a week."""
    draw = np.random.default_rng(seed)
    common = draw.normal(0, shock, (count, 1, 1))
    return np.exp(common + draw.normal(0, 0.6, (count, SERIES, AHEAD)))


def rows(count: int) -> tuple[np.ndarray, ...]:
    """(s, o, h) of forecasts of whole weeks, in the order of `weeks`."""
    o, s, h = np.meshgrid(np.arange(count) * AHEAD, np.arange(SERIES), np.arange(1, AHEAD + 1), indexing="ij")
    return s.reshape(-1), o.reshape(-1), h.reshape(-1)


@pytest.mark.parametrize("shock", [0.05, 0.1])
def test_the_sum_of_skewed_sales_lies_in_its_interval_as_often_as_promised(shock):
    z = weeks(30, shock, seed=1).reshape(-1) - 1.0
    bounds = _quantiles(z)
    together = _together(*rows(30), z, bounds["hi80"] - bounds["lo80"])
    s, _, h = rows(1)
    first = pd.Timestamp("2026-01-01")
    forecasts = pd.DataFrame({"series_id": s.astype(str), "cutoff": first, "date": first + pd.to_timedelta(h, "D")})
    forecasts = forecasts.assign(h=h, yhat=1.0, all="all", **{k: 1.0 + bounds[k] for k in LEVELS})
    (week,) = total(forecasts, ["all"], together).to_dict("records")
    sold = weeks(2000, shock, seed=2).sum(axis=(1, 2))
    assert week["yhat"] == pytest.approx(SERIES * AHEAD)
    assert coverage(sold, np.full(2000, week["lo80"]), np.full(2000, week["hi80"])) == pytest.approx(0.8, abs=0.08)
    # Around the sum of middles it would mostly lie above.
    (middle,) = total(forecasts, ["all"], {**together, "shift": 0.0}).to_dict("records")
    assert coverage(sold, np.full(2000, middle["lo80"]), np.full(2000, middle["hi80"])) < 0.7


def test_the_interval_of_one_part_alone_is_its_own():
    part = pd.DataFrame([{
        "series_id": "a", "cutoff": pd.Timestamp("2026-01-01"), "date": pd.Timestamp("2026-01-02"), "h": 1,
        "yhat": 10.0, "lo80": 6.0, "hi80": 18.0, "lo95": 2.0, "hi95": 30.0,
    }])  # fmt: skip
    out = total(part, ["series_id"], {**BELIEVED_TOGETHER, "shift": 0.1})
    np.testing.assert_allclose(out[list(BOUNDS)], part[list(BOUNDS)])


def test_bounds_stay_nested_around_the_forecast_whatever_the_shift():
    draw = np.random.default_rng(3)
    days = pd.date_range("2026-01-02", periods=20)
    parts = pd.DataFrame(
        {"series_id": "a", "cutoff": days[0], "date": days, "day": days, "h": 1, "yhat": draw.uniform(0, 5, 20)}
    )
    up, down = draw.exponential(2, (2, 20)), draw.exponential(2, (2, 20))
    up[0, ::3] = 0.0  # an upper end may be the forecast itself
    parts = parts.assign(hi80=parts["yhat"] + up[0], hi95=parts["yhat"] + up.sum(axis=0))
    parts = parts.assign(lo80=parts["yhat"] - down[0], lo95=parts["yhat"] - down.sum(axis=0))
    out = total(parts, ["day"], {**BELIEVED_TOGETHER, "shift": 0.2})
    assert (np.diff(out[["lo95", "lo80", "yhat", "hi80", "hi95"]].to_numpy(), axis=1) >= 0).all()


def test_few_weeks_of_evidence_leave_some_belief_that_all_err_together():
    z = np.random.default_rng(4).normal(size=len(rows(30)[0]))
    few = 2 * SERIES * AHEAD
    measured = [_together(*(x[:n] for x in rows(30)), z[:n], 2.56)["series"] for n in (few, len(z))]
    assert 0.05 < measured[0] < BELIEVED_TOGETHER["series"] and measured[1] < 0.03
