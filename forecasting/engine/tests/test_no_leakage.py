"""Nothing after the cutoff moves a forecast by a bit, and serving sees what training saw."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import fit, members, predict, recursive
from forecasting.engine.features import Features
from forecasting.engine.history import History
from forecasting.engine.recursive import Walk
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit


def altered(panel, after: int, change):
    y = panel.y.copy()
    y[:, after + 1 :] = change(y[:, after + 1 :])
    return dataclasses.replace(panel, y=y)


def test_no_bit_of_a_forecast_depends_on_sales_after_the_cutoff():
    panel, cutoff = world.panel(series=4, days=460), world.day(419)
    honest = predict(fit(panel, cutoff, world.SMALL), panel, cutoff)
    for change in (lambda y: y * 10, lambda y: y * np.nan):
        other = altered(panel, 419, change)
        assert world.same(honest, predict(fit(other, cutoff, world.SMALL), other, cutoff))


def test_sales_on_the_cutoff_itself_do_count():
    panel, cutoff = world.panel(series=4, days=460), world.day(419)
    model = fit(panel, cutoff, world.SMALL)
    changed = altered(panel, 418, lambda y: y * 10)
    assert not world.same(predict(model, panel, cutoff), predict(model, changed, cutoff))


def test_a_series_with_an_older_cutoff_is_forecast_from_there_and_later_sales_of_it_are_not_used():
    panel, cutoff = world.panel(series=4, days=460), world.day(419)
    model = fit(panel, cutoff, world.SMALL)
    own = {"b1": world.day(412).date()}
    frame = predict(model, panel, cutoff, 7, cutoffs=own)
    y = panel.y.copy()
    y[1, 413:] *= 10
    assert world.same(frame, predict(model, dataclasses.replace(panel, y=y), cutoff, 7, cutoffs=own))
    late = frame[frame["series_id"] == "b1"]
    assert late["h"].tolist() == list(range(8, 15))
    assert (late["cutoff"] == world.day(412)).all()
    assert late["date"].tolist() == list(pd.date_range(world.day(420), world.day(426)))


@pytest.mark.parametrize("series", [1, 2])
def test_a_day_without_a_record_is_still_one_after_training(series):
    panel = world.panel(series=series, days=120)
    panel.y[:, 60:70] = np.nan
    before = panel.y.copy()
    History(panel, world.day(100))
    np.testing.assert_array_equal(panel.y, before)


def test_training_and_serving_rows_are_the_same_bits():
    """Rows of past origins built with a year of later history equal those built on the morning itself."""
    panel = world.panel(series=5, days=480)
    later = History(panel, world.day(470))
    trained = Features(later, ["promo"])
    draw = np.random.default_rng(3)
    for _ in range(12):
        s, o, h = draw.integers(0, 5, 30), np.full(30, draw.integers(60, 430)), draw.integers(1, 36, 30)
        day = int(o[0])
        served = Features(History(panel, world.day(day), states=later.state_names, since=day), ["promo"])
        a, b = trained.rows(s, o, h), served.rows(s, o, h)
        assert a.tobytes() == b.tobytes()
        assert np.isfinite(a).mean() > 0.6


def test_scatter_of_a_long_past_is_the_same_bits_when_only_its_end_is_kept():
    panel, day = world.panel(series=3, days=1000), 990
    every, last = (History(panel, world.day(day), since=since) for since in (0, day))
    s, o = np.arange(3), np.full(3, day)
    assert every.spread(s, o).tobytes() == last.spread(s, o).tobytes()
    kept = last._noise.first
    assert kept > 364
    np.testing.assert_array_equal(every._noise.rows[kept:], last._noise.rows)


@pytest.mark.parametrize("day", [182, 363, 364, 365, 546, 600])
def test_surprises_and_scatter_do_not_depend_on_where_their_sums_begin_anew(day):
    panel = world.panel(series=3, days=640)
    every, last = History(panel, world.day(620)), History(panel, world.day(day), since=day)
    s, o = np.arange(3), np.full(3, day)
    for days in (3, 28):
        assert every.surprise(s, o, days).tobytes() == last.surprise(s, o, days).tobytes()
        assert every.pooled_surprise[days][day] == last.pooled_surprise[days][day]
    assert every.spread(s, o).tobytes() == last.spread(s, o).tobytes()
    assert np.isfinite(every.spread(s, o)).all()
    assert every.pooled_noise[day] == last.pooled_noise[day]


def test_rows_are_the_same_bits_whatever_is_asked_beside_them():
    """Days ahead of one origin share what is looked up; alone, every row looks for itself. Calendars may differ."""
    panel = world.panel(series=5, days=480)
    panel.holiday[1, 430] = 1
    features = Features(History(panel, world.day(470), since=430), ["promo"])
    s, o = np.repeat(np.arange(5), 35), np.full(175, 440)
    h = np.tile(np.arange(1, 36), 5)
    together = features.rows(s, o, h)
    shuffled = np.random.default_rng(5).permutation(175)
    assert np.array_equal(together[shuffled], features.rows(s[shuffled], o[shuffled], h[shuffled]), equal_nan=True)


def test_what_was_not_kept_is_refused():
    history = History(world.panel(series=2, days=460), world.day(450), since=450)
    with pytest.raises(IndexError):
        history.weekday(np.arange(2), np.full(2, 430), 8.0)
    with pytest.raises(IndexError):
        history.plain.window(np.arange(2), np.full(2, 380), np.empty((28, 2)))
    feast = (pd.Timestamp("2024-03-08") - world.START).days
    assert feast < 450
    with pytest.raises(IndexError):
        history.feast("effect", np.arange(2), np.full(2, feast))
    assert np.isnan(history.pooled_noise[:450]).all()
    assert history.pooled_noise[450] > 0


def test_the_recursive_member_learns_from_the_same_bits_it_is_served():
    panel = world.panel(series=5, days=480)
    later = History(panel, world.day(470))
    trained = Features(later, ["promo"])
    draw = np.random.default_rng(4)
    for _ in range(6):
        s, o = np.arange(5), np.full(5, draw.integers(60, 430))
        day = int(o[0])
        served = Features(History(panel, world.day(day), states=later.state_names, since=day), ["promo"])
        a, b = Walk(trained, s, o), Walk(served, s, o, np.full(5, 7))
        assert a.level().tobytes() == b.level().tobytes()
        assert a.rows(a.level()).tobytes() == b.rows(b.level()).tobytes()


def test_a_walk_into_the_past_sees_its_own_forecasts_and_never_what_was_sold():
    panel = world.panel(series=3, days=300)
    features = Features(History(panel, world.day(299)), ["promo"])
    walk = Walk(features, np.arange(3), np.full(3, 250), np.full(3, 3))
    walk.advance(np.array([1.0, 2.0, 3.0]))
    level = walk.level()
    yesterday = walk.rows(level)[:, recursive.names(features).index("lag_1")] * level
    np.testing.assert_allclose(yesterday, [1.0, 2.0, 3.0], rtol=1e-6)


def test_a_walk_is_the_same_bits_alone_and_beside_longer_and_shorter_ones(monkeypatch):
    panel = world.panel(series=4, days=300)
    boosters = fit(panel, world.day(299), world.SMALL, calibrate=False).boosters
    features = Features(History(panel, world.day(299)), ["promo"])
    s, o, ahead = np.arange(4), np.array([250, 30, 262, 255]), np.array([4, 30, 1, 12])
    rows = np.repeat(s, ahead), np.repeat(o, ahead), np.concatenate([np.arange(1, n + 1) for n in ahead])
    together = members.forecast(boosters, features, *rows)
    monkeypatch.setattr(members, "AT_ONCE", 7)
    assert members.forecast(boosters, features, *rows).tobytes() == together.tobytes()
    for n in s:
        alone = members.forecast(boosters, features, *(x[rows[0] == n] for x in rows))
        assert alone.tobytes() == together[:, rows[0] == n].tobytes()


def test_a_walk_over_a_shut_day_leaves_a_gap():
    frame = world.sales(series=2, days=300)
    frame = frame[frame["date"].dt.day_of_week != 2]
    features = Features(History(world.panel(frame), world.day(295)), ["promo"])  # a Tuesday before the shut Wednesday
    walk = Walk(features, np.arange(2), np.full(2, 295 - (295 - 1) % 7), np.full(2, 3))
    walk.advance(np.array([500.0, 500.0]))
    assert np.isnan(walk.rows(walk.level())[:, recursive.names(features).index("lag_1")]).all()
