"""Fit, predict, backtest: the only functions others call. Each sees nothing after its cutoff."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

import lightgbm as lgb
import numpy as np
import pandas as pd

from forecasting.engine import hour_model, intervals, members
from forecasting.engine.backcast import backcast, own_share
from forecasting.engine.errors import ContractMismatch, EngineError
from forecasting.engine.fallback import without_history
from forecasting.engine.features import Features, names
from forecasting.engine.history import SHORT, History
from forecasting.engine.intervals import Calibration
from forecasting.engine.mix import Mix
from forecasting.engine.newcomer import Young
from forecasting.engine.panel import Panel
from forecasting.engine.recipe import DEFAULT_RECIPE, RECIPES, Recipe, contract_hash
from forecasting.engine.situations import situations

MOST_MIX, FEW_MORE, MIX_POWER, MIX_RECORDS = 0.3, 0.6, 6, 100
OWN_MIX_POWER = 3  # of the share that the own days have in the members: that in the mix
COLD_ROWS = 20_000
HELD_BACK, LEAST_HELD_BACK = 5, 35  # that part of a short past, and days, at least
YEAR_BEFORE = 250  # records before last year's block
RECALIBRATE = pd.Timedelta(days=91)
Progress = Callable[[float, str], None]
HOURS = "hours"  # name of the text beside the members
COLUMNS = ["series_id", "cutoff", "date", "h", "yhat", "lo80", "hi80", "lo95", "hi95", "rule", "p_open"]


@dataclass(frozen=True, eq=False)
class Fit:
    """A recipe trained on a panel up to a date: everything needed to predict, as texts and JSON-able data.

    `hours` is the model of a day's shape; without it hours are split by profiles.
    """

    recipe: Recipe
    seed: int
    trained_through: str
    covariates: list[str]
    states: list[str]
    mix_weight: float
    calibration: Calibration
    rows: int = 0
    boosters: dict[str, lgb.Booster] = field(default_factory=dict)
    hours: lgb.Booster | None = None

    def manifest(self) -> dict[str, object]:
        """JSON-able description; with `texts` enough to load the fit again."""
        blended = [name for name in members.MEMBERS if name in self.boosters]
        share = (1 - self.mix_weight) / max(len(blended), 1)
        return {
            "recipe": asdict(self.recipe), "contract_hash": contract_hash(self.recipe), "seed": self.seed,
            "trained_through": self.trained_through, "rows": self.rows, "members": sorted(self.boosters),
            "features": names(self.covariates, self.states), "category_maps": {},
            "covariates": self.covariates, "states": self.states,
            "blend": {"mix": self.mix_weight, **dict.fromkeys(blended, share)},
            "calibration": self.calibration.as_dict(),
            "hours": {"contract_hash": hours_contract()} if self.hours else None,
        }  # fmt: skip

    def texts(self) -> dict[str, str]:
        """LightGBM model texts by booster, and that of the hours."""
        named = {**self.boosters, HOURS: self.hours} if self.hours else self.boosters
        return {name: booster.model_to_string() for name, booster in named.items()}

    @classmethod
    def load(cls, manifest: dict, texts: dict[str, str]) -> "Fit":
        """The fit a manifest and its texts describe. Raises ContractMismatch when this code would read them otherwise."""
        try:
            recipe = Recipe(**manifest["recipe"])
        except TypeError as error:
            raise ContractMismatch("contract_mismatch", stored=manifest.get("contract_hash", ""), code="") from error
        if contract_hash(recipe) != manifest["contract_hash"]:
            raise ContractMismatch("contract_mismatch", stored=manifest["contract_hash"], code=contract_hash(recipe))
        by_hour = manifest.get("hours")
        wanted = sorted([*manifest["members"], *([HOURS] if by_hour else [])])
        if sorted(texts) != wanted:
            raise ContractMismatch("members_missing", stored=wanted, given=sorted(texts))
        if by_hour and by_hour.get("contract_hash") != hours_contract():
            raise ContractMismatch("contract_mismatch", stored=by_hour.get("contract_hash", ""), code=hours_contract())
        return cls(
            recipe, manifest["seed"], manifest["trained_through"], manifest["covariates"], manifest["states"],
            manifest["blend"]["mix"], Calibration(**manifest["calibration"]), manifest["rows"],
            {name: lgb.Booster(model_str=text) for name, text in texts.items() if name != HOURS},
            lgb.Booster(model_str=texts[HOURS]) if by_hour else None,
        )  # fmt: skip


def hours_contract() -> str:
    """Changes whenever a stored model of the hours would no longer mean the same."""
    columns = [hour_model.HALF_LIVES, hour_model.MEANS, hour_model.HORIZON, hour_model.LEAST_DAYS]
    return hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:16]


def quiet(share: float, step: str) -> None:
    """Progress for those who do not watch: called with the share done (0..1) and a step's code."""


