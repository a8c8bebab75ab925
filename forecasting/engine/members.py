"""The learned members: three LightGBM models that err differently. Their mean beats each.

A learns y / level under absolute error; B learns log(y / base + 0.5) under squared error, base being the level as the
weekday usually is to it; y is freed of the 0/1 covariates' uplift first. Both look at the target day from its origin. R
(recursive.py) walks there day by day. Of few records a member is trained more than once, by other seeds, and is the mean
of its copies.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import lightgbm as lgb
import numpy as np

from forecasting.engine import newcomer, recursive
from forecasting.engine.columns import Runs
from forecasting.engine.features import Features
from forecasting.engine.history import USUAL, History
from forecasting.engine.recipe import Recipe
from forecasting.engine.recursive import LEAST_RECORDS, Walk
from forecasting.engine.windows import known

OFFSET = 0.5
MEMBERS = ("a", "b", "r")  # of the blend; "n" (newcomer.py) serves series open for less than four weeks
ENOUGH_ROWS = 100  # beside much of the seasonal mix even these few teach something
ENOUGH_FOR_NEWCOMERS = 500  # as many as a newcomers' model was tried with
SEEDS_APART = 100  # of a member's copies
AT_ONCE, WALKED_AT_ONCE = 20_000, 160_000  # rows forecast at a time: a step of few walks is mostly calls
Task = tuple[str, lgb.Dataset, dict[str, object]]


def base(history: History, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
    """What member B corrects: the level as the weekday usually is to it, at least a quarter of it.

    The weekday's own mean of the last weeks in its place would be nearer to the noise of these weeks.
    """
    own = Runs(s, o)
    days = (own.d[:, None] - np.arange(7)).reshape(-1)
    week = history.weekday(np.repeat(own.s, 7), days, USUAL).reshape(-1, 7)
    level = history.level[own.s, own.d]
    with np.errstate(invalid="ignore", divide="ignore"):
        index = week / (known(week).sum(axis=1) / (~np.isnan(week)).sum(axis=1))[:, None]
    corrected = level[:, None] * np.where(np.isnan(index), 1.0, np.fmax(index, 0.25))
    return corrected[own.place, -h % 7]


def training_rows(
    history: History, recipe: Recipe, seed: int, limit: int, usable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(s, o, h) of training rows: recorded days of the recipe's memory, each seen from horizons spread over 1..horizon.

    `usable` [days] restricts the target days; at most `limit` rows, drawn by the seed.
    """
    wanted = np.array(history.recorded, order="C")
    wanted[:, : max(history.cutoff - recipe.memory_days, 0)] = False
    if usable is not None:
        wanted &= usable[None]
    s, t = np.nonzero(wanted)
    draw = np.random.default_rng(seed)
    if not len(s):
        return s, t, t
    per_target = max(1, min(recipe.horizon, round(limit / len(s))))
    start = draw.integers(0, recipe.horizon, len(s))
    stride = recipe.horizon // per_target
    h = ((start[None] + stride * np.arange(per_target)[:, None]) % recipe.horizon + 1).reshape(-1)
    s, t = np.tile(s, per_target), np.tile(t, per_target)
    o = t - h
    keep = np.flatnonzero((o >= 0) & history.forecastable(LEAST_RECORDS)[s, np.maximum(o, 0)])
    if len(keep) > limit:
        keep = np.sort(draw.choice(keep, limit, replace=False))
    return s[keep], o[keep], h[keep]


