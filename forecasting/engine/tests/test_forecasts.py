"""What a forecast promises: reproducible, ordered, never negative, honest about short histories, better than naive."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.engine import ContractMismatch, EngineError, Fit, backtest, build_panel, fit, predict
from forecasting.engine.api import _mix_weight, _most_mix
from forecasting.engine.metrics import score_backtest, seasonal_naive
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
CUTOFF = world.day(449)


@pytest.fixture(scope="module")
def panel():
    return world.panel(series=5, days=450)


@pytest.fixture(scope="module")
def model(panel) -> Fit:
    return fit(panel, CUTOFF, world.SMALL)


def test_the_same_data_and_seed_give_the_same_bytes_with_any_number_of_threads(panel, model):
    again = fit(panel, CUTOFF, world.SMALL, threads=2)
    assert again.texts() == model.texts()
    assert json.dumps(again.manifest()) == json.dumps(model.manifest())
    assert world.same(predict(again, panel, CUTOFF), predict(model, panel, CUTOFF))


def test_another_seed_gives_another_model(panel, model):
    assert fit(panel, CUTOFF, world.SMALL, seed=8).texts() != model.texts()


def test_a_fit_stored_as_json_and_texts_predicts_the_same_bits(panel, model):
    stored = json.loads(json.dumps({"manifest": model.manifest(), "texts": model.texts()}))
    loaded = Fit.load(stored["manifest"], stored["texts"])
    assert world.same(predict(loaded, panel, CUTOFF), predict(model, panel, CUTOFF))
    assert loaded.manifest() == model.manifest()


def test_a_fit_of_other_code_is_refused(model):
    with pytest.raises(ContractMismatch):
        Fit.load({**model.manifest(), "contract_hash": "0" * 16}, model.texts())
    with pytest.raises(ContractMismatch):
        Fit.load({**model.manifest(), "recipe": {"name": "x", "gone": 1}}, model.texts())
    with pytest.raises(ContractMismatch):
        Fit.load(model.manifest(), {"a": model.texts()["a"]})


def test_every_series_has_every_day_once(panel, model):
    frame = predict(model, panel, CUTOFF, 35)
    assert (
        frame.groupby("series_id")["date"]
        .agg(list)
        .map(lambda d: d == list(pd.date_range(world.day(450), periods=35)))
        .all()
    )
    assert (frame["rule"] == "model").all()
    assert frame.notna().all().all()


def test_a_covariate_the_model_knows_must_be_given(panel, model):
    bare = build_panel(world.sales(series=5, days=450))
    with pytest.raises(EngineError, match="missing_covariate"):
        predict(model, bare, CUTOFF)


def test_promotions_and_feasts_raise_the_forecast(panel, model):
    frame = predict(model, panel, CUTOFF, 35)
    weeks = (
        frame.assign(promo=np.tile(world.promotion(pd.DatetimeIndex(frame["date"][:35])), 5))
        .groupby(["series_id", "promo"])["yhat"]
        .mean()
    )
    ratio = weeks.xs(True, level="promo") / weeks.xs(False, level="promo")
    assert ratio.between(1.12, 1.5).all(), ratio  # truly 1.3


numbers = st.floats(min_value=-50, max_value=1e6, allow_nan=False)


@settings(max_examples=25)
@given(
    st.lists(st.one_of(st.none(), numbers, st.just(0.0)), min_size=1, max_size=140),
    st.integers(1, 92),
    st.booleans(),
)
def test_forecasts_are_never_negative_and_intervals_are_nested(model, values, horizon, closed):
    """Whatever a series sold: returns, gaps, zeros, absurd jumps."""
    days = pd.date_range(end=CUTOFF, periods=len(values))
    odd = pd.DataFrame({"series_id": "odd", "date": days, "y": values}).dropna().astype({"y": float})
    known = world.covariates(world.day(490)).assign(closed=0.0)
    if closed:
        known.loc[known["date"] > CUTOFF, "closed"] = 1.0
    panel = build_panel(pd.concat([world.sales(series=2, days=450), odd]), known)
    frame = predict(model, panel, CUTOFF, horizon)
    assert np.isfinite(frame[["yhat", "lo80", "hi80", "lo95", "hi95"]].to_numpy()).all()
    assert (frame["lo95"] >= 0).all()
    order = frame[["lo95", "lo80", "yhat", "hi80", "hi95"]].to_numpy()
    assert (np.diff(order, axis=1) >= 0).all()


def test_a_wild_series_has_wide_bounds_that_stop_at_zero(model):
    """Sales that are mostly nothing and now and then a lot reach down to zero, not below."""
    draw = np.random.default_rng(4)
    wild = pd.DataFrame({"series_id": "wild", "date": pd.date_range(end=CUTOFF, periods=200)})
    wild["y"] = np.where(draw.random(200) < 0.7, 0.0, draw.lognormal(6, 1.5, 200))
    out = predict(model, world.panel(pd.concat([world.sales(series=3, days=450), wild])), CUTOFF, 28)
    mine = out[out["series_id"] == "wild"]
    assert (mine["rule"] == "model").all()
    assert (mine[["lo80", "lo95"]] >= 0).all().all() and (mine["lo95"] == 0).mean() > 0.5
    assert (mine["hi80"] - mine["yhat"]).mean() > 0.5 * mine["yhat"].mean()


def test_days_known_to_be_closed_are_zero_and_say_so(model):
    known = world.covariates(world.day(490))
    known["closed"] = (known["date"] == world.day(455)).astype(int)
    frame = predict(model, build_panel(world.sales(series=5, days=450), known), CUTOFF, 14)
    shut = frame["date"] == world.day(455)
    assert (frame.loc[shut, ["yhat", "lo80", "hi80", "lo95", "hi95", "p_open"]] == 0).all().all()
    assert (frame.loc[shut, "rule"] == "closed").all()
    assert (frame.loc[~shut, "yhat"] > 0).all() and (frame.loc[~shut, "rule"] == "model").all()


def test_a_weekday_that_is_always_shut_has_no_chance_to_open_but_a_number_if_it_did(model):
    frame = world.sales(series=5, days=450)
    frame = frame[~((frame["series_id"] == "b2") & (frame["date"].dt.day_of_week == 2))]
    out = predict(model, world.panel(frame), CUTOFF, 14)
    wednesday = (out["series_id"] == "b2") & (out["date"].dt.day_of_week == 2)
    assert (out.loc[wednesday, "p_open"] == 0).all() and (out.loc[wednesday, "yhat"] > 0).all()
    assert (out.loc[~wednesday, "p_open"] == 1).all()


def test_a_feast_on_which_all_were_shut_before_is_likely_a_shut_day_again():
    frame = world.sales(series=3, days=715)  # to the middle of December 2024
    frame = frame[frame["date"] != "2024-01-01"]
    panel, cutoff = world.panel(frame), frame["date"].max()
    out = predict(fit(panel, cutoff, world.SMALL, calibrate=False), panel, cutoff).groupby("date")["p_open"].mean()
    assert out["2025-01-01"] < 0.5
    assert (out.drop(pd.Timestamp("2025-01-01")) > 0.8).all()


@pytest.mark.parametrize("records", [1, 6, 20, 27])
def test_a_short_history_falls_back_and_says_so(model, records):
    """A new branch gets its own level and the others' weekdays."""
    frame = world.sales(series=5, days=450)
    new = frame[frame["series_id"] == "b0"].tail(records).assign(series_id="new")
    out = predict(model, world.panel(pd.concat([frame, new])), CUTOFF, 14)
    mine = out[out["series_id"] == "new"].set_index("date")["yhat"]
    assert (out.loc[out["series_id"] == "new", "rule"] == "short_history").all()
    truth = out[out["series_id"] == "b0"].set_index("date")["yhat"]
    assert (mine / truth).between(0.5, 2.0).all()
    assert mine[mine.index.day_of_week == 5].mean() > mine[mine.index.day_of_week == 0].mean()


