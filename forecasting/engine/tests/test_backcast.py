"""The past a newcomer is given: in the others' shape, at its own level, of what was known at its origin."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.engine import api, fit, predict
from forecasting.engine.backcast import BELIEVED, Rhythm, alike, backcast, openings, own_share, pooled_uplift, rhythm
from forecasting.engine.history import History
from forecasting.engine.panel import Panel
from forecasting.engine.tests import world

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("whole_newcomers")]
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
    assert np.median(np.abs(ratio - 1)[ordinary]) < 0.3  # its own noise, and that of ten days as a level
    assert ratio[promo & ordinary].mean() == pytest.approx(ratio[~promo & ordinary].mean(), rel=0.1)
    assert 0.62 < ratio[monday].mean() / ratio[~monday].mean() < 1.05  # without belief in its own 0.5


@pytest.mark.parametrize("days", [21, 60])
def test_the_past_is_mostly_that_of_those_who_have_been_like_it_since_it_opened(days):
    """Eight branches live by weekends and winters, eight by offices and summers; of both kinds one more opens."""
    panel = world.panel(world.sales(series=18, days=450, noise=0.1))
    day = np.arange(panel.y.shape[1])
    weekend, winter = day % 7 >= 5, np.cos(2 * np.pi * day / 365)
    for kind, (more, season) in enumerate([(2.0, 0.5), (0.5, -0.5)]):
        panel.y[kind::2] *= np.where(weekend, more, 1.0) * (1 + season * winter)
    y, opening = panel.y.copy(), 450 - days
    y[:2, :opening] = np.nan
    cut = replace(panel, y=y)
    given = backcast(cut, History(cut, CUTOFF), np.arange(2)).y[:2, :opening]
    a_year_ago, half_a_year_ago = slice(0, 60), slice(150, 210)
    for own, truth in zip(given, panel.y[:2], strict=True):
        way = np.mean(own[a_year_ago]) / np.mean(own[half_a_year_ago])
        assert way == pytest.approx(np.mean(truth[a_year_ago]) / np.mean(truth[half_a_year_ago]), rel=0.25)
    ways = given[:, a_year_ago].mean(axis=1) / given[:, half_a_year_ago].mean(axis=1)
    assert ways[0] > 2.5 * ways[1]


def test_who_had_its_good_days_on_the_same_ones_is_alike_whatever_it_sells_and_of_more_days_it_is_surer():
    draw = np.random.default_rng(2)
    own = np.exp(draw.normal(0, 0.3, 84))
    others = own * np.exp(draw.normal(0, 1, (9, 1)) + np.linspace(0, 0.4, 9)[:, None] * draw.normal(0, 1, (9, 84)))
    weeks, months = alike(own[:21], others[:, :21]), alike(own, others)
    assert weeks[0] == months[0] == 1 and (weeks > 0).all() and weeks[1] > 2 * weeks[8]
    np.testing.assert_allclose(alike(own, 7 * others), months)
    assert months[4] < 0.7 * weeks[4]


def test_who_was_shut_on_most_of_its_days_hardly_counts_and_where_all_were_all_count_the_same():
    own, others = np.linspace(1, 2, 20), np.tile(np.linspace(1, 2, 20), (5, 1))
    others[1:] *= np.linspace(1, 1.5, 20)
    others[0, 6:] = np.nan
    found = alike(own, others)
    assert 0 < found[0] < 0.05 and (found[1:] == 1).all()
    others[:, 6:] = np.nan
    np.testing.assert_array_equal(alike(own, others), np.ones(5))


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


@pytest.mark.parametrize(("days", "rule"), [(10, "short_history"), (60, "model")])
def test_no_bit_of_a_newcomers_forecast_depends_on_sales_after_the_cutoff(days, rule):
    panel = opened(days)
    y = panel.y.copy()
    y[:, 450:] *= 10
    model = fit(panel, CUTOFF, world.SMALL, calibrate=False)
    honest, other = (predict(model, given, CUTOFF, 14) for given in (panel, replace(panel, y=y)))
    assert (honest.loc[honest["series_id"] == "b0", "rule"] == rule).all()
    assert world.same(honest, other)


@pytest.mark.parametrize("days", [14, 40])
def test_a_newcomer_that_has_seen_no_promotion_expects_of_one_what_the_others_sell(days):
    """The weeks before the cutoff had none that it took part in, of the five after it two have."""
    panel = opened(days)
    panel.numeric["promo"][0, :450] = 0
    panel.y[0, :450] = np.where(ALL.numeric["promo"][0, :450] == 1, panel.y[0, :450] / 1.3, panel.y[0, :450])
    out = predict(fit(panel, CUTOFF, world.SMALL, calibrate=False), panel, CUTOFF, 35)
    uplift = {}
    for name in ("b0", "b1"):
        yhat, promo = out.loc[out["series_id"] == name, "yhat"].to_numpy(), panel.numeric["promo"][0, 450:485] == 1
        usual = np.bincount(np.arange(35)[~promo] % 7, yhat[~promo]) / np.bincount(np.arange(35)[~promo] % 7)
        uplift[name] = (yhat / usual[np.arange(35) % 7])[promo].mean()
    assert uplift["b0"] == pytest.approx(uplift["b1"], rel=0.08) and uplift["b0"] > 1.15


def chain(differ: float, scatter: float, alike: float = 0.0, days: int = 190, series: int = 40) -> History:
    """Branches whose weekdays differ by `differ`, the weekend's two alike by that share, around which days scatter."""
    draw = np.random.default_rng(1)
    week = draw.normal(0, differ, (series, 7))
    week[:, 6] = alike * week[:, 5] + np.sqrt(1 - alike**2) * week[:, 6]
    y = np.exp(week[:, np.arange(days) % 7] + draw.normal(0, scatter, (series, days)))
    panel = Panel(
        [f"b{i}" for i in range(series)], world.panel(days=days).dates[:days], y,
        np.zeros(y.shape, dtype=np.int32), [""], np.zeros(y.shape, dtype=bool), {},
    )  # fmt: skip
    return History(panel, panel.dates[-1])