def train(
    features: Features,
    recipe: Recipe,
    *,
    rows: int,
    trees: int,
    seed: int,
    threads: int,
    usable: np.ndarray | None = None,
    newcomers: bool = True,
    copies: int = 1,
) -> tuple[dict[str, lgb.Booster], int]:
    """Boosters by name and the number of rows the first of each learned from; none when there are too few.

    Each member has `copies`, "a", "a2", ..., that differ by the seed and by the rows it draws. `usable` [days] restricts
    the target days; `threads` boosters are trained at a time.
    """
    past = features.history
    limit = int(min(rows, recipe.rows_per_record * past.recorded.sum()))
    tasks, learned = _tasks(features, recipe, limit, seed, usable)
    if not tasks:
        return {}, learned
    for copy in range(2, copies + 1):
        more, _ = _tasks(features, recipe, limit, seed + SEEDS_APART * (copy - 1), usable)
        tasks |= {f"{name}{copy}": task for name, task in more.items()}
    newcomers = newcomers and limit >= ENOUGH_FOR_NEWCOMERS
    for copy in range(1, newcomer.MODELS + 1) if newcomers else ():
        drawn = seed + SEEDS_APART * (copy - 1)
        young = newcomer.training_rows(features, recipe.memory_days, recipe.horizon, drawn, usable)
        if young is None:
            break
        able = np.flatnonzero((young.level > 0) & (young.shrunk > 0))
        t, hoped = (young.o + young.h)[able], young.shrunk[able]
        target = np.clip(np.fmax(past.y[young.s[able], t], 0) / hoped, 0, 20)
        weight = _weight(past, recipe, t, young.level[able]) * hoped / young.level[able]
        data = lgb.Dataset(young.rows()[able], target, weight=weight)
        tasks["n" if copy == 1 else f"n{copy}"] = ("regression_l1", data, _parameters(recipe, drawn))
    # One thread per booster: OpenMP's own threads wait by spinning, and on a busy machine take twenty times as long.
    with ThreadPoolExecutor(max_workers=threads) as pool:
        made = {
            name: pool.submit(_boost, *task, newcomer.TREES if name[0] == "n" else trees) for name, task in tasks.items()
        }
        return {name: booster.result() for name, booster in made.items()}, learned


def copies(recipe: Recipe, records: int) -> int:
    """How many of each member `records` days of sales call for: what few have taught depends on what was drawn."""
    return int(np.clip(round(recipe.copy_records / max(records, 1)), 1, recipe.most_copies))


def _tasks(
    features: Features, recipe: Recipe, limit: int, seed: int, usable: np.ndarray | None
) -> tuple[dict[str, Task], int]:
    """(objective, data, parameters) of members A, B and R, and the number of rows of both kinds; none if too few."""
    past = features.history
    s, o, h = training_rows(past, recipe, seed, limit, usable)
    if len(s) < ENOUGH_ROWS:
        return {}, len(s)
    t = o + h
    level = past.level[s, o]
    y = np.fmax(past.y[s, t], 0) / past.factor(s, o, t)
    weight = _weight(past, recipe, t, level)
    log = np.log(np.clip(y / base(past, s, o, h), 0, 20) + OFFSET)
    parameters = _parameters(recipe, seed)
    direct = lgb.Dataset(
        features.rows(s, o, h), np.clip(y / level, 0, 20), weight=weight, params=parameters
    ).construct()
    # Both look at the same rows: what they are sorted into is found once.
    again = direct.subset(list(range(len(s)))).construct().set_label(log)
    walk = Walk(features, *recursive.training_rows(past, recipe.memory_days, seed, limit, usable))
    level, t = walk.level(), walk.o + 1
    weight = _weight(past, recipe, t, past.level[walk.s, walk.o])
    target = np.clip(past.plain[walk.s, t] / level, 0, 20)
    daily = lgb.Dataset(walk.rows(level), target, weight=weight)
    tasks: dict[str, Task] = {
        "a": ("regression_l1", direct, parameters), "b": ("regression", again, parameters),
        "r": ("regression_l1", daily, parameters),
    }  # fmt: skip
    return tasks, len(s) + len(t)


def _weight(past: History, recipe: Recipe, t: np.ndarray, level: np.ndarray) -> np.ndarray:
    weight = 0.5 ** ((past.cutoff - t) / recipe.half_life) * (level / np.mean(level)) ** recipe.level_power
    return weight / weight.mean()


def _boost(objective: str, data: lgb.Dataset, parameters: dict[str, object], trees: int) -> lgb.Booster:
    # What serves is what is stored: LightGBM hands over the text of what it trained, read back.
    return lgb.train({"objective": objective, **parameters}, data, num_boost_round=trees)


