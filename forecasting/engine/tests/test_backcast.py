"""The past a newcomer is given: in the others' shape, at its own level, of what was known at its origin."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.engine import fit, predict
from forecasting.engine.backcast import LEAST_BELIEF, OWN_WEEKS, backcast, own_weeks, pooled_uplift
from forecasting.engine.history import History
from forecasting.engine.panel import Panel
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
CUTOFF = world.day(449)
ALL = world.panel(world.sales(series=9, days=490))


def opened(days: int) -> Panel:
    """b0 opened `days` days before the cutoff's morrow; b1 is the same branch from the beginning."""
    y = ALL.y.copy()
    y[0] = y[1]
    y[0, : 450 - days] = np.nan
    return replace(ALL, y=y)


@pytest.mark.parametrize("days", [10, 24])
def test_the_past_that_is_given_is_nearly_the_one_it_would_have_had(days):
    """Its promotions fell on other days than the others', its Mondays are twice as good."""
    promo, monday = ALL.numeric["promo"][0, :450] == 1, np.arange(450) % 7 == 0
    y, numeric = ALL.y.copy(), ALL.numeric["promo"].copy()
    numeric[0] = 1 - numeric[0]
    y[0, :450] *= np.where(promo, 1 / 1.3, 1.3) * np.where(monday, 2.0, 1.0)
    truth = y[0, : 450 - days].copy()
    y[0, : 450 - days] = np.nan
    panel = replace(ALL, y=y, numeric={"promo": numeric})
    past = History(panel, CUTOFF)
    ratio = backcast(panel, past, np.array([0])).y[0, : 450 - days] / truth
    promo, monday, ordinary = promo[: 450 - days], monday[: 450 - days], ~past.feasts.on[0, : 450 - days]
    assert np.median(np.abs(ratio - 1)[ordinary]) < 0.25  # its own noise, and that of ten days as a level
    assert ratio[promo & ordinary].mean() == pytest.approx(ratio[~promo & ordinary].mean(), rel=0.1)
    assert 0.62 < ratio[monday].mean() / ratio[~monday].mean() < 1.05  # without belief in its own 0.5


def test_what_was_sold_stays_and_nothing_after_the_origin_is_seen():
    panel = opened(10)
    own = {"b0": world.day(446).date()}
    given = backcast(panel, History(panel, CUTOFF, own), np.array([0]))
    np.testing.assert_array_equal(given.y[1:, :450], panel.y[1:, :450])
    np.testing.assert_array_equal(given.y[0, 440:447], panel.y[0, 440:447])
    assert np.isnan(given.y[:, 450:]).all()
    y = panel.y.copy()
    y[:, 450:] *= 10
    y[0, 447:] *= 10
    other = replace(panel, y=y)
    np.testing.assert_array_equal(backcast(other, History(other, CUTOFF, own), np.array([0])).y, given.y)


def test_no_bit_of_a_newcomers_forecast_depends_on_sales_after_the_cutoff():
    panel = opened(10)
    y = panel.y.copy()
    y[:, 450:] *= 10
    model = fit(panel, CUTOFF, world.SMALL, calibrate=False)
    honest, other = (predict(model, given, CUTOFF, 14) for given in (panel, replace(panel, y=y)))
    assert (honest.loc[honest["series_id"] == "b0", "rule"] == "short_history").all()
    assert world.same(honest, other)


def test_a_newcomer_that_has_seen_no_promotion_expects_of_one_what_the_others_sell():
    """The weeks before the cutoff had none, the two after it have."""
    panel = opened(14)
    assert not panel.numeric["promo"][0, 436:450].any() and panel.numeric["promo"][0, 460]
    out = predict(fit(panel, CUTOFF, world.SMALL, calibrate=False), panel, CUTOFF, 35)
    uplift = {}
    for name in ("b0", "b1"):
        yhat, promo = out.loc[out["series_id"] == name, "yhat"].to_numpy(), panel.numeric["promo"][0, 450:485] == 1
        usual = np.bincount(np.arange(35)[~promo] % 7, yhat[~promo]) / np.bincount(np.arange(35)[~promo] % 7)
        uplift[name] = (yhat / usual[np.arange(35) % 7])[promo].mean()
    assert uplift["b0"] == pytest.approx(uplift["b1"], rel=0.05) and uplift["b0"] > 1.15


def test_the_own_weekday_is_believed_the_sooner_the_less_sales_scatter_and_the_more_branches_differ():
    def weeks(scatter: float, differ: float) -> float:
        draw = np.random.default_rng(1)
        week = np.exp(draw.normal(0, differ, (12, 7)))
        y = week[:, np.arange(120) % 7] * np.exp(draw.normal(0, scatter, (12, 120)))
        panel = Panel(
            [f"b{i}" for i in range(12)], world.panel(days=120).dates[:120], y,
            np.zeros(y.shape, dtype=np.int32), [""], np.zeros(y.shape, dtype=bool), {},
        )  # fmt: skip
        return own_weeks(History(panel, panel.dates[-1]))

    assert weeks(0.1, 0.2) < 0.5 < weeks(0.3, 0.2) < 3 < weeks(0.4, 0.1)
    assert weeks(0.01, 0.3) == LEAST_BELIEF


def test_with_few_others_nothing_is_measured_and_nothing_is_given():
    for series, given in ((5, False), (6, True)):
        panel = world.panel(world.sales(series=series, days=450))
        panel.y[0, :440] = np.nan
        past = History(panel, CUTOFF)
        assert (not np.isnan(backcast(panel, past, np.array([0])).y[0, :440]).any()) == given
        assert (own_weeks(past) == OWN_WEEKS) != given


def test_the_uplift_is_the_grown_ones_as_known_that_day():
    panel = opened(10)
    past, y = History(panel, CUTOFF), panel.y.copy()
    day = np.array([300, 449])
    uplift = pooled_uplift(past, day)["promo"]
    assert uplift == pytest.approx(np.log(1.3), rel=0.2)  # half a year's days of it weigh 0.9
    y[:, 301:] *= np.where(panel.numeric["promo"][:, 301:] == 1, 3.0, 1.0)
    later = pooled_uplift(History(replace(panel, y=y), CUTOFF), day)["promo"]
    assert later[0] == uplift[0] and later[1] > uplift[1] + 0.5
