"""A branch in its first weeks: what its few days tell, what it borrows, how sure it is, and what nobody may see."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import Fit, build_panel, fit, members, predict
from forecasting.engine.features import Features
from forecasting.engine.history import History
from forecasting.engine.metrics import wape
from forecasting.engine.newcomer import LEARNED, Young, names
from forecasting.engine.tests import world

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("whole_newcomers")]
CUTOFF = world.day(449)
ALL = world.sales(series=9, days=480)
KNOWN = ALL[ALL["date"] <= CUTOFF]


def cut(days: int) -> pd.DataFrame:
    """b0 opened `days` days before the cutoff's morrow."""
    return KNOWN[(KNOWN["series_id"] != "b0") | (KNOWN["date"] > CUTOFF - pd.Timedelta(days=days))]


@pytest.fixture(scope="module")
def model() -> Fit:
    return fit(world.panel(cut(10)), CUTOFF, world.SMALL)


def forecast(model: Fit, days: int, horizon: int = 28, sales: pd.DataFrame | None = None) -> pd.DataFrame:
    known = world.covariates(world.day(490))
    known = pd.concat([known.assign(series_id=s) for s in sorted(KNOWN["series_id"].unique())])
    out = predict(model, build_panel(cut(days) if sales is None else sales, known), CUTOFF, horizon)
    return out[out["series_id"] == "b0"].merge(ALL, on=["series_id", "date"])


@pytest.mark.parametrize("days", [7, 14, 21])
def test_a_few_weeks_come_near_what_the_whole_history_knows(model, days):
    young, grown = forecast(model, days), forecast(model, 450)
    assert set(young["rule"]) == {"short_history"} and set(grown["rule"]) == {"model"}
    assert wape(young["y"], young["yhat"]) < 1.15 * wape(grown["y"], grown["yhat"])
    last = KNOWN[KNOWN["series_id"] == "b0"].tail(days)
    assert wape(young["y"], young["yhat"]) < 0.75 * wape(young["y"], np.full(len(young), last["y"].mean()))


def test_the_others_first_weeks_pay():
    """On the first days of a month more is sold: whoever has opened lately has seen that at others only."""
    sales = world.sales(series=9, days=480, noise=0.3)
    sales.loc[sales["date"].dt.day < 6, "y"] *= 1.8
    panel = world.panel(sales)
    model = fit(panel, CUTOFF, world.SMALL, calibrate=False)
    s, h = np.repeat(np.arange(9), 28), np.tile(np.arange(1, 29), 9)
    o = np.full(len(s), 449)
    young = Young(Features(History(panel, CUTOFF), ["promo"]), s, o, h, np.full(len(s), 10))
    told, sold = young.forecast(members.voice(model.boosters, "n", young.rows()), np.zeros(len(s))), panel.y[s, o + h]
    assert wape(sold, told) < 0.93 * wape(sold, young.shrunk)


def test_a_fit_for_one_origin_learns_first_weeks_only_where_somebody_is_in_them(model):
    grown = world.panel(KNOWN)
    lasting, once = (fit(grown, CUTOFF, world.SMALL, lasting=lasting) for lasting in (True, False))
    assert "n" in lasting.boosters and not any(name.startswith("n") for name in once.boosters)
    assert world.same(predict(lasting, grown, CUTOFF), predict(once, grown, CUTOFF))
    young = world.panel(cut(10))
    once = fit(young, CUTOFF, world.SMALL, lasting=False)
    assert world.same(predict(model, young, CUTOFF), predict(once, young, CUTOFF))


def test_of_a_single_day_only_who_knows_first_weeks_makes_a_level():
    panel = world.panel(cut(1))
    s, o, h = np.zeros(3, dtype=int), np.full(3, 449), np.arange(1, 4)
    features = Features(History(panel, CUTOFF), ["promo"])
    one, two = (Young(features, s + place, o, h, np.full(3, days)) for place, days in ((0, 1), (1, 2)))
    np.testing.assert_array_equal(one.forecast(None, one.shrunk * 3), one.shrunk)
    np.testing.assert_allclose(two.forecast(None, two.shrunk * 3), two.shrunk * (3 - 2 * LEARNED * 26 / 28))


def test_of_a_feast_that_only_others_have_seen_half_is_expected():
    s, o, h = np.zeros(2, dtype=int), np.full(2, 424), np.array([7, 14])  # a feast sold 1.6 fold a year ago, and no feast
    young = Young(Features(History(world.panel(KNOWN), CUTOFF), ["promo"]), s, o, h, np.full(2, 21))
    plain = young.shrunk / young.factor(o + h)
    assert plain[0] / plain[1] == pytest.approx(1.6**0.5, rel=0.05)


def test_a_level_far_above_the_others_is_pulled_the_more_the_fewer_days_tell_it():
    def pulled(times: float, days: int) -> float:
        sales = world.sales(series=9, days=480, noise=0.6)
        sales.loc[sales["series_id"] == "b0", "y"] *= times
        features = Features(History(world.panel(sales), CUTOFF), ["promo"])
        young = Young(features, np.zeros(1, dtype=int), np.array([449]), np.array([1]), np.array([days]))
        return float(young.shrunk[0] / times)

    few, many = (pulled(50, days) / pulled(1, days) for days in (3, 21))
    assert few < 0.95 and few + 0.03 < many < 1


