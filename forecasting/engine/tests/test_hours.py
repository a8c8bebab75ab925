"""The hours of a day add up to the day, to the last coin."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.engine import hour_model
from forecasting.engine.hour_model import hour_misses, hour_shares, hour_unit, recent_shares, train_hours
from forecasting.engine.hourly import profiles, split

pytestmark = pytest.mark.unit


SHARES = st.lists(st.floats(min_value=0, max_value=1e6, allow_nan=False), min_size=24, max_size=24)


@given(st.lists(st.tuples(st.integers(-(10**11), 10**14), SHARES), min_size=1, max_size=4))
def test_hours_add_up_exactly(days):
    coins, shares = np.array([day[0] for day in days]), np.array([day[1] for day in days])
    parts = split(coins, shares)
    assert parts.shape == (len(days), 24) and parts.dtype == np.int64
    np.testing.assert_array_equal(parts.sum(axis=1), coins)
    assert (parts * np.sign(coins)[:, None] >= 0).all()


@given(st.integers(0, 10**11), st.lists(st.floats(0.001, 1), min_size=24, max_size=24))
def test_no_hour_is_off_by_a_whole_coin(coins, shares):
    (parts,) = split(np.array([coins]), np.array([shares]))
    whole = sum(map(Decimal, shares))
    for part, share in zip(parts.tolist(), shares, strict=True):
        assert abs(part - coins * Decimal(share) / whole) < Decimal("1.0001")


def test_unknown_shares_mean_evenly_and_earlier_hours_win_ties():
    (parts,) = split(np.array([26]), np.full((1, 24), np.nan))
    assert parts.tolist() == [2, 2] + [1] * 22


def hours(days: int, series: str = "a", peak: int = 12) -> pd.DataFrame:
    dates = pd.date_range("2026-01-05", periods=days)
    grid = pd.MultiIndex.from_product([[series], dates, range(8, 20)], names=["series_id", "date", "hour"]).to_frame(
        index=False
    )
    weekend = grid["date"].dt.day_of_week >= 5
    grid["y"] = np.where(grid["hour"] == peak + 3 * weekend, 120.0, 10.0)
    return grid


def test_shares_know_the_weekday_and_add_up_to_one():
    shares = profiles(hours(56), "2026-03-01")["a"]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares[0].argmax() == 12 and shares[6].argmax() == 15
    assert shares[0][3] < 0.01


def test_a_short_history_borrows_from_the_others_and_none_at_all_takes_theirs():
    both = pd.concat([hours(56), hours(2, "new", peak=17)])
    both.loc[both["series_id"] == "new", "date"] += pd.Timedelta(days=54)
    shares = profiles(both, "2026-03-01", ["a", "new", "coming"])
    assert 0 < shares["new"][2][12] < shares["a"][2][12]
    assert shares["coming"][2].argmax() == 12


def test_a_short_history_is_taken_for_one_of_its_kind():
    """Three bakeries sell at eight, one bar at nineteen; the new bar sold once."""
    chain = [hours(56, name, peak=8) for name in ("x", "y", "z")] + [hours(56, "bar", peak=19)]
    frame = pd.concat([*chain, hours(1, "new", peak=13).assign(date=pd.Timestamp("2026-03-01"))])
    named = {"x": "bakery", "y": "bakery", "z": "bakery", "bar": "bar", "new": "bar"}
    alike = profiles(frame, "2026-03-01", list(named), kinds=named)
    alone = profiles(frame, "2026-03-01", list(named))
    assert alike["new"][2][19] > alike["new"][2][8] and alone["new"][2][19] < alone["new"][2][8]
    np.testing.assert_allclose(alike["bar"], alone["bar"], atol=0.02)


def test_series_are_forecast_in_parts_as_they_are_together(monkeypatch):
    both = pd.concat([dated(), dated(series="b").assign(y=lambda f: f["y"] * 3), hours(20, "short")])
    booster, names = train_hours(both, "2026-05-27"), ["b", "short", "a"]
    together = hour_shares(booster, both, "2026-05-27", 7, names)
    monkeypatch.setattr(hour_model, "AT_ONCE", 1)
    assert hour_shares(booster, both, "2026-05-27", 7, names).tobytes() == together.tobytes()


def test_hours_after_the_cutoff_are_not_seen():
    late = pd.concat([hours(56), hours(14, peak=9).assign(date=lambda f: f["date"] + pd.Timedelta(days=70))])
    np.testing.assert_array_equal(profiles(late, "2026-03-01")["a"], profiles(hours(56), "2026-03-01")["a"])


def dated(days: int = 150, series: str = "a") -> pd.DataFrame:
    """A shop that sells in the morning on the first ten days of a month and in the evening on the others."""
    frame = hours(days, series)
    early = (frame["date"].dt.day <= 10) == (frame["hour"] < 14)
    noise = np.random.default_rng(1).lognormal(0, 0.05, len(frame))
    return frame.assign(y=np.where(early, 100.0, 10.0) * noise)


def test_a_pattern_that_follows_the_date_is_learned():
    """The cutoff lies in the evening part of May, the fifth day after it is the first of June."""
    frame, cutoff = dated(), "2026-05-27"
    shares = hour_shares(train_hours(frame, cutoff), frame, cutoff, 7, ["a"])
    np.testing.assert_allclose(shares.sum(axis=2), 1)
    mornings = shares[0, :, 8:14].sum(axis=1)
    assert (mornings[:4] < 0.2).all() and (mornings[4:] > 0.7).all()
    assert shares[0, :, :8].max() == 0
    flat = np.stack([profiles(frame, cutoff, ["a"])["a"][d % 7] for d in range(3, 10)])
    assert flat[4:, 8:14].sum(axis=1).max() < 0.5


def test_the_same_hours_and_seed_give_the_same_model_blind_to_what_comes_later():
    frame = dated()
    whole, cut = train_hours(frame, "2026-05-01"), train_hours(frame[frame["date"] <= "2026-05-01"], "2026-05-01")
    assert whole.model_to_string() == cut.model_to_string()
    later = frame.assign(y=np.where(frame["date"] > "2026-05-01", 1e6, frame["y"]))
    a, b = (hour_shares(whole, f, "2026-05-01", 14, ["a"]) for f in (frame, later))
    assert a.tobytes() == b.tobytes()


def test_too_few_days_to_learn_from_leave_the_profile():
    few = hours(20)
    assert train_hours(few, "2026-01-24") is None
    both = pd.concat([dated(), hours(3, "new", peak=17).assign(date=lambda f: f["date"] + pd.Timedelta(days=140))])
    shares = hour_shares(train_hours(both, "2026-05-27"), both, "2026-05-27", 7, ["a", "new", "coming"])
    known = profiles(both, "2026-05-27", ["a", "new", "coming"])
    for row, name in ((1, "new"), (2, "coming")):
        np.testing.assert_array_equal(shares[row, 0], known[name][3])  # a Thursday


def test_an_hour_that_wanders_more_misses_more():
    frame = hours(150)
    wild = frame["hour"] == 9
    frame["y"] *= np.where(wild, np.random.default_rng(0).lognormal(0, 1, len(frame)), 1.0)
    often, seldom = hour_misses(frame, "2026-05-25", ["a", "unseen"], (0.8, 0.95))
    assert often[0, 9] > 3 * often[0, 10] and seldom[0, 9] > often[0, 9]
    assert np.isnan(often[1]).all()


def test_weeks_tested_are_forecast_by_a_model_that_did_not_learn_them():
    frame = dated()
    last = frame["date"] > "2026-05-20"
    turned = frame.assign(y=np.where(last, frame["y"].iloc[::-1], frame["y"]))
    (_, was, before), (_, is_, after) = (recent_shares(f, "2026-05-27") for f in (frame, turned))
    assert (was[:, :, -7:] != is_[:, :, -7:]).any()
    assert before[:, :, -7:].tobytes() == after[:, :, -7:].tobytes()
    assert not np.isnan(before).any()


def test_what_an_hour_misses_by_grows_with_the_root_of_its_sales():
    """Guests come by chance: a shop four times as large misses its hours by half as much of a day."""
    draw, frame = np.random.default_rng(5), hours(100)
    shops = [frame.assign(series_id=name, y=draw.poisson(frame["y"] * size)) for name, size in (("a", 1), ("b", 4))]
    (often,) = hour_misses(pd.concat(shops), "2026-04-12", ["a", "b"], (0.8,))
    open_hours = often[:, frame["hour"].unique()]
    assert open_hours[1].mean() / open_hours[0].mean() == pytest.approx(1.0, abs=0.1)
    assert hour_unit(np.array(0.25), np.array(400.0)) == pytest.approx(2 * hour_unit(np.array(0.25), np.array(100.0)))


def test_hours_of_a_quarter_have_the_shape_last_known_and_the_first_days_are_the_same_bits():
    known, cutoff = hours(120), "2026-05-04"
    booster = train_hours(known, cutoff)
    month, quarter = (hour_shares(booster, known, cutoff, days, ["a", "unknown"]) for days in (28, 92))
    assert month.tobytes() == np.ascontiguousarray(quarter[:, :28]).tobytes()
    np.testing.assert_allclose(quarter.sum(axis=2), 1)
    weekend = pd.date_range(pd.Timestamp(cutoff) + pd.Timedelta(days=1), periods=92).day_of_week >= 5
    assert (quarter[0].argmax(axis=1) == np.where(weekend, 15, 12)).all()