def test_a_series_without_history_gets_the_median_branch(model):
    known = world.covariates(world.day(490))
    known = pd.concat([known.assign(series_id=s) for s in ["b0", "b1", "b2", "b3", "b4", "coming"]])
    out = predict(model, build_panel(world.sales(series=5, days=450), known), CUTOFF, 14)
    coming = out[out["series_id"] == "coming"]
    assert (coming["rule"] == "no_history").all()
    others = out[out["rule"] == "model"].groupby("series_id")["yhat"].mean()
    assert others.min() < coming["yhat"].mean() < others.max()
    # What it will be like is as open as the branches differ.
    _, second, *_, last_but_one, _ = sorted(others)
    assert coming["lo80"].mean() < second and coming["hi80"].mean() > last_but_one


@pytest.mark.parametrize("first_days", [[0.0], [-120.0], [0.0, 0.0, -5.0], [50.0, -80.0]])
def test_a_newcomer_that_has_not_really_sold_is_forecast_like_one_without_history(model, first_days):
    """Tills are tried before a branch opens: a day of nothing says no more of it than no day."""
    frame = world.sales(series=5, days=450)
    tried = pd.DataFrame(
        {"series_id": "new", "date": pd.date_range(end=CUTOFF, periods=len(first_days)), "y": first_days}
    )
    out = predict(model, world.panel(pd.concat([frame, tried])), CUTOFF, 35).groupby("series_id")
    mine, others = out.get_group("new"), out["yhat"].mean().drop("new")
    assert set(mine["rule"]) == {"no_history"}
    assert others.min() < mine["yhat"].mean() < others.max()
    assert (mine["hi80"] > mine["yhat"]).all()


