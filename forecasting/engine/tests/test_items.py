"""Demand by product: what is a zero, what is not seen, how many suffice, and agreement with the department."""

from math import comb

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import counts
from forecasting.engine.counts import Counts
from forecasting.engine.errors import EngineError
from forecasting.engine.item_levels import HORIZON, LEVELS, MOST_MOVED, TOLERANCE
from forecasting.engine.item_model import agreement, forecast_items
from forecasting.engine.item_panel import build_item_panel
from forecasting.engine.panel import build_panel

pytestmark = pytest.mark.unit
START = pd.Timestamp("2025-01-06")
DAYS = 150
UNITS = {"bread": 40.0, "bun": 12.0, "cake": 2.0, "pie": 0.5}


def sold(departments: int = 3, days: int = DAYS, seed: int = 4) -> pd.DataFrame:
    """Weekends sell more; on Mondays the second department is shut; what sold nothing has no row."""
    draw, rows = np.random.default_rng(seed), []
    for number in range(departments):
        for day in range(days):
            date = START + pd.Timedelta(days=day)
            if number == 1 and date.day_of_week == 0:
                continue
            busy = 1.5 if date.day_of_week >= 5 else 1.0
            for product, units in UNITS.items():
                n = draw.poisson(units * busy * (number + 1))
                if n:
                    rows.append((f"d{number}", product, date, float(n), 3.0 * n))
    return pd.DataFrame(rows, columns=["department", "product", "date", "y", "money"])


def panel_of(frame: pd.DataFrame, ahead: int = HORIZON):
    whole = frame.groupby(["department", "date"]).money.sum().rename("y").reset_index()
    last = frame["date"].max() + pd.Timedelta(days=ahead)
    return build_item_panel(build_panel(whole.rename(columns={"department": "series_id"}), None, last), frame)


CUT = START + pd.Timedelta(days=DAYS - 15)


@pytest.fixture(scope="module")
def made():
    items = panel_of(sold())
    return items, forecast_items(items, CUT)


def test_a_day_without_a_sale_is_a_zero_where_the_department_sold_and_nothing_where_it_was_shut():
    frame = sold()
    items = panel_of(frame)
    row = items.keys.index(("d1", "pie"))
    first = frame[(frame["department"] == "d1") & (frame["product"] == "pie")]["date"].min()
    days = items.whole.dates
    mondays = days.day_of_week == 0
    assert np.isnan(items.y[row, mondays]).all() and np.isnan(items.y[row, days < first]).all()
    ordinary = ~mondays & (days >= first) & (days <= frame["date"].max())
    assert not np.isnan(items.y[row, ordinary]).any() and (items.y[row, ordinary] == 0).any()


def test_returns_are_no_sales_below_zero_and_a_pair_of_rows_for_one_day_is_refused():
    frame = sold(departments=1, days=20)
    frame.loc[frame.index[-1], "y"] = -3.0
    assert np.nanmin(panel_of(frame).y) == 0
    with pytest.raises(EngineError, match="duplicate_rows"):
        panel_of(pd.concat([frame, frame.iloc[:1]]))


def test_no_bit_of_an_item_forecast_depends_on_what_came_after_the_cutoff(made):
    _items, honest = made
    for factor in (10.0, 0.0):
        frame = sold()
        frame.loc[frame["date"] > CUT, ["y", "money"]] *= factor
        other = forecast_items(panel_of(frame), CUT)
        for name in ("rows", "mean", "quantiles", "price"):
            assert getattr(honest, name).tobytes() == getattr(other, name).tobytes(), name
        assert honest.blend == other.blend


def test_a_department_known_less_far_is_forecast_from_there():
    own = {"d0": (CUT - pd.Timedelta(days=3)).date()}
    frame = sold()
    known = forecast_items(panel_of(frame), CUT, cutoffs=own)
    frame.loc[(frame["department"] == "d0") & (frame["date"] > CUT - pd.Timedelta(days=3)), ["y", "money"]] *= 10
    assert known.mean.tobytes() == forecast_items(panel_of(frame), CUT, cutoffs=own).mean.tobytes()


def test_forecasts_are_near_what_is_sold_and_never_negative(made):
    items, found = made
    assert (found.mean >= 0).all() and (found.quantiles >= 0).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    truth = np.array([UNITS[items.keys[row][1]] * (int(items.keys[row][0][1]) + 1) for row in found.rows])
    week = found.mean[:, :7].mean(axis=1) / (truth * 8 / 7)
    assert np.abs(week[truth > 10] - 1).max() < 0.12
    at = items.whole.index(CUT) + np.arange(1, HORIZON + 1)
    y = items.y[found.rows][:, at]
    inside = (y >= found.quantiles[:, :, 0]) & (y <= found.quantiles[:, :, LEVELS.index(0.9)])
    known = ~np.isnan(y)
    assert 0.74 < inside[known].mean() < 0.97  # of few units an interval holds more often


def test_what_was_not_sold_for_four_weeks_is_off_the_list(made):
    items, found = made
    frame = sold()
    gone = (frame["product"] == "cake") & (frame["date"] > CUT - pd.Timedelta(days=28))
    fewer = forecast_items(panel_of(frame[~gone]), CUT)
    assert {items.keys[row][1] for row in found.rows} == set(UNITS)
    assert "cake" not in {items.keys[row][1] for row in fewer.rows}