def fit(
    panel: Panel, cutoff: date | str | pd.Timestamp, recipe: Recipe | None = None, *, seed: int = 7, threads: int = 1,
    progress: Progress | None = None, calibration: Calibration | None = None, calibrate: bool = True,
    hours: pd.DataFrame | None = None, lasting: bool = True,
) -> Fit:  # fmt: skip
    """Train `recipe` on the sales up to and including `cutoff`, and the shape of days on `hours` [series_id, date, hour, y].

    A `calibration` of an earlier fit is used as it is; `calibrate=False` takes it from the seasonal mix alone, which is
    three times as fast and a little too wide. A fit that is not `lasting` predicts from its cutoff alone: the newcomers'
    models are not learned where nobody is a newcomer then. `progress(share, step)` has steps features, calibrate, train, done.
    """
    recipe, tell = recipe or RECIPES[DEFAULT_RECIPE], progress or quiet
    tell(0.0, "features")
    history = History(panel, cutoff)
    if not history.recorded.any():
        raise EngineError("no_history", cutoff=str(cutoff)[:10])
    covariates = sorted(panel.numeric)
    features = Features(history, covariates)
    tell(0.15, "calibrate")
    if calibration is None:
        calibration = _calibrate(features, recipe, seed, threads, learned=calibrate)
    tell(0.5, "train")
    boosters, rows = members.train(
        features, recipe, rows=recipe.rows, trees=recipe.trees, seed=seed, threads=threads,
        copies=members.copies(recipe, int(history.recorded.sum())), newcomers=lasting or _has_newcomers(history),
    )  # fmt: skip
    by_hour = hour_model.train_hours(hours, cutoff, seed=seed) if hours is not None and len(hours) else None
    tell(1.0, "done")
    return Fit(
        recipe, seed, str(pd.Timestamp(cutoff).date()), covariates, history.state_names,
        calibration.mix_weight if boosters else 1.0, calibration, rows, boosters, by_hour,
    )  # fmt: skip


def _has_newcomers(history: History) -> bool:
    records = history.records[np.arange(len(history.series)), np.maximum(history.origin, 0)]
    return bool(((records > 0) & (records < SHORT)).any())


def blend(
    fitted: Fit, shares: np.ndarray, features: Features, mix: Mix, s: np.ndarray, o: np.ndarray, h: np.ndarray
) -> np.ndarray:
    """[rows] forecasts: the learned members' mean and the seasonal mix, by their `shares` [2, rows].

    Beyond the recipe's horizon the recursive member's walk is dear and no better than the others: for it stand, half and
    half, the direct members and the mix.
    """
    seasonal, trained = mix.forecast(s, o, h), fitted.recipe.horizon
    if not fitted.boosters:
        return shares[1] * seasonal
    learned, far = members.forecast(fitted.boosters, features, s, o, h, trained), h > trained
    learned[2, far] = (learned[:2, far].mean(axis=0) + seasonal[far]) / 2
    return shares[0] * learned.mean(axis=0) + shares[1] * seasonal