def test_each_day_on_which_a_newcomer_sells_nothing_brings_its_forecast_nearer_to_zero(model):
    """Four weeks of nothing are a history, of zeros: until then it falls little by little from the others' middle."""
    frame = world.sales(series=5, days=450)
    known = world.covariates(world.day(490))
    known = pd.concat([known.assign(series_id=s) for s in ["b0", "b1", "b2", "b3", "b4", "new"]])
    made = {}
    for days in (0, 1, 7, 14, 21, 27, 28):
        nothing = pd.DataFrame({"series_id": "new", "date": pd.date_range(end=CUTOFF, periods=days), "y": 0.0})
        out = predict(model, build_panel(pd.concat([frame, nothing]), known), CUTOFF, 14)
        made[days] = out[out["series_id"] == "new"]
        assert set(made[days]["rule"]) == {"no_sales" if days == 28 else "no_history"}
    for name in ("yhat", "hi80", "hi95"):
        mean = pd.Series({days: rows[name].mean() for days, rows in made.items()})
        assert (mean.diff().dropna() < 0).all() and mean[28] == 0, mean
        assert mean[1] > 0.9 * mean[0] and mean[27] < 0.1 * mean[0], mean


@pytest.mark.parametrize("daily", [0.0, -30.0])
def test_a_branch_of_years_without_sales_is_forecast_zero_and_says_so(model, daily):
    """It has no short history; nor is it like the others, nor like itself of long ago."""
    frame = world.sales(series=5, days=450)
    never = frame[frame["series_id"] == "b0"].assign(series_id="never", y=daily)
    once = frame[frame["series_id"] == "b1"].assign(series_id="once")
    once["y"] = once["y"].where(once["date"] < world.day(20), daily)
    few = frame[frame["series_id"] == "b2"].head(20).assign(series_id="few")  # and nothing recorded since
    out = predict(model, world.panel(pd.concat([frame, never, once, few])), CUTOFF, 35)
    mine = out[out["series_id"].isin(["never", "once", "few"])]
    assert set(mine["rule"]) == {"no_sales"} and mine["series_id"].nunique() == 3
    assert (mine[["yhat", "lo80", "hi80", "lo95", "hi95"]] == 0).all().all()
    assert set(out.drop(mine.index)["rule"]) == {"model"}


@pytest.mark.parametrize("back", [0, 1, 9])
def test_one_absurd_day_moves_no_level_and_a_second_one_is_believed(model, back):
    """A till that sums up a month in a day, or a comma in the wrong place, says nothing of the days ahead."""
    frame = world.sales(series=5, days=450)
    usual = predict(model, world.panel(frame), CUTOFF, 35).groupby("series_id")["yhat"].mean()
    odd = frame.copy()
    odd.loc[(odd["series_id"] == "b2") & (odd["date"] == world.day(449 - back)), "y"] *= 1000
    out = predict(model, world.panel(odd), CUTOFF, 35).groupby("series_id")["yhat"].mean()
    assert (out / usual).between(0.9, 1.1).all(), out / usual
    twice = frame.copy()
    twice.loc[(twice["series_id"] == "b2") & (twice["date"] > world.day(447)), "y"] *= 1000
    out = predict(model, world.panel(twice), CUTOFF, 35).groupby("series_id")["yhat"].mean()
    assert out["b2"] > 5 * usual["b2"]


def test_it_beats_both_baselines_on_a_seasonal_chain(panel):
    frame = backtest(panel, [world.day(393), world.day(421)], world.SMALL)
    score = score_backtest(panel, frame)
    assert score["wape"] < 0.8 * score["snaive_wape"]
    assert score["wape"] < 0.9 * score["mean4_wape"]
    assert 0.7 < score["coverage80"] < 0.92
    assert 0.88 < score["coverage95"] <= 1


