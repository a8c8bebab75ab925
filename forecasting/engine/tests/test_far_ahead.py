"""Days 36 to 92 ahead, for planning: made by the same fit, without a bit of the first weeks depending on them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import Fit, Panel, fit, intervals, members, predict
from forecasting.engine.explain import REASONS, explain
from forecasting.engine.history import History
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit

DAYS = 460
CUTOFF = world.day(DAYS - 1)
QUARTER = 92


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Grown branches, one that sells for ten weeks, one for ten days."""
    sales = world.sales(series=8, days=DAYS)
    for name, days in (("b6", 70), ("b7", 10)):
        sales = sales[(sales["series_id"] != name) | (sales["date"] > CUTOFF - pd.Timedelta(days=days))]
    return world.panel(sales, ahead=QUARTER + 20)


@pytest.fixture(scope="module")
def model(panel) -> Fit:
    return fit(panel, CUTOFF, dataclasses.replace(world.SMALL, most_copies=1))


def test_no_bit_of_the_first_days_depends_on_how_many_are_asked_for(model, panel):
    own = {"b1": world.day(DAYS - 9).date()}
    whole = predict(model, panel, CUTOFF, QUARTER, cutoffs=own)
    assert len(whole) == 8 * QUARTER
    for days in (7, 28, 35, 60):
        first = whole[whole["date"] <= CUTOFF + pd.Timedelta(days=days)]
        assert world.same(first, predict(model, panel, CUTOFF, days, cutoffs=own))


def test_no_bit_of_a_quarter_depends_on_sales_after_the_cutoff(model, panel):
    honest = predict(model, panel, CUTOFF, QUARTER)
    for change in (np.zeros_like, lambda y: np.full_like(y, 1e6)):
        y = panel.y.copy()
        y[:, DAYS:] = change(y[:, DAYS:])
        other = dataclasses.replace(panel, y=y)
        assert world.same(honest, predict(model, other, CUTOFF, QUARTER))
        assert world.same(honest, predict(fit(other, CUTOFF, model.recipe), other, CUTOFF, QUARTER))


def test_a_quarter_comes_near_to_what_will_be_sold_and_its_intervals_hold(model, panel):
    """A year ago something is known of every day of the quarter."""
    out = predict(model, panel, CUTOFF, QUARTER)
    grown = out[out["series_id"].isin([f"b{i}" for i in range(6)]) & (out["h"] > 35)]
    truth = world.sales(series=8, days=DAYS + QUARTER).set_index(["series_id", "date"])["y"]
    sold = truth.reindex(pd.MultiIndex.from_frame(grown[["series_id", "date"]])).to_numpy()
    missed = np.abs(grown["yhat"].to_numpy() - sold).sum() / sold.sum()
    assert missed < 0.25, missed
    assert 0.6 < ((sold >= grown["lo80"]) & (sold <= grown["hi80"])).mean() < 0.97


def test_the_walk_ends_where_the_members_have_been_trained_to(model, panel, monkeypatch):
    asked = []
    walked = members._walked

    def noted(boosters, features, s, o, h):
        asked.append(int(h.max()))
        return walked(boosters, features, s, o, h)

    monkeypatch.setattr(members, "_walked", noted)
    predict(model, panel, CUTOFF, QUARTER)
    assert asked and max(asked) == model.recipe.horizon


def test_intervals_are_never_narrower_further_ahead(model, panel):
    history = History(panel, CUTOFF)
    days = np.array([h for h in range(7, QUARTER, 7) if not history.feasts.key[0, history.cutoff + h]])
    s, o = np.zeros(len(days), dtype=int), np.full(len(days), history.cutoff)
    forecast = np.full(len(days), history.level[s[:1], o[:1]][0])
    grown = intervals.bounds(model.calibration, history, s, o, days, forecast)
    young = intervals.short_bounds(model.calibration, np.full(len(days), 10), days, forecast)
    for bounds in (grown, young):
        for p in ("80", "95"):
            width = bounds[f"hi{p}"] - bounds[f"lo{p}"]
            assert (np.diff(width) >= 0).all() and width[-1] > width[days <= 35][-1]


def test_reasons_of_a_far_day_add_up_to_it_and_leave_little_unsaid(model, panel):
    made = predict(model, panel, CUTOFF, QUARTER)
    out = explain(model, panel, CUTOFF, QUARTER)
    total = out[list(REASONS)].sum(axis=1)
    assert np.abs(total - out["yhat"]).max() < 0.005
    np.testing.assert_allclose(out["yhat"], made["yhat"], atol=0.0051)
    far = out[(made["h"] > 35) & (made["rule"] == "model")]
    assert len(far) > 300 and (far["rest"].abs() / far["yhat"]).mean() < 0.02