def test_on_a_weekday_on_which_a_department_is_shut_it_hardly_opens(made):
    items, found = made
    mondays = (items.whole.dates[items.whole.index(CUT) + 1 :][:HORIZON]).day_of_week == 0
    assert (found.p_open[1, mondays] < 0.2).all() and (found.p_open[1, ~mondays] > 0.8).all()
    assert (found.p_open[0] > 0.8).all()


def test_a_known_closure_sells_nothing():
    frame = sold()
    whole = frame.groupby(["department", "date"]).money.sum().rename("y").reset_index()
    shut = CUT + pd.Timedelta(days=2)
    closed = pd.DataFrame({"series_id": ["d0"], "date": [shut], "closed": [1.0]})
    last = frame["date"].max()
    panel = build_panel(whole.rename(columns={"department": "series_id"}), closed, last)
    items = build_item_panel(panel, frame)
    found = forecast_items(items, CUT)
    mine = items.department[found.rows] == 0
    assert (found.mean[mine, 1] == 0).all() and (found.quantiles[mine, 1] == 0).all()
    assert found.p_open[0, 1] == 0
    assert (found.mean[mine, 0] > 0).all() and (found.mean[~mine, 1] > 0).all()


def test_items_agree_with_their_department_within_the_tolerance_or_are_moved_by_the_most():
    mean, price = np.array([[10.0, 10.0, 10.0, 10.0, 10.0]] * 2), np.array([2.0, np.nan])
    money = np.array([[20.5, 22.0, 18.0, 90.0, np.nan]])
    factor = agreement(mean, price, np.array([0, 0]), money)
    near = 20 * factor[0] / money[0]
    assert factor[0, 0] == 1.0  # within it already
    assert near[1] == pytest.approx(1 - TOLERANCE) and near[2] == pytest.approx(1 + TOLERANCE)
    assert factor[0, 3] == MOST_MOVED and factor[0, 4] == 1.0


def test_forecasts_brought_to_agree_bring_that_money():
    items = panel_of(sold())
    free = forecast_items(items, CUT)
    brought = np.zeros((3, HORIZON))
    np.add.at(brought, items.department[free.rows], free.mean * free.price[:, None])
    tied = forecast_items(items, CUT, money=brought * 1.15)
    after = np.zeros((3, HORIZON))
    np.add.at(after, items.department[tied.rows], tied.mean * tied.price[:, None])
    np.testing.assert_allclose(after, brought * 1.15 * (1 - TOLERANCE), rtol=1e-9)


def test_levels_of_a_count_are_those_of_its_distribution():
    found = Counts.plain().quantiles(np.array([6.0]), np.array([2.0]), np.array([True]))[0]
    upto = np.cumsum([comb(k + 5, k) * 0.5 ** (k + 6) for k in range(60)])  # mean 6, variance 12
    assert found.tolist() == [float(np.argmax(upto >= level)) for level in LEVELS]


def test_widths_are_learned_from_days_that_came_out_wider():
    draw = np.random.default_rng(2)
    mean, one = np.full(3000, 8.0), np.full(3000, 1.2)
    y = draw.negative_binomial(8.0 / 2.0, 1 / 3.0, 3000).astype(float)  # variance three times the mean
    found = counts.calibrate(y, mean, one, np.ones(3000, dtype=bool))
    assert found.widths[2] == pytest.approx(2.5, rel=0.2)
    assert found.widths[0] == 1.0  # nothing of that size: as the product's own past says


def test_places_of_days_as_forecast_lie_evenly_though_intervals_of_pieces_hold_more_often():
    draw = np.random.default_rng(6)
    mean, two, pieces = np.repeat([0.4, 2.0, 9.0], 4000), np.full(12_000, 2.0), np.ones(12_000, dtype=bool)
    y = draw.negative_binomial(mean, 0.5).astype(float)  # variance twice the mean
    place = Counts.plain().place(y, mean, two, pieces)
    for units in (0.4, 2.0, 9.0):
        assert np.histogram(place[mean == units], 5, (0, 1))[0] / 4000 == pytest.approx(np.full(5, 0.2), abs=0.03)
    low, high = Counts.plain().quantiles(mean, two, pieces)[:, [0, LEVELS.index(0.9)]].T
    assert ((y >= low) & (y <= high)).mean() > 0.87
    # Distributions twice as wide as they should be are seen by the places.
    wide = Counts([2.0] * 4).place(y, mean, two, pieces)
    assert ((wide >= 0.1) & (wide <= 0.9)).mean() > 0.85
    assert np.isnan(Counts.plain().place(np.zeros(1), np.zeros(1), two[:1], pieces[:1])).all()


def test_what_is_weighed_is_not_rounded_to_pieces():
    found = Counts.plain().quantiles(np.array([2.4, 0.0]), np.array([1.3, 1.3]), np.array([False, False]))
    assert (found[0] % 1 != 0).all() and (found[1] == 0).all()


def test_without_a_sale_there_is_nothing_to_forecast():
    items = panel_of(sold(departments=1, days=20))
    with pytest.raises(EngineError, match="no_history"):
        forecast_items(items, START - pd.Timedelta(days=0), cutoffs={"d0": START.date() - pd.Timedelta(days=2)})
