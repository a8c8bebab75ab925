"""Rolling statistics against SQL window functions in SQLite, an implementation that shares nothing with ours."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

from forecasting.engine.features import FEATURES, Features
from forecasting.engine.history import History
from forecasting.engine.panel import build_panel
from forecasting.engine.tests import world
from forecasting.engine.windows import Sums, add_up, room

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    frame = world.sales(series=3, days=300, seed=5).sample(frac=0.9, random_state=2)  # with gaps
    return frame.assign(y=frame["y"].round(2))


@pytest.fixture(scope="module")
def database(frame: pd.DataFrame) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    rows = [
        (s, int((d - world.START).days), y) for s, d, y in frame[["series_id", "date", "y"]].itertuples(index=False)
    ]
    connection.execute("create table sales (series text, day int, y real)")
    connection.executemany("insert into sales values (?, ?, ?)", rows)
    return connection


def column(panel, name: str, horizon: int = 1) -> pd.DataFrame:
    """[series, day, value] of one feature at every origin of the history."""
    features = Features(History(panel, world.day(299)), [])
    s, o = np.nonzero(features.history.recorded)
    keep = ~np.isnan(features.history.level[s, o]) & (o < 299)
    s, o = s[keep], o[keep]
    rows = features.rows(s, o, np.full(len(s), horizon))
    level = features.history.level[s, o]
    values = rows[:, FEATURES.index(name)] * level
    return pd.DataFrame({"series": np.array(panel.series, dtype=object)[s], "day": o, "value": values})


@pytest.mark.parametrize("days", [7, 14, 28, 91])
def test_means_of_the_last_days(frame, database, days):
    panel = build_panel(frame, horizon_end=world.day(340))
    sql = f"""select series, day, avg(y) over w as expected, count(*) over w as n from sales
              window w as (partition by series order by day range between {days - 1} preceding and current row)"""
    both = column(panel, f"mean_{days}").merge(pd.read_sql(sql, database), on=["series", "day"])
    both = both[both["n"] >= min(7, days // 3 + 1)]
    assert len(both) > 700
    np.testing.assert_allclose(both["value"], both["expected"], rtol=1e-5)


def test_the_same_weekday_of_the_last_weeks(frame, database):
    panel = build_panel(frame, horizon_end=world.day(340))
    sql = "select a.series, a.day, b.y as expected from sales a left join sales b on b.series = a.series and b.day = a.day - 6"
    both = column(panel, "same_weekday_1").merge(pd.read_sql(sql, database), on=["series", "day"])
    np.testing.assert_allclose(both["value"], both["expected"], rtol=1e-5)
    assert both["expected"].notna().sum() > 600


def test_exponential_weekday_means_are_weighted_sums_of_all_earlier_same_weekdays(frame, database):
    panel = build_panel(frame, horizon_end=world.day(340))
    sql = """select a.series, a.day, sum(b.y * pow(0.5, (a.day - 6 - b.day) / 7 / 3.0)) / sum(pow(0.5, (a.day - 6 - b.day) / 7 / 3.0))
             as expected from sales a join sales b on b.series = a.series and b.day <= a.day - 6 and (a.day - 6 - b.day) % 7 = 0
             group by a.series, a.day"""
    both = column(panel, "weekday_mean_3w").merge(pd.read_sql(sql, database), on=["series", "day"])
    assert len(both) > 700
    np.testing.assert_allclose(both["value"], both["expected"], rtol=1e-5)


def test_sums_that_begin_anew_add_up_over_their_beginnings():
    draw = np.random.default_rng(8)
    x = draw.lognormal(5, 1, (100, 3))
    sums = Sums(3, 100, 28, first=40)
    assert sums.begin == 28
    rows = room((), 100 - sums.begin, 3)
    rows[1 : 101 - sums.begin] = x[sums.begin :]
    sums.put(slice(0, 3), add_up(rows, 100 - sums.begin, sums.block))
    begin = draw.integers(40, 100, 500)
    s, end = draw.integers(0, 3, 500), np.minimum(begin + draw.integers(0, 29, 500), 100)
    expected = [x[b:e, k].sum() for k, b, e in zip(s, begin, end, strict=True)]
    np.testing.assert_allclose(sums.over(s, begin, end), expected, rtol=1e-12, atol=1e-9)
    assert (begin // 28 < (end - 1) // 28).sum() > 50
    with pytest.raises(IndexError):
        sums.over(np.zeros(1, int), np.array([39]), np.array([41]))


def test_feasts_are_not_in_the_means():
    """A feast that sells ten times as much leaves every level as it was; it is remembered as a feast that does."""
    frame = world.sales(series=2, days=460)
    loud = frame.assign(
        y=np.where(np.array(world.feast_names(pd.DatetimeIndex(frame["date"]))) != "", frame["y"] * 10, frame["y"])
    )
    a, b = (History(world.panel(f), world.day(425)) for f in (frame, loud))
    np.testing.assert_array_equal(a.level.rows, b.level.rows)
    s, again = np.arange(2), np.full(2, (pd.Timestamp("2024-03-08") - world.START).days)
    np.testing.assert_allclose(b.feast("own", s, again), a.feast("own", s, again) + np.log(10), atol=0.3)


def test_a_feast_remembers_its_earlier_years():
    """The effect of 8 March is learned in its first year and offered in the second, not before."""
    panel = world.panel(series=4, days=460)
    past = History(panel, world.day(425))
    first, second = ((pd.Timestamp(d) - world.START).days for d in ("2023-03-08", "2024-03-08"))
    s = np.arange(4)
    assert np.isnan(past.feast("own", s, np.full(4, first))).all()
    np.testing.assert_allclose(np.exp(past.feast("own", s, np.full(4, second))), 1.6, rtol=0.35)
    assert (past.feast("times", s, np.full(4, second)) == 1).all()
