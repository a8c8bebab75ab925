"""The forecast without learning: steady under odd days, led on by last year, as good as its parts say."""

import numpy as np
import pandas as pd
import pytest

from forecasting.engine.history import History
from forecasting.engine.mix import Mix
from forecasting.engine.tests import world
from forecasting.engine.windows import weekday_median

pytestmark = pytest.mark.unit


def ahead(frame: pd.DataFrame, days: int = 14) -> np.ndarray:
    """[series, days] of the mix after the last day of `frame`."""
    panel, cutoff = world.panel(frame), frame["date"].max()
    history = History(panel, cutoff)
    count = len(panel.series)
    s, h = np.repeat(np.arange(count), days), np.tile(np.arange(1, days + 1), count)
    return Mix(history).forecast(s, np.full(len(s), history.cutoff), h).reshape(count, days)


def test_a_few_odd_days_move_it_less_than_they_move_a_mean():
    """A wedding on each of the last three Saturdays: the mean of sixteen would rise by three quarters."""
    frame = world.sales(series=2, days=300, noise=0.02)
    odd = frame["date"].isin(frame["date"][frame["date"].dt.day_of_week == 5].drop_duplicates().nlargest(3))
    usual, moved = ahead(frame), ahead(frame.assign(y=np.where(odd, frame["y"] * 5, frame["y"])))
    saturday = (frame["date"].max() + pd.to_timedelta(np.arange(1, 15), "D")).day_of_week == 5
    assert (moved[:, saturday] / usual[:, saturday]).max() < 1.75


def steady(unit: float) -> pd.DataFrame:
    """Two branches of nothing but weekdays."""
    days = np.arange(300)
    y = np.array([1.0, 1.1, 1.2, 1.3, 1.6, 2.0, 0.7])[days % 7] * unit
    return pd.DataFrame(
        {"series_id": np.repeat(["a", "b"], 300), "date": np.tile(world.START + pd.to_timedelta(days, "D"), 2),
         "y": np.tile(y, 2)}
    )  # fmt: skip


def test_a_steady_week_is_repeated_in_any_unit():
    frame = steady(1.0)
    np.testing.assert_allclose(ahead(frame), frame["y"].to_numpy().reshape(2, -1)[:, -14:], rtol=0.01)
    np.testing.assert_allclose(ahead(steady(1e6)), 1e6 * ahead(frame), rtol=1e-5)


def test_its_factors_multiply_to_the_forecast_with_last_years_way_and_without():
    for days in (200, 700):
        panel = world.panel(series=3, days=days)
        history = History(panel, world.day(days - 1))
        mix, s = Mix(history), np.repeat(np.arange(3), 28)
        o, h = np.full(len(s), history.cutoff), np.tile(np.arange(1, 29), 3)
        factors = mix.factors(s, o, h)
        np.testing.assert_allclose(history.level[s, o] * np.prod(list(factors.values()), axis=0), mix.forecast(s, o, h))
        assert (np.abs(factors["season"] - 1).max() > 0.005) == (days > 400)


def test_the_median_of_a_weekday_counts_what_was_sold_on_it_and_nothing_later():
    draw = np.random.default_rng(0)
    x = np.where(draw.random((3, 90)) < 0.3, np.nan, draw.lognormal(0, 1, (3, 90)))
    x[2, 3::7] = np.nan  # never open on this weekday
    s, d = (a.reshape(-1) for a in np.meshgrid(np.arange(3), np.arange(90), indexing="ij"))
    with np.errstate(all="ignore"):
        expected = [pd.Series(x[a, b % 7 : b + 1 : 7][-5:]).median() for a, b in zip(s, d, strict=True)]
    np.testing.assert_allclose(weekday_median(x, s, d, 5), expected)


def test_a_feast_is_believed_the_more_the_more_often_it_was_seen():
    """New Year sells 1.6 times as much; the mix knows it from one year and from two."""
    believed = []
    for days in (715, 1080):  # to the middle of a December
        panel = world.panel(series=6, days=days)
        history = History(panel, world.day(days - 1))
        s, first = np.arange(6), panel.index(f"{history.dates[history.cutoff].year + 1}-01-01")
        o = np.full(6, history.cutoff)
        believed.append(Mix(history).factors(s, o, first - o)["feast"].mean())
    assert 1.2 < believed[0] < believed[1] < 1.55