def errors(frame: pd.DataFrame) -> pd.DataFrame:
    """[rows: days and series; model, flat, naive] absolute errors over the series' median, which is the flat forecast."""
    origin = world.day(391)
    panel = world.panel(frame)
    out = backtest(panel, [origin], world.SMALL)
    flat = out["series_id"].map(frame[frame["date"] <= origin].groupby("series_id")["y"].median())
    made = {"model": out["yhat"], "flat": flat, "naive": seasonal_naive(panel, origin)["yhat"]}
    return pd.DataFrame({name: (out["y"] - yhat).abs() / flat for name, yhat in made.items()})


def test_it_finds_nothing_in_shuffled_sales_and_much_in_true_ones():
    """With the days of each series in random order a level is all there is, and nobody honest is better than it.

    An honest forecast does not lose to seasonal naive there: repeating one random day errs by two days' noise, any mean by
    little more than one's. That is why skill is measured against the flat median, and naive is shown to be worse than that.
    """
    draw = np.random.default_rng(0)
    true = [world.sales(series=4, days=420, seed=seed) for seed in range(4)]
    shuffled = [
        frame.assign(y=frame.groupby("series_id")["y"].transform(lambda y: draw.permutation(y.to_numpy())))
        for frame in true
    ]
    known, nothing = (pd.concat([errors(frame) for frame in frames]) for frames in (true, shuffled))
    chance = (nothing["flat"] - nothing["model"]).sem()
    assert nothing["flat"].mean() - nothing["model"].mean() < 2 * chance
    assert nothing["model"].mean() < 1.05 * nothing["flat"].mean()  # nor does it lose itself in the noise
    assert nothing["naive"].mean() > 1.2 * nothing["flat"].mean()
    assert known["model"].mean() < 0.7 * known["flat"].mean()
    assert known["model"].mean() < 0.7 * known["naive"].mean()


def test_a_cheap_fit_takes_its_intervals_from_the_mix(panel, model):
    cheap = fit(panel, CUTOFF, world.SMALL, calibrate=False)
    assert cheap.texts() == model.texts()
    assert cheap.calibration != model.calibration
    reused = fit(panel, CUTOFF, world.SMALL, calibration=model.calibration)
    assert world.same(predict(reused, panel, CUTOFF), predict(model, panel, CUTOFF))


def test_the_seasonal_mix_counts_less_the_more_the_members_beat_it():
    y = np.full(100, 100.0)

    def weight(mix: float, records: int) -> float:
        return _mix_weight(y, y + 10, y + mix, records)

    weights = [weight(mix, 50_000) for mix in (5, 10, 13, 20, 200)]
    assert weights == sorted(weights, reverse=True)
    # Nor does it ever count more than about one of the members, however lucky it was.
    assert weights[0] == weights[1] == pytest.approx(0.3, rel=0.01) and weights[-1] == 0.02
    # Of few records it may count more, and the members' luck is believed in part.
    most = [weight(5, records) for records in (50_000, 3000, 500, 100)]
    assert most == sorted(most) and most[-1] == pytest.approx(0.6)
    believed = [weight(13, records) / weight(5, records) for records in (50_000, 3000, 500, 100)]
    assert believed == sorted(believed) and believed[1] < 0.25 and believed[-1] == pytest.approx((10 / 13) ** 3)


def test_of_a_few_weeks_the_members_learn_and_the_mix_counts_more():
    frame = world.sales(series=1, days=90, noise=0.05)
    panel = world.panel(frame)
    few = fit(panel, world.day(89), world.SMALL)
    assert {name[0] for name in few.boosters} == {"a", "b", "r"}
    assert few.mix_weight <= _most_mix(90)
    unmeasured = fit(world.panel(frame[frame["date"] <= world.day(59)]), world.day(59), world.SMALL)
    assert unmeasured.boosters and unmeasured.mix_weight == pytest.approx(_most_mix(60))


def test_one_fit_for_several_origins_is_the_earliest(panel):
    frame = backtest(panel, [world.day(421), world.day(400)], world.SMALL, horizon=7, refit=False)
    early = fit(panel, world.day(400), world.SMALL)
    newest = frame[frame["cutoff"] == world.day(421)].reset_index(drop=True)
    assert world.same(newest, predict(early, panel, world.day(421), 7))


def test_progress_grows_and_ends_at_one(panel):
    seen: list[tuple[float, str]] = []
    fit(panel, CUTOFF, world.SMALL, progress=lambda share, step: seen.append((share, step)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert all(re.fullmatch("[a-z_]+", step) for _, step in seen)


def test_nothing_to_learn_from_is_an_error_with_a_code(panel):
    with pytest.raises(EngineError, match="no_history"):
        fit(panel, world.day(-5))
