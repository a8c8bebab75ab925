"""The reasons of a forecast add up to it to the cent and point where the sales were made to move."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import fit, predict
from forecasting.engine.explain import REASONS, explain, reason
from forecasting.engine.panel import build_panel
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
CUTOFF = world.day(449)


@pytest.fixture(scope="module")
def panel():
    return world.panel(series=5, days=450)


@pytest.fixture(scope="module")
def model(panel):
    return fit(panel, CUTOFF, world.SMALL)


def test_reasons_add_up_to_the_forecast_to_the_cent(panel, model):
    out = explain(model, panel, CUTOFF, 35)
    made = predict(model, panel, CUTOFF, 35)
    np.testing.assert_allclose(out["yhat"], made["yhat"], atol=0.005001)
    for row in out.itertuples():
        assert sum(Decimal(repr(getattr(row, name))) for name in REASONS) == Decimal(repr(row.yhat))
    assert out["rest"].abs().sum() < 0.01 * out["yhat"].sum()


def test_pieces_and_threads_change_no_reason(panel, model, monkeypatch):
    whole = explain(model, panel, CUTOFF, 35)
    monkeypatch.setattr("forecasting.engine.explain.AT_ONCE", 40)
    made = predict(model, panel, CUTOFF, 35)
    pd.testing.assert_frame_equal(explain(model, panel, CUTOFF, 35, made=made, threads=2), whole, atol=0.0101)


def test_the_reasons_of_a_young_branch_are_those_of_both_its_pasts():
    """A branch of ten weeks is forecast from its own days and from a past that it is given; nothing is left over."""
    panel = world.panel(series=9, days=450)
    panel.y[0, :380] = np.nan
    model = fit(panel, CUTOFF, world.SMALL, calibrate=False)
    out = explain(model, panel, CUTOFF, 28)
    young = out[out["series_id"] == "b0"]
    assert (young["rule"] == "model").all() and young["rest"].abs().sum() < 0.01 * young["yhat"].sum()


def test_the_level_is_what_an_ordinary_day_sells(panel, model):
    out = explain(model, panel, CUTOFF, 28).groupby("series_id")["level"].mean()
    last = pd.Series(np.nanmean(panel.y[:, 422:450], axis=1), index=panel.series)
    assert (out / last).between(0.75, 1.25).all()


def test_saturdays_have_a_weekday_and_promotions_a_promotion(panel, model):
    out = explain(model, panel, CUTOFF, 35)
    promo = np.tile(world.promotion(pd.DatetimeIndex(out["date"][:35])), 5)
    share = out["promotion"] / out["yhat"]
    assert share[promo].mean() > 0.17 and share[~promo].abs().mean() < 0.06
    weekday = (out["weekday"] / out["yhat"]).groupby(out["date"].dt.day_of_week).mean()
    assert weekday[5] > 0.1 and weekday[0] < -0.05


def test_a_strong_weekday_is_no_promotion_where_there_is_none():
    """What a covariate's days and all others sell on a weekday is that weekday's; only the covariate itself promotes."""
    parts = ("value", "uplift", "before", "after")  # of the members for one day, and of the recursive one
    assert {REASONS[reason(f"promo:{part}")] for part in parts} == {"promotion"}
    assert REASONS[reason("promo:mean")] == "weekday"

    def strong(frame: pd.DataFrame) -> np.ndarray:
        """Each branch has a day of its own, so that only its own means tell it."""
        return ((frame["date"].dt.day_of_week + 2 * frame["series_id"].str[1:].astype(int)) % 7 == 3).to_numpy()

    frame = world.sales(series=5, days=450)
    promoted = world.promotion(pd.DatetimeIndex(frame["date"]))
    frame["y"] *= np.where(strong(frame), 3.0, 1.0) * np.where(promoted, 1.5, 1.0)
    panel = world.panel(frame)
    out = explain(fit(panel, CUTOFF, world.SMALL, calibrate=False), panel, CUTOFF, 35)
    ordinary = ~world.promotion(pd.DatetimeIndex(out["date"]))
    share = (out["promotion"] / out["level"]).groupby([ordinary, strong(out)]).mean()
    assert abs(share[True, True] - share[True, False]) < 0.01
    assert share[False].min() > 0.4  # promoted days, strong or not
    assert ((out["weekday"] / out["level"])[ordinary & strong(out)] > 0.6).all()


def test_a_feast_is_the_reason_of_a_feast():
    """8 March, known from two years, sells 1.6 times as much."""
    frame = world.sales(series=5, days=780)
    cutoff = pd.Timestamp("2025-02-18")
    panel = world.panel(frame[frame["date"] <= cutoff])
    out = explain(fit(panel, cutoff, world.SMALL, calibrate=False), panel, cutoff, 28).set_index("date")
    share = (out["feast"] / out["yhat"]).groupby("date").mean()
    assert share["2025-03-08"] > 0.12 and share.idxmax() == pd.Timestamp("2025-03-08")


def test_what_no_model_made_is_all_level(model):
    known = world.covariates(world.day(490))
    known = pd.concat([known.assign(series_id=s) for s in ["b0", "b1", "b2", "b3", "b4", "coming"]])
    known["closed"] = ((known["date"] == world.day(455)) & (known["series_id"] == "b0")).astype(int)
    out = explain(model, build_panel(world.sales(series=5, days=450), known), CUTOFF, 14)
    other = out[out["rule"].isin(["closed", "no_history"])]
    assert len(other) == 15
    assert (other["level"] == other["yhat"]).all() and (other[list(REASONS[1:])] == 0).all().all()


def test_a_split_of_the_seasonal_mix_alone_adds_up_too():
    frame = world.sales(series=1, days=40)
    panel = world.panel(frame)
    few = fit(panel, world.day(39), world.SMALL)
    assert not few.boosters
    out = explain(few, panel, world.day(39), 7)
    assert set(out["rule"]) == {"blend"}
    assert (out[list(REASONS)].sum(axis=1) - out["yhat"]).abs().max() < 1e-6


def test_a_split_of_what_a_few_weeks_taught_adds_up_too():
    panel = world.panel(world.sales(series=1, days=90))
    few = fit(panel, world.day(89), world.SMALL)
    assert few.boosters and few.mix_weight > 0.3
    out = explain(few, panel, world.day(89), 7)
    assert set(out["rule"]) == {"model"}
    assert (out[list(REASONS)].sum(axis=1) - out["yhat"]).abs().max() < 1e-6
