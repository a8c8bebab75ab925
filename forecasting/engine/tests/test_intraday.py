"""A good or a bad morning changes the rest of the day, as far as mornings have told before."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.engine.intraday import learn_mornings
from forecasting.engine.rest import Mornings, rest_of_day

pytestmark = pytest.mark.unit
SHARES = np.zeros((1, 24))
SHARES[0, 8:20] = 1 / 12
DAY = np.array([1200.0])
BOUNDS = {"lo80": DAY - 300, "hi80": DAY + 300, "lo95": DAY - 500, "hi95": DAY + 500}


def at(now: int, each_hour: float, power: float = 0.6):
    told = Mornings(np.full(24, power), np.full(24, np.sqrt(1 - power**2)))
    return rest_of_day(told, DAY, BOUNDS, SHARES, SHARES * 12 * each_hour, now)


def test_a_morning_as_expected_changes_nothing_but_the_width():
    hours, total, bounds = at(14, 100.0)
    assert total[0] == pytest.approx(1200)
    np.testing.assert_allclose(hours[0, 14:20], 100)
    assert bounds["hi80"][0] - bounds["lo80"][0] < 0.8 * (BOUNDS["hi80"] - BOUNDS["lo80"])[0]


def test_a_strong_morning_raises_the_rest_but_not_by_all_of_it():
    hours, total, _ = at(14, 150.0)
    assert (hours[0, 8:14] == 150).all()
    assert 100 < hours[0, 15] < 150
    assert at(14, 150.0, power=0.2)[0][0, 15] < hours[0, 15]  # where mornings tell less, less
    assert at(14, 50.0)[0][0, 15] < 100


def test_before_opening_it_is_the_forecast_and_after_closing_what_was_sold():
    hours, total, bounds = at(8, 0.0)  # not a sale was expected before eight
    np.testing.assert_allclose(hours, SHARES * 1200)
    assert {k: v[0] for k, v in bounds.items()} == pytest.approx({k: v[0] for k, v in BOUNDS.items()})
    hours, total, bounds = at(24, 70.0)
    assert total[0] == pytest.approx(840) and bounds["lo95"][0] == bounds["hi95"][0] == pytest.approx(840)


def test_a_morning_without_a_sale_does_not_make_the_day_zero():
    hours, total, _ = at(12, 0.0)
    assert 0 < total[0] < 1200


def test_where_next_to_nothing_was_expected_no_morning_is_too_good_to_be_divided():
    least = np.array([1e-310])
    told = Mornings(np.full(24, 0.5), np.full(24, 0.8))
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        _hours, total, _bounds = rest_of_day(told, least, dict.fromkeys(BOUNDS, least), SHARES, SHARES * 1e4, 14)
    assert total[0] == pytest.approx(5000)


@given(st.integers(0, 24), st.lists(st.floats(0, 1e4), min_size=24, max_size=24), st.floats(0, 1e5))
def test_hours_add_up_and_bounds_are_nested_whatever_is_sold(now, sold, day):
    yhat = np.array([day])
    bounds = {"lo80": yhat * 0.8, "hi80": yhat * 1.3, "lo95": yhat * 0.5, "hi95": yhat * 2}
    told = Mornings(np.full(24, 0.5), np.full(24, 0.8))
    hours, total, out = rest_of_day(told, yhat, bounds, SHARES, np.array([sold]), now)
    assert hours[0].sum() == pytest.approx(total[0])
    assert (hours[0, :now] == np.array(sold)[:now]).all()
    slack = 1e-6 * (1 + total[0])
    ordered = [out["lo95"][0], out["lo80"][0], total[0], out["hi80"][0], out["hi95"][0]]
    assert (np.diff(ordered) >= -slack).all() and ordered[0] >= sum(sold[:now]) - slack


def days(told: bool) -> pd.DataFrame:
    """A shop whose good mornings are good days (`told`), or say nothing of the afternoon."""
    dates, draw = pd.date_range("2026-01-05", periods=150), np.random.default_rng(2)
    frame = pd.MultiIndex.from_product([["a", "b"], dates, range(8, 20)], names=["series_id", "date", "hour"])
    frame = frame.to_frame(index=False)
    morning = draw.lognormal(0, 0.3, len(frame) // 12)
    evening = morning if told else draw.lognormal(0, 0.3, len(frame) // 12)
    y = np.where(frame["hour"] < 14, morning.repeat(12), evening.repeat(12)) * draw.lognormal(0, 0.05, len(frame))
    return frame.assign(y=100 * y)


def test_what_mornings_tell_is_learned_from_mornings():
    telling, silent = (learn_mornings(days(told), "2026-06-03") for told in (True, False))
    assert telling.power[14] > 0.45 and telling.uncertainty[14] < 0.7
    assert silent.power[14] < 0.15 and silent.uncertainty[14] > 0.9


def test_it_is_blind_to_what_comes_later_and_says_nothing_without_a_history():
    frame = days(True)
    later = frame.assign(y=np.where(frame["date"] > "2026-05-01", 1e6, frame["y"]))
    a, b = (learn_mornings(f, "2026-05-01") for f in (frame, later))
    assert a.power.tobytes() == b.power.tobytes()
    few = learn_mornings(frame[frame["date"] <= "2026-01-12"], "2026-01-12")
    assert (few.power == 0).all() and (few.uncertainty == 1).all()
