"""Whatever happened to a branch there is an answer, of a sane size, that says how it was made."""

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import Fit, fit, predict
from forecasting.engine.history import History
from forecasting.engine.situations import situations
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
CUTOFF = world.day(449)
ALL = world.sales(series=6, days=480)
KNOWN = ALL[ALL["date"] <= CUTOFF]
B0 = KNOWN["series_id"] == "b0"


@pytest.fixture(scope="module")
def model() -> Fit:
    return fit(world.panel(KNOWN), CUTOFF, world.SMALL)


def ago(days: int) -> pd.Series:
    return KNOWN["date"] > CUTOFF - pd.Timedelta(days=days)


def forecast(model: Fit, frame: pd.DataFrame) -> pd.DataFrame:
    out = predict(model, world.panel(frame), CUTOFF, 28)
    assert np.isfinite(out[["yhat", "lo80", "hi80", "lo95", "hi95", "p_open"]].to_numpy()).all()
    return out[out["series_id"] == "b0"].merge(ALL, on=["series_id", "date"])


def size(out: pd.DataFrame) -> float:
    """Forecast over what is truly sold with nothing out of the ordinary."""
    return out["yhat"].sum() / out["y"].sum()


@pytest.mark.parametrize("back", [1, 3, 7, 14])
def test_a_branch_back_from_a_long_closure_is_open_and_near_its_old_size(model, back):
    out = forecast(model, KNOWN[~(B0 & ago(120) & ~ago(back))])
    assert (out["p_open"] > 0.8).all()
    assert 0.7 < size(out) < 1.2 and set(out["rule"]) == {"reopened"}


def test_back_from_a_month_away_it_is_likely_open_too(model):
    assert (forecast(model, KNOWN[~(B0 & ago(33) & ~ago(3))])["p_open"] > 0.5).all()


def test_while_the_closure_lasts_it_grows_less_likely_to_open_and_keeps_its_size_if_it_did(model):
    week, month, quarter = (forecast(model, KNOWN[~(B0 & ago(days))]) for days in (7, 28, 60))
    assert week["p_open"].mean() > month["p_open"].mean() > quarter["p_open"].mean() == 0
    assert 0.8 < size(month) < 1.2


def test_a_branch_moved_to_twice_the_sales_is_followed_and_the_interval_says_it_is_less_sure(model):
    moved = [KNOWN.assign(y=np.where(B0 & ago(days), 2 * KNOWN["y"], KNOWN["y"])) for days in (0, 7, 28)]
    steady, week, month = (forecast(model, frame) for frame in moved)
    assert 1.1 < size(week) / size(steady) < size(month) / size(steady) < 2.1
    assert (week["hi80"] - week["lo80"]).mean() > 1.4 * (steady["hi80"] - steady["lo80"]).mean()
    assert set(steady["rule"]) == {"model"} and set(month["rule"]) == {"level_shift"}


def rules(model: Fit, frame: pd.DataFrame, **cutoffs: pd.Timestamp) -> dict[str, str]:
    out = predict(model, world.panel(frame), CUTOFF, 1, cutoffs=cutoffs)
    return dict(zip(out["series_id"], out["rule"], strict=True))


@pytest.mark.parametrize("factor", [0.55, 1.7])
def test_a_new_level_after_some_days_away_is_a_move(model, factor):
    level = KNOWN.assign(y=np.where(B0 & ago(20), factor * KNOWN["y"], KNOWN["y"]))
    away = level[~(B0 & ago(25) & ~ago(20))]
    assert rules(model, away) == {"b0": "moved", **{f"b{n}": "model" for n in range(1, 6)}}
    assert rules(model, KNOWN[~(B0 & ago(25) & ~ago(20))])["b0"] == "model"
    assert rules(model, level)["b0"] == "level_shift"


def test_what_happens_to_all_is_no_shift_of_one(model):
    assert set(rules(model, KNOWN.assign(y=np.where(ago(20), 2 * KNOWN["y"], KNOWN["y"]))).values()) == {"model"}


def test_an_ordinary_year_names_no_situation_and_days_after_a_branch_s_own_cutoff_say_nothing(model):
    panel, wrong = world.panel(ALL), 0
    for back in range(0, 180, 12):
        history = History(panel, CUTOFF - pd.Timedelta(days=back))
        wrong += (situations(history) != "").sum()
    assert wrong == 0
    late = KNOWN.assign(y=np.where(B0 & ago(14), 3 * KNOWN["y"], KNOWN["y"]))
    assert rules(model, late)["b0"] == "level_shift"
    assert rules(model, late, b0=CUTOFF - pd.Timedelta(days=14))["b0"] == "model"


def test_one_day_of_returns_moves_the_forecast_little(model):
    out = forecast(model, KNOWN.assign(y=np.where(B0 & (KNOWN["date"] == world.day(446)), -KNOWN["y"], KNOWN["y"])))
    assert size(out) / size(forecast(model, KNOWN)) == pytest.approx(1, abs=0.15)


def test_half_of_the_days_missing_by_chance_change_the_size_little(model):
    gone = B0 & (np.random.default_rng(0).random(len(KNOWN)) < 0.5)
    assert size(forecast(model, KNOWN[~gone])) == pytest.approx(1, abs=0.1)


def test_a_constant_series_stays_itself(model):
    out = forecast(model, KNOWN.assign(y=np.where(B0, 500.0, KNOWN["y"])))
    assert out["yhat"].between(450, 560).all()


def test_nothing_but_zeros_stays_zero(model):
    assert (forecast(model, KNOWN.assign(y=np.where(B0, 0.0, KNOWN["y"])))[["yhat", "hi95"]] == 0).all().all()


@pytest.mark.parametrize(("value", "low", "high"), [(None, 0.85, 1.1), (500.0, 480, 520), (0.0, 0, 0)])
def test_a_single_branch_alone_in_the_world(value, low, high):
    alone = KNOWN[B0] if value is None else KNOWN[B0].assign(y=value)
    panel = world.panel(alone)
    out = forecast(fit(panel, CUTOFF, world.SMALL), alone)
    if value is None:
        assert low < size(out) < high
    else:
        assert out["yhat"].between(low, high).all()
