"""A chain that sells in two currencies: what the other one is worth decides nothing but the figures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import Fit, fit, predict
from forecasting.engine.explain import REASONS, explain
from forecasting.engine.panel import Panel, units
from forecasting.engine.tests.world import SMALL, day, panel, same

pytestmark = pytest.mark.unit
ABROAD = ["b5", "b6", "b7", "b8"]
YOUNG, UNSOLD, THROUGH = "b7", "b8", 459
AMOUNTS = ["yhat", "lo80", "hi80", "lo95", "hi95"]
WORTH = 2.0**-9  # of the tenge, as a euro is: exact in binary, so that answers can be compared to the bit


def two_currencies(worth: float, through: int = THROUGH) -> Panel:
    """Nine branches, four of them abroad: one of these open for ten days, and one that has not sold yet."""
    whole = panel(series=9, days=THROUGH + 41, seed=3)
    abroad, y = np.isin(whole.series, ABROAD), whole.y.copy()
    y[:, through + 1 :] = np.nan
    y[whole.series.index(YOUNG), : THROUGH - 9] = np.nan
    y[whole.series.index(UNSOLD)] = np.nan
    y[abroad] *= worth
    return replace(whole, y=y, currency=np.where(abroad, "EUR", "KZT").tolist())


@pytest.fixture(scope="module")
def model() -> Fit:
    return fit(two_currencies(WORTH), day(THROUGH), SMALL)


@pytest.fixture(scope="module")
def abroad(model: Fit) -> pd.DataFrame:
    return predict(model, two_currencies(WORTH), day(THROUGH), 28)


def test_every_branch_is_forecast_the_same_whatever_its_currency_is_worth(abroad):
    whole = two_currencies(1.0)
    at_home = predict(fit(whole, day(THROUGH), SMALL), whole, day(THROUGH), 28)
    assert set(at_home["rule"]) == {"model", "short_history", "no_history"}
    worth = np.where(at_home["series_id"].isin(ABROAD), WORTH, 1.0)
    assert same(at_home.assign(**{name: at_home[name] * worth for name in AMOUNTS}), abroad)


def test_a_branch_that_has_not_sold_yet_is_of_the_size_of_those_that_sell_in_its_money(abroad):
    made = abroad.groupby("series_id")["yhat"].mean()
    theirs = made[["b5", "b6"]]
    assert theirs.min() / 3 < made[UNSOLD] < 3 * theirs.max()


def test_reasons_are_in_the_branch_s_own_money(model, abroad):
    reasons = explain(model, two_currencies(WORTH), day(THROUGH), 28)
    assert (np.round(abroad["yhat"], 2) == reasons["yhat"]).all()
    assert reasons[list(REASONS)].sum(axis=1).to_numpy() == pytest.approx(reasons["yhat"].to_numpy(), abs=1e-6)
    learned = reasons["series_id"].isin(ABROAD) & (reasons["rule"] == "model")
    assert (reasons["rest"].abs() < 0.1 * reasons["yhat"])[learned].mean() > 0.9


def test_nobody_knows_what_a_currency_is_worth_that_none_has_sold_in(model):
    whole = two_currencies(1.0)
    lira = ["TRY" if name == UNSOLD else "KZT" for name in whole.series]
    out = predict(model, replace(whole, currency=lira), day(THROUGH), 7)
    first = out[out["series_id"] == UNSOLD]
    assert (first["rule"] == "no_sales").all() and (first[AMOUNTS] == 0).all(axis=None)
    assert (out.loc[out["series_id"] != UNSOLD, "yhat"] > 0).all()


def test_what_comes_after_the_cutoff_says_nothing_of_a_currency_s_worth(model, abroad):
    seen = two_currencies(WORTH, THROUGH + 40)
    later = seen.y[:, THROUGH + 1 :]
    later[np.isin(seen.series, ABROAD)] *= 10
    assert np.isfinite(later).any()
    assert same(predict(model, seen, day(THROUGH), 28), abroad)


def test_one_currency_is_counted_as_it_stands():
    whole = two_currencies(1.0)
    assert (units(whole.y, None) == 1).all() and (units(whole.y, ["KZT"] * 9) == 1).all()