def expected(past: History, times: int = 1) -> np.ndarray:
    """[7] what a newcomer's weekdays are expected to sell that sold twice the usual on Saturdays, else the usual."""
    mean = np.where(np.arange(7) == 5, 2.0, 1.0)
    return rhythm(past).expected(np.full((1, 7), times), mean[None])[0]


def test_the_own_weekday_is_believed_the_sooner_the_less_sales_scatter_and_the_more_branches_differ():
    def extra(differ: float, scatter: float, times: int = 1) -> float:
        found = expected(chain(differ, scatter), times)
        return found[5] - found[:5].mean()

    assert extra(0.1, 0.4) < 0.3 < extra(0.2, 0.3) < 0.6 < extra(0.2, 0.1)
    assert extra(0.3, 0.01) == pytest.approx(1, abs=0.01)
    assert extra(0.2, 0.3) < extra(0.2, 0.3, 3) < extra(0.2, 0.3, 12)


def test_a_weekday_not_seen_yet_is_expected_to_go_with_those_it_goes_with_elsewhere():
    """Whoever sells much on Saturdays sells much on Sundays; on Mondays nobody knows."""
    usual = rhythm(chain(0.3, 0.05, alike=0.95))
    times = np.array([[0, 4, 4, 4, 4, 4, 0]])
    found = usual.expected(times, np.where(np.arange(7) == 5, 1.5, 1.0)[None])[0]
    assert found[6] > 1.35 and found[0] < 1.2


def test_a_chain_that_never_opens_on_sundays_is_measured_on_the_other_days():
    panel = world.panel(world.sales(series=9, days=450))
    panel.y[:, 6::7] = np.nan
    found = rhythm(History(panel, CUTOFF))
    assert found is not BELIEVED
    assert (np.diag(found.differ)[:6] > 0).all() and found.differ[6, 6] == pytest.approx(0, abs=1e-12)


def test_what_a_weekday_off_goes_with_elsewhere_is_expected_of_who_takes_it_off():
    """Half the chain rests on Sundays and sells more on Fridays; one newcomer was seen to rest on two of them."""
    panel = world.panel(world.sales(series=15, days=450, noise=0.3))
    panel.y[1::2, 6::7] = np.nan
    panel.y[1::2, 4::7] *= 1.8

    def friday(rests: bool) -> float:
        y = panel.y.copy()
        y[0, :436] = np.nan
        y[0, 440::7] = np.nan if rests else y[0, 440::7]
        past = History(replace(panel, y=y), CUTOFF)
        given = backcast(replace(panel, y=y), past, np.array([0])).y[0, :434].reshape(-1, 7)
        return np.median(given[:, 4]) / np.median(given[:, :4])

    assert friday(rests=True) > 1.05 * friday(rests=False)