def _parameters(recipe: Recipe, seed: int) -> dict[str, object]:
    return {
        "learning_rate": recipe.rate, "num_leaves": recipe.leaves,
        "min_data_in_leaf": recipe.leaf_rows, "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1,
        "lambda_l2": 1.0, "max_bin": recipe.bins, "seed": seed, "deterministic": True, "force_row_wise": True,
        "num_threads": 1, "verbose": -1,
    }  # fmt: skip


def forecast(
    boosters: dict[str, lgb.Booster], features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray,
    walked: int | None = None,
) -> np.ndarray:  # fmt: skip
    """[members, rows] forecasts in sales units, never negative; 0 of the recursive member beyond `walked` days ahead."""
    past, out = features.history, np.empty((len(MEMBERS), len(s)))
    for some in pieces(s, o, AT_ONCE):
        out[:2, some] = _direct(boosters, features, s[some], o[some], h[some])
    near = np.flatnonzero(h <= walked) if walked is not None else np.arange(len(h))
    out[2] = 0.0
    for some in pieces(s[near], o[near], WALKED_AT_ONCE) if len(near) else ():
        rows = near[some]
        out[2, rows] = _walked(boosters, features, s[rows], o[rows], h[rows])
    return np.fmax(out, 0.0, out=out) * past.factor(s, o, o + h)


def voice(boosters: dict[str, lgb.Booster], member: str, rows: np.ndarray, *, split: bool = False) -> np.ndarray:
    """[rows] mean of what a member's copies say of `rows`; `split` [rows, features + 1]: LightGBM's contributions to it."""
    alike = [boosters[name] for name in sorted(boosters) if name.rstrip("0123456789") == member]
    said = [np.asarray(booster.predict(rows, num_threads=1, pred_contrib=split)) for booster in alike]
    return said[0] if len(said) == 1 else np.mean(said, axis=0)


def pieces(s: np.ndarray, o: np.ndarray, at_once: int) -> list[slice]:
    """The rows in pieces whose features stay near the processor, origins whole."""
    begins = np.flatnonzero(np.r_[True, (s[1:] != s[:-1]) | (o[1:] != o[:-1])])
    cuts = begins[np.searchsorted(begins, np.arange(0, max(len(s) - at_once // 2, 1), at_once), side="right") - 1]
    return [slice(begin, end) for begin, end in pairwise([*np.unique(cuts).tolist(), len(s)])]


def _direct(
    boosters: dict[str, lgb.Booster], features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray
) -> np.ndarray:
    """[members A and B, rows] forecasts, without the 0/1 covariates' uplift."""
    past, rows = features.history, features.rows(s, o, h)
    a = voice(boosters, "a", rows) * past.level[s, o]
    b = (np.exp(voice(boosters, "b", rows)) - OFFSET) * base(past, s, o, h)
    return np.stack([a, b])


def _walked(
    boosters: dict[str, lgb.Booster], features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray
) -> np.ndarray:
    """[rows] forecasts of the recursive member, without the 0/1 covariates' uplift."""
    walks, where = walks_of(features, s, o, h)
    out = np.empty((int(h.max()), len(walks.s)))
    for step in range(len(out)):
        level = walks.level()
        day = out[step, : len(level)]
        day[:] = np.fmax(voice(boosters, "r", walks.rows(level)), 0.0) * level
        walks.advance(day)
    return out[h - 1, where]


def walks_of(features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> tuple[Walk, np.ndarray]:
    """Walks each long enough for its rows (s, o, h), and [rows] the walk of each."""
    days = len(features.history.dates)
    own = Runs(s, o)
    pairs, where = np.unique(own.s * days + own.d, return_inverse=True)
    where = where[own.place]
    ahead = np.zeros(len(pairs), dtype=np.int64)
    np.maximum.at(ahead, where, h)
    longest = np.argsort(-ahead, kind="stable")
    place = np.empty_like(longest)
    place[longest] = np.arange(len(longest))
    return Walk(features, pairs[longest] // days, pairs[longest] % days, ahead[longest]), place[where]
