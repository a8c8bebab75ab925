"""The hours of a day add up to the day, to the last coin."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.engine.hourly import profiles, split

pytestmark = pytest.mark.unit


@given(
    st.decimals(min_value=-(10**9), max_value=10**12, places=2, allow_nan=False),
    st.lists(st.floats(min_value=0, max_value=1e6, allow_nan=False), min_size=24, max_size=24),
)
def test_hours_add_up_exactly(total, shares):
    parts = split(total, shares)
    assert len(parts) == 24
    assert sum(parts) == total
    assert all(p.as_tuple().exponent == -2 for p in parts)
    assert all(p * (1 if total >= 0 else -1) >= 0 for p in parts)


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.lists(st.floats(0.001, 1), min_size=24, max_size=24))
def test_no_hour_is_off_by_a_whole_coin(total, shares):
    whole = sum(map(Decimal, shares))
    for part, share in zip(split(total, shares), shares, strict=True):
        assert abs(part - total * Decimal(share) / whole) < Decimal("0.010001")


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


def test_hours_after_the_cutoff_are_not_seen():
    late = pd.concat([hours(56), hours(14, peak=9).assign(date=lambda f: f["date"] + pd.Timedelta(days=70))])
    np.testing.assert_array_equal(profiles(late, "2026-03-01")["a"], profiles(hours(56), "2026-03-01")["a"])