def test_openings_count_days_since_the_first_and_one_more_on_which_as_many_sold_as_of_all():
    panel = world.panel(world.sales(series=9, days=450))
    panel.y[0, :441] = np.nan
    panel.y[0, 442] = np.nan  # a Tuesday
    panel.y[1, 6::7] = np.nan
    found = openings(History(panel, CUTOFF), np.arange(9) > 0)
    np.testing.assert_allclose(found[0], [1, 2 / 3, 1, 1, 1, 1, (1 + 7 / 8) / 2])
    assert 0 < found[1, 6] < 0.05 and (found[2:] > 0.99).all()


def test_rows_may_turn_their_week():
    usual = rhythm(chain(0.2, 0.2))
    times, mean = np.array([[3, 2, 2, 1, 2, 0, 2]]), np.array([[1.2, 0.9, 1.0, 1.1, 0.6, 1.0, 1.3]])
    turn = np.array([4, 3, 2, 1, 0, 6, 5])
    turned = Rhythm(usual.differ[turn[:, None], turn][None], usual.scatter)
    found = turned.expected(times[:, turn], mean[:, turn])
    np.testing.assert_allclose(found, usual.expected(times, mean)[:, turn], rtol=1e-9)


def test_with_few_others_nothing_is_measured_and_nothing_is_given():
    for series, given in ((5, False), (6, True)):
        panel = world.panel(world.sales(series=series, days=450))
        panel.y[0, :440] = np.nan
        past = History(panel, CUTOFF)
        assert (not np.isnan(backcast(panel, past, np.array([0])).y[0, :440]).any()) == given
        assert (rhythm(past) is not BELIEVED) == given


def test_who_begins_far_above_the_others_is_not_quite_believed():
    """The level of the past is pulled to the others' the more, the fewer days it stands on and the more sales scatter."""
    def pulled(days: int, noise: float) -> float:
        panel = world.panel(world.sales(series=9, days=460, noise=noise))
        panel.y[0] *= 20
        panel.y[0, : 450 - days] = np.nan
        past = History(panel, CUTOFF)
        given = backcast(panel, past, np.array([0])).y[0, 422 - days : 450 - days].mean()
        return given / panel.y[0, 450 - days : 450].mean()

    assert pulled(5, 0.6) < 0.95 * pulled(5, 0.1) and pulled(5, 0.6) < pulled(25, 0.6)


def test_the_own_days_count_the_more_the_longer_a_branch_is_open_and_the_more_sales_scatter():
    def share(days: int, noise: float) -> float:
        panel = world.panel(world.sales(series=9, days=450, noise=noise))
        panel.y[0, : 450 - days] = np.nan
        found = own_share(History(panel, CUTOFF))
        assert (found[1:] == 1).all()  # open from the first day: nothing can be given
        return found[0]

    assert share(7, 0.05) < 0.05 < share(7, 0.5) < share(60, 0.5) < share(90, 0.5) < share(125, 0.5) == 1
    assert share(390, 0.05) < 0.2 and share(400, 0.05) == 1


def test_a_newcomers_mix_is_that_of_the_given_past_while_members_hear_its_own_days():
    panel = world.panel(world.sales(series=9, days=490, noise=0.5))
    panel.y[0, :420] = np.nan
    fitted = fit(panel, CUTOFF, world.SMALL, calibrate=False)
    (_, own_rows, own), (_, rows, given) = api.views(fitted, panel, History(panel, CUTOFF), CUTOFF, 7, None)
    np.testing.assert_array_equal(rows, np.arange(7))
    mine = own[:, own_rows < 7]
    whole = np.array([1 - fitted.mix_weight, fitted.mix_weight])[:, None]
    np.testing.assert_allclose(mine + given, np.broadcast_to(whole, given.shape))
    np.testing.assert_array_equal(own[:, own_rows >= 7], np.broadcast_to(whole, (2, 56)))
    part = mine[:, 0] / whole[:, 0]
    assert 0 < part[1] < part[0] < 0.6 and part[1] == pytest.approx(part[0] ** 3)


def test_the_uplift_is_the_grown_ones_as_known_that_day():
    panel = opened(10)
    past, y = History(panel, CUTOFF), panel.y.copy()
    day = np.array([300, 449])
    uplift = pooled_uplift(past, day)["promo"]
    assert uplift == pytest.approx(np.log(1.3), rel=0.2)  # half a year's days of it weigh 0.9
    y[:, 301:] *= np.where(panel.numeric["promo"][:, 301:] == 1, 3.0, 1.0)
    later = pooled_uplift(History(replace(panel, y=y), CUTOFF), day)["promo"]
    assert later[0] == uplift[0] and later[1] > uplift[1] + 0.5