def test_who_learned_first_weeks_says_the_less_the_more_days_are_known_and_nothing_in_the_end():
    panel = world.panel(KNOWN)
    days = np.array([2, 7, 14, 21, 31])
    at = np.zeros(5, dtype=int), np.full(5, 449), np.ones(5, dtype=int)  # two feasts are no records
    young = Young(Features(History(panel, CUTOFF), ["promo"]), *at, days)
    said = young.forecast(None, young.shrunk * 3) / young.shrunk
    assert (np.diff(said) > 0).all() and said[-1] == pytest.approx(3)


def width(out: pd.DataFrame, first: int = 1, last: int = 28) -> float:
    """Of the 80 % interval, in roots of what is forecast: promotions and weekends are no days further ahead."""
    out = out[out["h"].between(first, last)]
    return float(((out["hi80"] - out["lo80"]) / np.sqrt(out["yhat"])).mean())


def test_the_interval_widens_with_the_days_ahead_and_is_widest_without_a_day(model):
    week = forecast(model, 7)
    near, later, last = width(week, 1, 7), width(week, 8, 14), width(week, 15, 28)
    assert near <= later * (1 + 1e-9) and later <= last * (1 + 1e-9)
    assert width(forecast(model, 0)) > 2 * width(week) > 1.8 * width(forecast(model, 450))


def test_with_a_past_that_is_given_the_interval_is_nearly_that_of_a_grown_branch(model):
    """What its few days alone would miss by says nothing of it."""
    vague = [[{"lo80": 0.1, "hi80": 9.0, "lo95": 0.0, "hi95": 20.0}] * 4] * 3
    vague = replace(model, calibration=replace(model.calibration, short=vague))
    assert world.same(forecast(vague, 14), forecast(model, 14))
    day, weeks, grown = (width(forecast(model, days)) for days in (1, 14, 450))
    assert weeks < 1.2 * grown and day > 1.25 * weeks


def test_a_single_odd_day_of_the_first_weeks_does_not_make_the_interval_wide(model):
    odd = (KNOWN["series_id"] == "b0") & (KNOWN["date"] == CUTOFF - pd.Timedelta(days=3))
    sales = cut(14).assign(y=lambda rows: rows["y"].where(~odd, 4 * rows["y"]))
    assert width(forecast(model, 14, sales=sales)) < 1.5 * width(forecast(model, 14))


def test_without_a_day_the_level_is_the_middle_of_all_and_the_shape_that_of_the_others(model):
    out = forecast(model, 0)
    assert set(out["rule"]) == {"no_history"}
    others = KNOWN[(KNOWN["series_id"] != "b0") & (KNOWN["date"] > CUTOFF - pd.Timedelta(days=28))]
    assert out["yhat"].mean() == pytest.approx(others["y"].median(), rel=0.02)
    by_weekday = out.groupby(out["date"].dt.day_of_week)["yhat"].mean()
    assert by_weekday[5] > 1.3 * by_weekday[0]


def test_a_first_branch_of_all_is_zero_until_it_sells_and_then_its_own_level():
    """Nobody to borrow from: the first fit has one branch of ten days, another is only announced."""
    few = world.sales(series=1, days=10)
    known = world.covariates(world.day(60))
    panel = build_panel(few, pd.concat([known.assign(series_id=s) for s in ("b0", "coming")]))
    out = predict(fit(panel, world.day(9), world.SMALL), panel, world.day(9), 14).groupby("series_id")
    assert out["rule"].first().to_dict() == {"b0": "short_history", "coming": "no_history"}
    assert out["yhat"].mean()["b0"] == pytest.approx(few["y"].mean(), rel=0.4)
    assert out["yhat"].mean()["coming"] == pytest.approx(few["y"].median(), rel=0.01)


def with_uplift(young: Young) -> np.ndarray:
    """The days it has seen as they were sold: the uplift taken out is the others', who see all their days."""
    return young.seen * np.array([young.factor(day) for day in young.at])


def test_who_pretends_to_have_opened_lately_does_not_see_what_it_sold_before():
    panel = world.panel(KNOWN)
    s, o, h, days = np.arange(9), np.full(9, 400), np.arange(1, 10), np.full(9, 7)
    y = panel.y.copy()
    y[:, :394] *= np.linspace(1, 3, 394)
    honest, other = (
        Young(Features(History(type(panel)(**{**vars(panel), "y": values}), CUTOFF), ["promo"]), s, o, h, days)
        for values in (panel.y, y)
    )
    np.testing.assert_allclose(with_uplift(honest), with_uplift(other), rtol=1e-12)
    own = [names(honest.features).index(name) for name in ("records", "same_weekday_times", "days")]
    np.testing.assert_array_equal(honest.rows()[:, own], other.rows()[:, own])
    assert (honest.records == 7).all()


def test_a_pretended_opening_and_a_real_one_look_the_same():
    """Rows of grown series cut short by word equal those of series that truly have no more."""
    s, h, o = np.zeros(20, dtype=int), np.arange(1, 21), np.full(20, 449)
    pretended = Young(Features(History(world.panel(KNOWN), CUTOFF), ["promo"]), s, o, h, np.full(20, 10))
    real = Young(Features(History(world.panel(cut(10)), CUTOFF), ["promo"]), s, o, h, np.full(20, 10))
    columns = names(real.features)
    own = [columns.index(name) for name in ("days", "records", "same_weekday_times", "promo:value", "promo:seen")]
    np.testing.assert_allclose(with_uplift(pretended), with_uplift(real), rtol=1e-12)
    np.testing.assert_array_equal(pretended.rows()[:, own], real.rows()[:, own])
    np.testing.assert_allclose(pretended.level, real.level, rtol=0.03)  # the pool holds one series less