def _calibrate(features: Features, recipe: Recipe, seed: int, threads: int, *, learned: bool) -> Calibration:
    """Errors on the last ten weeks (fewer of a short past) by models blind to them, and how hard the season is that comes."""
    past, last = features.history, features.history.cutoff
    # A model that has seen much less than the one that serves misses by more: of a short past little is held back.
    span = last - int(past.first.min()) + 1
    since = last + 1 - int(np.clip(span // HELD_BACK, LEAST_HELD_BACK, recipe.calibration_days))
    s, o, h = now = _walks(past, since, last + 1, recipe, seed)
    known = (past.records.rows[max(last - 364 - recipe.horizon, 0)] >= YEAR_BEFORE).any()
    before = _walks(past, last - 364 - 14, last - 364 + 42, recipe, seed) if known else None
    mix = Mix(past, min([last, *(int(part[1].min()) for part in (now, before) if part and len(part[1]))]))
    seasonal = mix.forecast(s, o, h)
    then = (*before, mix.forecast(*before)) if before else None
    season = intervals.season_ahead(past, (*now, seasonal), then) if then else 1.0
    forecast, weight, records = seasonal, recipe.mix_weight, int(past.recorded.sum())
    if learned and len(s):
        boosters, _ = members.train(
            features, recipe, rows=recipe.calibration_rows, trees=recipe.calibration_trees, seed=seed + 1,
            threads=threads, usable=np.arange(past.recorded.shape[1]) < since, newcomers=False,
        )  # fmt: skip
        weight = _most_mix(records)  # unless the members show that they beat it
        if boosters:
            mean = members.forecast(boosters, features, s, o, h).mean(axis=0)
            weight = _mix_weight(past.y[s, o + h], mean, seasonal, records)
            forecast = (1 - weight) * mean + weight * seasonal
    cold = _cold_starts(features, recipe.horizon)
    return intervals.calibrate(past, s, o, h, forecast, cold, weight, season, then)


def _walks(past: History, first: int, end: int, recipe: Recipe, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(s, o, h) from origins in the block first .. end - 1 to its recorded days, whole walks, as many as the recipe wants.

    The recursive member pays for every day up to the last one asked for.
    """
    s, o, until = _origins(past, first, end, recipe.horizon)
    most = recipe.calibration_rows // 10
    if len(s) > most:
        drawn = np.lexsort((o, s))[np.random.default_rng(seed).choice(len(s), most, replace=False)]
        drawn.sort()
        s, o, until = s[drawn], o[drawn], until[drawn]
    return _targets(past, s, o, until, recipe.horizon)


def _mix_weight(y: np.ndarray, learned: np.ndarray, seasonal: np.ndarray, records: int) -> float:
    """The mix counts less the more the members beat it: on calm series with promotions almost nothing.

    What members of few `records` seem to be better by may be chance: it is believed in part.
    """
    ours, its, most = np.abs(y - learned).sum(), np.abs(y - seasonal).sum(), _most_mix(records)
    power = MIX_POWER * records / (records + MIX_RECORDS)
    return float(np.clip(most * (ours / its) ** power, 0.02, most)) if its > 0 else most


def _most_mix(records: int) -> float:
    """What the mix counts at most: more where little has taught the members, as chance may have chosen it."""
    return MOST_MIX + FEW_MORE * MIX_RECORDS / (records + MIX_RECORDS)


def _origins(past: History, first: int, end: int, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(s, o, end) of the origins in the block, every third day, from which a recorded day of it lies ahead."""
    origins = np.arange(max(first - 1, 28), end - 1, 3)
    s, o = (a.reshape(-1) for a in np.meshgrid(np.arange(len(past.series)), origins))
    records = past.records[s, o]
    ahead = past.records[s, np.minimum(o + horizon, end - 1)] > records
    good = np.flatnonzero(ahead & (records >= SHORT) & (past.level[s, o] > 0))
    return s[good], o[good], np.full(len(good), end)


def _targets(
    past: History, s: np.ndarray, o: np.ndarray, end: np.ndarray, horizon: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All (s, o, h) from the origins to the recorded days before `end`."""
    s, o, end = (np.repeat(x, horizon) for x in (s, o, end))
    h = np.tile(np.arange(1, horizon + 1), len(s) // horizon)
    good = np.flatnonzero(past.recorded[s, np.minimum(o + h, end - 1)] & (o + h < end))
    return s[good], o[good], h[good]


def _cold_starts(features: Features, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(days known, h, actual / forecast) of series that pretend to have opened one, two or three weeks before."""
    past = features.history
    origins = past.cutoff - horizon - 28 * np.arange(3)
    grid = np.meshgrid(
        np.arange(len(past.series)), origins[origins >= 60], (7, 14, 21), np.arange(1, horizon + 1), indexing="ij"
    )
    s, o, days, h = (a.reshape(-1) for a in grid)
    good = np.flatnonzero(past.recorded[s, o + h] & (past.records[s, o] >= SHORT))
    if len(good) > COLD_ROWS:
        good = np.sort(np.random.default_rng(0).choice(good, COLD_ROWS, replace=False))
    s, o, days, h = (x[good] for x in (s, o, days, h))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = past.y[s, o + h] / Young(features, s, o, h, days).shrunk
    good = np.isfinite(ratio)
    return days[good], h[good], ratio[good]


def predict(
    fitted: Fit, panel: Panel, cutoff: date | str | pd.Timestamp, horizon: int = 35, *,
    cutoffs: dict[str, date] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Forecasts of every series for the days cutoff + 1 .. cutoff + horizon, COLUMNS.

    `cutoffs` names series whose last complete date is older than `cutoff`: nothing later of theirs is used and `h`
    counts from there. `rule` says how a number was made: model, blend (seasonal mix alone), or either of them in a
    situation (situations.py): reopened, moved, level_shift; short_history; no_history (a newcomer that has not really sold
    yet: the less, the more days it sold nothing); no_sales (its days of the last year add up to nothing or less, or nobody
    has sold in its money: zeros); closed (known closure: zeros).
    `yhat` holds if the series opens at all; `p_open` is how likely it does, from the last eight same weekdays and the
    feast's earlier years. The members are trained to the recipe's horizon and answer for later days too; what intervals
    grow by there is measured to 92 days. Raises EngineError missing_covariate.
    """
    missing = [c for c in fitted.covariates if c not in panel.numeric]
    if missing:
        raise EngineError("missing_covariate", names=missing)
    history = served(fitted, panel, cutoff, horizon, cutoffs)
    features = Features(history, fitted.covariates)
    count = len(history.series)
    days = history.cutoff + np.arange(1, horizon + 1)
    s, t = np.repeat(np.arange(count), horizon), np.tile(days, count)
    o = history.origin[s]
    h = t - o
    records = np.where(o >= 0, history.records[s, np.maximum(o, 0)], 0)
    level = history.level[s, np.maximum(o, 0)]

    grown, sold, age = records >= SHORT, level > 0, o - history.first[s] + 1
    full, few, new = grown & sold, ~grown & sold, ~grown & ~sold & (age <= 364) & ~np.isnan(history.unit[s])
    rule = np.select([full, few, new], ["model", "short_history", "no_history"], "no_sales").astype(object)
    yhat, given = np.zeros(len(s)), np.zeros(len(s), dtype=bool)
    for past, rows, shares in views(fitted, panel, history, cutoff, horizon, cutoffs):
        known = features if past is history else Features(past, fitted.covariates)
        mix = Mix(past, int(past.origin.min()))
        given[rows] |= past is not history
        yhat[rows] += blend(fitted, shares, known, mix, s[rows], o[rows], h[rows])
    yhat[~sold] = 0.0  # whatever a given past would say
    if not fitted.boosters:
        rule[full] = "blend"
    bounds = {name: np.zeros(len(s)) for name in intervals.LEVELS}

    def put(rows: np.ndarray, found: dict[str, np.ndarray]) -> None:
        for name, values in found.items():
            bounds[name][rows] = values

    if few.any():
        young = Young(features, s[few], o[few], h[few], age[few])
        learned = members.voice(fitted.boosters, "n", young.rows()) if "n" in fitted.boosters else None
        yhat[few] = young.forecast(learned, yhat[few])
        put(few, intervals.short_bounds(fitted.calibration, age[few], h[few], yhat[few]))
    if len(rows := np.flatnonzero(full | (few & given))):
        put(rows, intervals.bounds(fitted.calibration, history, s[rows], o[rows], h[rows], yhat[rows]))
    if new.any():
        like = full if full.any() else few
        middle, found = without_history(
            history, yhat[like].reshape(-1, horizon), {k: v[like].reshape(-1, horizon) for k, v in bounds.items()}
        )
        left = 1 - records[new] / SHORT  # of the hope that it sells like the others, by days on which it sold nothing
        yhat[new] = left * np.resize(middle, new.sum())
        put(new, intervals.ordered(yhat[new], {k: left * np.resize(v, new.sum()) for k, v in found.items()}))
    happened = situations(history)[s]
    rule = np.where(full & (happened != ""), happened, rule)
    for values in (yhat, *bounds.values()):
        values *= np.nan_to_num(history.unit)[s]
    p_open = history.chance_open(s, o, t)
    shut = history.closed[s, t]
    for values in (yhat, *bounds.values(), p_open):
        values[shut] = 0.0
    rule[shut] = "closed"
    return pd.DataFrame({
        "series_id": np.array(history.series, dtype=object)[s], "cutoff": history.dates[np.maximum(o, 0)],
        "date": history.dates[t], "h": h, "yhat": yhat, **bounds, "rule": rule, "p_open": p_open,
    })[COLUMNS]  # fmt: skip


def views(
    fitted: Fit, panel: Panel, history: History, cutoff: date | str | pd.Timestamp, horizon: int,
    cutoffs: dict[str, date] | None,
) -> list[tuple[History, np.ndarray, np.ndarray]]:  # fmt: skip
    """(history, rows, shares): the rows, `horizon` of each series in turn, are forecast from each history, for the `shares`
    [2, rows] of the members' mean and of the seasonal mix in the whole.

    The first history is the series' own; the second has the past that is given to newcomers. Few own
    weeks tell the mix next to nothing of weekdays, whereas the members know other branches: it hears mostly the given past.
    """
    everyone, o = np.arange(len(history.series)), np.maximum(history.origin, 0)

    def able(past: History) -> np.ndarray:
        return (history.origin >= 0) & (past.records[everyone, o] >= members.LEAST_RECORDS) & (past.level[everyone, o] > 0)

    own, share = able(history), own_share(history)
    young, shares = np.flatnonzero(share < 1), np.stack([share, share**OWN_MIX_POWER])
    found = [(history, own, np.ones(shares.shape))]
    if len(young):
        told = served(fitted, backcast(panel, history, young), cutoff, horizon, cutoffs)
        given = able(told) & (share < 1)
        found = [(history, own, np.where(given, shares, 1.0)), (told, given, np.where(own, 1 - shares, 1.0))]
    weights = np.array([1 - fitted.mix_weight, fitted.mix_weight])[:, None]
    return [
        (past, np.flatnonzero(np.repeat(who, horizon)), np.repeat(weights * part[:, who], horizon, axis=1))
        for past, who, part in found
        if who.any()
    ]


def served(
    fitted: Fit, panel: Panel, cutoff: date | str | pd.Timestamp, horizon: int, cutoffs: dict[str, date] | None
) -> History:
    """What `fitted` forecasts from: nothing older is asked for than the oldest origin."""
    end = pd.Timestamp(cutoff) + pd.Timedelta(days=horizon)
    oldest = min([pd.Timestamp(cutoff), *(pd.Timestamp(day) for day in (cutoffs or {}).values())])
    since = max(panel.index(oldest), 0)
    return History(panel.until(end), cutoff, cutoffs, states=fitted.states, since=since)


def hour_shares(
    fitted: Fit, hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, ahead: int, series: Sequence[str],
    *, kinds: Mapping[str, str] | None = None,
) -> np.ndarray:  # fmt: skip
    """[series, ahead, 24] how the days after `cutoff` spread over their hours, each day adding up to 1.

    `hours` is [series_id, date, hour, y]. `kinds` name the kind of each series: where one has sold on too few days for
    the model its shares are shrunk to its kind's.
    """
    return hour_model.hour_shares(fitted.hours, hours, cutoff, ahead, series, kinds)


def backtest(
    panel: Panel, origins: list[date], recipe: Recipe | None = None, *, horizon: int = 28, seed: int = 7,
    threads: int = 1, progress: Progress | None = None, refit: bool = True, calibrate: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """`predict` from each origin with a fit that ends there (`refit=False`: one fit, at the earliest), plus `y`.

    The intervals' calibration of an origin also serves the origins of the thirteen weeks after it.
    """
    if not len(origins):
        raise EngineError("no_origins")
    tell, parts = progress or quiet, []
    fitted: Fit | None = None
    calibrated: pd.Timestamp | None = None
    panel = panel.until(max(pd.Timestamp(o) for o in origins) + pd.Timedelta(days=horizon))
    for n, origin in enumerate(sorted(pd.Timestamp(o) for o in origins)):
        tell(n / len(origins), "backtest")
        if fitted is None or refit:
            if calibrated is not None and origin - calibrated >= RECALIBRATE:
                calibrated = None
            known = fitted.calibration if fitted is not None and calibrated is not None else None
            fitted = fit(
                panel, origin, recipe, seed=seed, threads=threads, calibration=known, calibrate=calibrate, lasting=not refit
            )
            calibrated = calibrated or origin
        part = predict(fitted, panel, origin, horizon)
        part["y"] = panel.y[:, [panel.index(d) for d in part["date"].iloc[:horizon]]].reshape(-1)
        parts.append(part)
    tell(1.0, "done")
    return pd.concat(parts, ignore_index=True)
