"""The gate: bad challengers are stopped, a better recipe and ordinary refits pass. `make deep` repeats it with 20 seeds."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from django.utils import translation

from forecasting.drift import Drift
from forecasting.engine import api, contest, metrics
from forecasting.engine.tests import world
from forecasting.gate import _segment, judge_first, judge_recipe, judge_refit, sane, sane_frame
from forecasting.tests.challengers import (
    NUMBERS,
    SMALL,
    bad_ones,
    chain,
    changed,
    fit_at,
    last_week_again,
    leaky,
    origins_of,
    remembered,
)
from forecasting.train import judge
from runs.sentences import sentence

pytestmark = pytest.mark.unit
DEEP = [pytest.param(seed, marks=pytest.mark.deep) for seed in range(2, 21)]


@pytest.fixture(scope="module")
def serving():
    """(series, the serving contender) by seed, each fitted once."""
    known: dict[int, tuple] = {}

    def of(seed: int) -> tuple:
        if seed not in known:
            known[seed] = chain(seed), remembered(contest.of_recipe(SMALL))
        return known[seed]

    return of


@pytest.mark.parametrize("seed", [1, *DEEP])
@pytest.mark.parametrize(
    "name", ["leaky", "stale", "a column of nothing", "one branch missing", "ten times", "shuffled"]
)
def test_bad_challengers_are_stopped(serving, name, seed):
    series, base = serving(seed)
    verdict = judge_recipe(series, bad_ones(base, seed)[name], base, origins_of(series, 4))
    assert not verdict.passed, verdict


@pytest.mark.parametrize("seed", [1, *DEEP])
@pytest.mark.parametrize("name", ["a column of nothing", "one branch missing", "ten times", "shuffled"])
def test_bad_refits_are_stopped(serving, name, seed):
    series, base = serving(seed)
    (origin,) = origins_of(series, 1)
    old = fit_at(series, origin)
    assert not judge_refit(series, bad_ones(base, seed)[name], old).passed


def test_the_leaky_one_would_have_won_had_it_been_shown_the_days(serving):
    series, _base = serving(1)
    (origin,) = origins_of(series, 1)
    seen = leaky(series.panel, origin, 28)
    assert metrics.wape(metrics.actuals(series.panel, seen), seen["yhat"]) == 0
    blind = leaky(contest.blind(series.panel, origin), origin, 28)
    assert metrics.wape(metrics.actuals(series.panel, blind), blind["yhat"]) > 0.1


def test_the_serving_recipe_is_not_surely_better_than_itself(serving):
    series, base = serving(1)
    assert judge_recipe(series, base, base, origins_of(series, 4)).code == "worse_than_serving"


@pytest.mark.parametrize("seed", [1, *DEEP])
def test_an_honest_better_recipe_passes(serving, seed):
    series, better = serving(seed)
    verdict = judge_recipe(series, better, last_week_again, origins_of(series, 12))
    assert verdict.passed, verdict
    assert verdict.code == "passed_recipe"


def test_a_better_recipe_that_ruins_one_branch_is_stopped_and_names_it(serving):
    series, better = serving(1)
    victim = series.panel.series[2]

    def ruin(frame):
        frame.loc[frame["series_id"] == victim, NUMBERS] *= 1.6
        return frame

    verdict = judge_recipe(series, changed(better, ruin), last_week_again, origins_of(series, 12))
    assert not verdict.passed and f"Branch {victim} +" in sentence(verdict.code, verdict.params), verdict


def test_figures_in_sentences_follow_the_reader(serving):
    """They are stored as 10.9; a Russian reader gets 10,9, as everywhere else on the page."""
    no = contest.Segment("size", "small", 1.123, 1.0), contest.Segment("days_ahead", "8-14", 1.2, 1.0)
    worse = {"segments": [_segment(serving(1)[0], each) for each in no]}
    off = Drift("drift:error", "error_beyond_band", {"wape": "21.4", "usual": "10.9"})
    with translation.override("ru"):
        assert "маленькие филиалы +12,3 %, 8-14 +20,0 %" in sentence("segment_worse", worse)
        assert "21,4 %" in sentence(off.code, off.params) and "10,9 %" in sentence(off.code, off.params)
        refused = {"code": "worse_than_naive", "params": {"wape": "19.1", "naive": "17.0"}}
        assert "19,1 % не лучше" in sentence("not_let_in", {"version": 2, "why": refused})
        assert "−5,2 %" in sentence("biased", {"bias": "-5.2"})
        assert "31.12.2025" in sentence("no_amount", {"department": "1.5 кафе", "date": "31.12.2025"})
    with translation.override("en"):
        assert "small branches +12.3 %" in sentence("segment_worse", worse)
        assert "10.9 % is usual" in sentence(off.code, off.params)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (lambda frame: frame.assign(**{name: 1.06 * frame[name] for name in NUMBERS}), "biased"),
        (lambda frame: frame.assign(lo80=0.995 * frame["yhat"], hi80=1.005 * frame["yhat"]), "intervals_off"),
    ],
)
def test_bias_and_intervals_are_held_against_a_better_recipe(serving, what, code):
    series, better = serving(1)
    verdict = judge_recipe(series, changed(better, what), last_week_again, origins_of(series, 12))
    assert verdict.code == code, verdict


def test_an_ordinary_weekly_refit_passes():
    assert _refit(chain(1)).passed


@pytest.mark.deep
def test_of_twenty_ordinary_weeks_at_least_nineteen_pass():
    verdicts = [_refit(chain(3, through=660 + 7 * week)) for week in range(20)]
    passed = [verdict for verdict in verdicts if verdict.passed]
    assert len(passed) >= 19, [verdict for verdict in verdicts if not verdict.passed]


def _refit(series):
    old = fit_at(series, series.cutoff - dt.timedelta(days=7))
    new = api.fit(series.panel, series.cutoff, SMALL)
    score = {"wape": 0.1, "snaive_wape": 0.2, "bias": 0.0}
    return judge(series, new, score, old, [])


def test_the_first_must_beat_repeating_last_week(serving):
    series, _base = serving(1)
    new = api.fit(series.panel, series.cutoff, SMALL)
    assert judge_first(series, new, {"wape": 0.21, "snaive_wape": 0.2, "bias": 0.0}).code == "worse_than_naive"
    assert judge_first(series, new, {"wape": 0.19, "snaive_wape": 0.2, "bias": 0.0}).code == "passed_naive"
    assert judge_first(series, new, {"wape": 0.19, "snaive_wape": 0.2, "bias": 0.3}).code == "biased"


def test_a_fit_must_be_fresh_whole_and_in_scale(serving):
    series, _base = serving(1)
    old = fit_at(series, series.cutoff - dt.timedelta(days=7))
    assert sane(series, old).code == "stale"
    frame = api.predict(api.fit(series.panel, series.cutoff, SMALL), series.panel, series.cutoff, 28)
    assert sane_frame(series, frame) is None
    assert sane_frame(series, frame[frame["series_id"] != "b0"]).code == "incomplete"
    one = frame.assign(yhat=frame["yhat"].where(frame.index != 3))
    assert sane_frame(series, one).code == "not_numbers"
    assert sane_frame(series, frame.assign(lo80=frame["hi80"])).code == "bounds_crossed"
    tenfold = frame.assign(**{name: 10 * frame[name] for name in NUMBERS})
    assert sane_frame(series, tenfold).code == "out_of_scale"
    smallest = series.panel.series[int(np.nanmean(series.panel.y, axis=1).argmin())]
    frame.loc[frame["series_id"] == smallest, NUMBERS] *= 10
    assert sane_frame(series, frame).params["department"] == f"Branch {smallest}"


def test_columns_without_anything_in_them_are_refused(serving):
    series, _base = serving(1)
    panel = replace(series.panel, numeric={**series.panel.numeric, "weather": np.full(series.panel.y.shape, np.nan)})
    fitted = api.fit(panel, series.cutoff, SMALL)
    assert sane(replace(series, panel=panel), fitted).code == "empty_column"


def test_a_contender_is_shown_no_sale_after_the_origin():
    panel = world.panel(series=2, days=100)
    shown = []

    def curious(given, origin, horizon):
        shown.append(np.isfinite(given.y[:, given.index(origin) + 1 :]).any())
        return leaky(given, origin, horizon)

    contest.forecasts(curious, panel, [world.day(50).date(), world.day(60).date()], 7)
    assert shown == [False, False]
