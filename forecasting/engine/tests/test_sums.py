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


def origins(lasting: bool, count: int = 40, seed: int = 5, series: int = SERIES, own: float = 0.0) -> tuple[np.ndarray, ...]:
    """(s, o, h, z) of four weeks from each of `count` origins; what hits all branches lasts one week, or all four, as
    what hits each of them for itself does (`own`)."""
    draw = np.random.default_rng(seed)
    o, s, h = np.meshgrid(np.arange(count) * 28, np.arange(series), np.arange(1, 29), indexing="ij")
    common = np.repeat(draw.normal(size=(count, 1 if lasting else 4)), 28 if lasting else 7, axis=1)
    z = 0.4 * common[:, None, :] + draw.normal(size=o.shape) + own * draw.normal(size=(count, series, 1))
    return s.reshape(-1), o.reshape(-1), h.reshape(-1), z.reshape(-1)


def test_what_branches_have_in_common_in_different_weeks_is_measured_for_itself():
    passing, lasting = (_together(*origins(lasts), 2.56) for lasts in (False, True))
    assert passing["both"] == pytest.approx(0.14, abs=0.05) and passing["apart"] < 0.04
    assert lasting["apart"] == pytest.approx(lasting["both"], abs=0.02) and lasting["both"] > 0.1


def test_what_a_branch_gets_wrong_for_weeks_is_not_taken_for_what_two_have_in_common():
    found = _together(*origins(lasting=True, count=1000, series=3, own=1.0), 2.56)
    assert found["days"] == pytest.approx(0.54, abs=0.05)
    assert found["apart"] == pytest.approx(found["both"], abs=0.01) and found["both"] == pytest.approx(0.07, abs=0.03)


def days_of(series: int, first: int, count: int, behind: int = 0) -> pd.DataFrame:
    """Forecasts of 10 give or take 2, `behind` days further ahead than the cutoff says."""
    h, s = (x.reshape(-1) for x in np.meshgrid(np.arange(first, first + count), np.arange(series)))
    cutoff = pd.Timestamp("2026-01-01")
    out = pd.DataFrame({"series_id": s, "cutoff": cutoff, "date": cutoff + pd.to_timedelta(h, "D"), "h": h + behind})
    return out.assign(all=0, yhat=10.0, lo80=8.0, hi80=12.0, lo95=7.0, hi95=13.0)


def half(forecasts: pd.DataFrame, **together: float) -> float:
    (row,) = total(forecasts, ["all"], {"series": 0.0, "days": 0.0, "both": 0.0, **together}).to_dict("records")
    return (row["hi80"] - row["yhat"]) / 2


def test_the_sum_of_four_weeks_lies_in_its_interval_as_often_as_promised():
    together = _together(*origins(lasting=False), 2.56)
    width = 1.2816 * np.sqrt(1 + 0.4**2)
    month = days_of(SERIES, 1, 28).assign(lo80=10 - width, hi80=10 + width)
    (told,) = total(month, ["all"], together).to_dict("records")
    error = origins(lasting=False, count=1000, seed=6)[3].reshape(1000, -1).sum(axis=1)
    assert (np.abs(error) <= told["hi80"] - told["yhat"]).mean() == pytest.approx(0.8, abs=0.06)
    # As if all its weeks had as much in common as the days of one:
    (told,) = total(month, ["all"], {**together, "apart": together["both"]}).to_dict("records")
    assert (np.abs(error) <= told["hi80"] - told["yhat"]).mean() > 0.9


@pytest.mark.parametrize(("kind", "pairs"), [("series", 4), ("days", 12), ("both", 4), ("apart", 8)])
def test_each_kind_of_pair_counts_for_itself(kind, pairs):
    """Eight errors: two series on two days of a week and on two of the next."""
    days = days_of(2, 1, 9)
    days = days[days["h"].isin([1, 2, 8, 9])]
    assert half(days, **{"apart": 0.0, kind: 1.0}) ** 2 == pytest.approx(8 + 2 * pairs)


def test_what_a_model_without_a_measure_of_weeks_apart_said_of_both_holds_for_all():
    month = days_of(2, 1, 28)
    assert half(month, both=0.2) == half(month, both=0.2, apart=0.2) > half(month, both=0.2, apart=0.0)


@pytest.mark.parametrize("first", [1, 2, 5, 7])
def test_seven_days_in_a_row_are_a_week_wherever_they_begin(first):
    both = pd.concat([days_of(3, 1, 7), days_of(3, first, 7).assign(all=1)])
    out = total(both, ["all"], {"series": 0.0, "days": 0.0, "both": 0.5, "apart": 0.0})
    assert out["hi80"][0] == pytest.approx(out["hi80"][1])


def test_sums_of_days_whose_errors_were_measured_know_of_no_drift():
    assert half(days_of(3, 8, 28), days=0.2) == half(days_of(3, 1, 28), days=0.2)


def test_days_far_ahead_have_more_in_common_the_farther_they_are():
    """A level drifts away: a single day is as sure as its interval says, a sum of many less."""
    near, far, farther = (half(days_of(1, 1, 28, behind), days=0.2) for behind in (0, 28, 64))
    assert near < 1.02 * near < far < 1.02 * far < farther < 28
    assert half(days_of(1, 1, 1, 64), days=0.2) == pytest.approx(1.0)


def test_what_drifts_is_shared_by_the_branches_in_part():
    one, all_ = (half(days_of(series, 1, 28, 64)) for series in (1, 100))
    assert np.sqrt(100) < 1.5 * np.sqrt(100) < all_ / one < 100
