"""Demand by department and product: one learned model for all of them, a seasonal member, and counts around their mean.

The model is fitted each time it is asked: it is done in the time that checking a stored one would take, it is never
older than its sales, and its share in the blend is measured on the last four weeks by a model that has not seen them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date

import lightgbm as lgb
import numpy as np
import pandas as pd

from forecasting.engine import counts
from forecasting.engine.counts import Counts
from forecasting.engine.errors import EngineError
from forecasting.engine.history import History
from forecasting.engine.item_features import AT_ONCE, LOOK_BACK, MEMORY, ItemFeatures, Shared, Whole
from forecasting.engine.item_levels import HORIZON, MOST_MOVED, TOLERANCE
from forecasting.engine.item_panel import ItemPanel

CODE_VERSION = 1
HELD_OUT = 28  # days at the end on which the blend and the counts are measured
ROWS, MEASURED = 150_000, 60_000
ENOUGH = 2_000
TREES, RATE, LEAVES, LEAF_ROWS = 120, 0.06, 31, 60
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
LEAST_BASE = 0.1  # of the level: what the model multiplies is never less
Progress = Callable[[float, str], None]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Blend:
    """How forecasts of items were made: the model's share beside the seasonal member, and the counts.

    `measured`: mean misses over the sum of sales in the held out weeks, by member; empty with too little history.
    """

    share: float
    counts: Counts
    rows: int = 0
    measured: dict[str, float] = field(default_factory=dict)

    def manifest(self) -> dict[str, object]:
        return {"code_version": CODE_VERSION, **asdict(self)}


@dataclass(frozen=True, eq=False)
class ItemForecasts:
    """Of the series `rows` of a panel, for the days after `cutoff`.

    `mean` [rows, horizon] units are expected, `quantiles` [rows, horizon, LEVELS] suffice so often; `dispersion` [rows] is
    what a product's own past scatters by, `whole` [rows] whether it sells in pieces, `price` [rows] money a unit lately.
    `factor` [departments, horizon] is what the means were multiplied by to agree with the departments. Means and
    quantiles hold if the department opens at all; `p_open` [departments, horizon] is how likely it does.
    """

    rows: np.ndarray
    mean: np.ndarray
    quantiles: np.ndarray
    dispersion: np.ndarray
    whole: np.ndarray
    price: np.ndarray
    factor: np.ndarray
    p_open: np.ndarray
    blend: Blend


def forecast_items(
    items: ItemPanel, cutoff: date | str | pd.Timestamp, horizon: int = HORIZON, *,
    cutoffs: Mapping[str, date] | None = None, money: np.ndarray | None = None, seed: int = 7,
    progress: Progress | None = None,
) -> ItemForecasts:  # fmt: skip
    """Forecasts of every product that was sold in the four weeks up to its department's cutoff.

    `cutoffs` name departments whose items are known less far than `cutoff`; the days are those after `cutoff` all the
    same. `money` [departments, horizon] is what the items of a department are expected to bring, NaN where unknown: their
    sum is brought within TOLERANCE of it, no forecast being moved by more than MOST_MOVED. Nothing after a cutoff counts.
    Raises EngineError no_history.
    """
    tell = progress or (lambda share, step: None)
    past = _Past(items, cutoff, dict(cutoffs or {}), horizon)
    if not past.able.any():
        raise EngineError("no_history", cutoff=str(cutoff)[:10])
    tell(0.1, "calibrating")
    blend = _measure(past, horizon, seed)
    tell(0.5, "training")
    booster, rows = _train(past, horizon, ROWS, seed, past.last) if blend.share else (None, 0)
    tell(0.9, "forecasting")
    found: list[list[np.ndarray]] = []
    for features in past.parts():
        s = np.flatnonzero(features.active(np.arange(features.y.shape[0]), past.origin_of(features)))
        if not len(s):
            continue
        o = np.repeat(past.origin_of(features)[s], horizon)
        h = np.tile(past.last + np.arange(1, horizon + 1), len(s)) - o
        many = np.repeat(s, horizon)
        member, learned = _members(features, booster, many, o, h)
        mean = (1 - blend.share) * member + blend.share * learned
        shut = past.whole.history.closed[features.department[many], o + h + past.since]
        origin = past.origin_of(features)[s]
        found.append([
            s + features.first, np.where(shut, 0.0, mean).reshape(len(s), horizon), features.dispersion[s, origin],
            features.price[s, origin], past.counted[s + features.first],
        ])  # fmt: skip
    if not found:
        raise EngineError("no_history", cutoff=str(cutoff)[:10])
    chosen, mean, dispersion, price, counted = (np.concatenate(part) for part in zip(*found, strict=True))
    factor = agreement(mean, price, items.department[chosen], money)
    mean = mean * factor[items.department[chosen]]
    wide = blend.counts.quantiles(
        mean.reshape(-1), np.repeat(dispersion, horizon), np.repeat(counted, horizon)
    ).reshape(*mean.shape, -1)  # fmt: skip
    tell(1.0, "done")
    manifest = Blend(blend.share, blend.counts, rows, blend.measured)
    return ItemForecasts(chosen, mean, wide, dispersion, counted, price, factor, past.p_open(), manifest)


def agreement(mean: np.ndarray, price: np.ndarray, department: np.ndarray, money: np.ndarray | None) -> np.ndarray:
    """[departments, horizon] what the means are multiplied by to come within TOLERANCE of `money`, at most MOST_MOVED.

    1 where nothing is known. Products without a price stand aside and move with the others.
    """
    count = department.max(initial=-1) + 1 if money is None else len(money)
    factor = np.ones((count, mean.shape[1]))
    if money is None:
        return factor
    total = np.zeros(factor.shape)
    np.add.at(total, department, mean * np.nan_to_num(price)[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = money / total
    wanted = np.where(wanted > 1, np.fmax(wanted * (1 - TOLERANCE), 1), np.fmin(wanted * (1 + TOLERANCE), 1))
    known = np.isfinite(wanted) & (total > 0) & (money > 0)
    return np.where(known, np.clip(wanted, 1 / MOST_MOVED, MOST_MOVED), 1.0)


class _Past:
    """The panel up to its cutoffs, from the day on that the oldest training row looks back to."""

    def __init__(
        self, items: ItemPanel, cutoff: date | str | pd.Timestamp, cutoffs: dict[str, date], horizon: int
    ) -> None:
        self.items, panel = items, items.whole
        day = panel.index(cutoff)
        self.since = max(day - MEMORY - LOOK_BACK, 0)
        self.last = day - self.since
        own = [min(day, panel.index(cutoffs[name])) if name in cutoffs else day for name in panel.series]
        self.origin = np.array(own, dtype=np.int64)
        known = np.arange(self.since, day + 1)[None] <= self.origin[items.department][:, None]
        y = np.where(known, items.y[:, self.since : day + 1], np.float32(np.nan))
        self.able = (y > 0).any(axis=1)
        self.cells = (~np.isnan(y)).sum(axis=1)
        self.counted = (np.nan_to_num(y) % 1 == 0).all(axis=1)
        self.shared = Shared(items, y)
        ahead = panel.until(panel.dates[day] + pd.Timedelta(days=horizon))
        self.whole = Whole(History(ahead, cutoff, cutoffs), self.since)
        self.days_ahead = day + np.arange(1, horizon + 1)

    def parts(self) -> Iterator[ItemFeatures]:
        """Features of a few hundred series at a time, made when they are asked for."""
        for first in range(0, self.items.count, AT_ONCE):
            end = min(first + AT_ONCE, self.items.count)
            yield ItemFeatures(self.items, self.whole, self.shared, self.origin, self.since, first, end)

    def p_open(self) -> np.ndarray:
        """[departments, horizon] how likely each opens; 0 where it is known to be closed."""
        history, count, ahead = self.whole.history, len(self.origin), len(self.days_ahead)
        d, t = np.repeat(np.arange(count), ahead), np.tile(self.days_ahead, count)
        chance = np.where(history.closed[d, t], 0.0, history.chance_open(d, self.origin[d], t))
        return chance.reshape(count, ahead)

    def origin_of(self, features: ItemFeatures) -> np.ndarray:
        """[series of the part] the last day that counts, from `since`."""
        return self.origin[features.department] - self.since


def _targets(past: _Past, features: ItemFeatures, horizon: int, limit: int, seed: int, first: int, last: int) -> Rows:
    """(s, o, h) of days from `first` to `last` whose sales are known, each seen from one of the days before it."""
    wanted = ~np.isnan(features.y)
    wanted[:, : max(first, 0)] = False
    wanted[:, last + 1 :] = False
    s, t = np.nonzero(wanted)
    draw = np.random.default_rng((seed, features.first))
    share = limit * past.cells[features.first : features.first + len(features.y)].sum() / max(past.cells.sum(), 1)
    times = int(np.clip(round(share / max(len(s), 1)), 1, 4))
    s, t = np.tile(s, times), np.tile(t, times)
    h = draw.integers(1, horizon + 1, len(s))
    o = t - h
    keep = np.flatnonzero((o >= 7) & features.active(s, o))
    if len(keep) > share:
        keep = np.sort(draw.choice(keep, int(share), replace=False))
    return s[keep], o[keep], h[keep]


def _train(past: _Past, horizon: int, limit: int, seed: int, last: int) -> tuple[lgb.Booster | None, int]:
    """A booster of counts over the seasonal member, from days up to `last`; none of too few."""
    xs, ys, bases, ages = [], [], [], []
    for features in past.parts():
        s, o, h = _targets(past, features, horizon, limit, seed, past.last - MEMORY, last)
        if len(s):
            xs.append(features.rows(s, o, h))
            ys.append(features.y[s, o + h])
            bases.append(_base(features, s, o, h))
            ages.append(last - o - h)
    total = sum(map(len, ys))
    if total < ENOUGH:
        return None, total
    x, y, base, age = (np.concatenate(part) for part in (xs, ys, bases, ages))
    data = lgb.Dataset(
        x, y, weight=0.5 ** (age / 365.0), init_score=np.log(base), free_raw_data=True,
        params={"max_bin": 63, "verbose": -1},
    )  # fmt: skip
    booster = lgb.train(_parameters(seed), data, num_boost_round=TREES)
    return booster, total


def _parameters(seed: int) -> dict[str, object]:
    return {
        "objective": "poisson", "boost_from_average": False, "learning_rate": RATE, "num_leaves": LEAVES,
        "min_data_in_leaf": LEAF_ROWS, "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1,
        "lambda_l2": 5.0, "max_bin": 63, "seed": seed, "deterministic": True, "force_row_wise": True,
        "num_threads": 1, "verbose": -1,
    }  # fmt: skip


def _base(features: ItemFeatures, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
    return np.fmax(features.seasonal(s, o, h), LEAST_BASE * features.level[s, o])


def _members(
    features: ItemFeatures, booster: lgb.Booster | None, s: np.ndarray, o: np.ndarray, h: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """([rows], [rows]) the seasonal member's forecasts and the model's; without a model the former twice."""
    seasonal = features.seasonal(s, o, h)
    if booster is None:
        return seasonal, seasonal
    base = np.fmax(seasonal, LEAST_BASE * features.level[s, o])
    raw = booster.predict(features.rows(s, o, h), raw_score=True, num_threads=1)
    return seasonal, np.exp(np.clip(raw, -5, 5)) * base


def _measure(past: _Past, horizon: int, seed: int) -> Blend:
    """The model's share and the counts, from the last weeks as a model forecasts them that has not seen them."""
    edge = past.last - HELD_OUT
    booster, rows = _train(past, horizon, MEASURED, seed + 1, edge)
    parts = []
    for features in past.parts():
        s, o, h = _targets(past, features, horizon, MEASURED, seed + 2, edge + 1, past.last)
        honest = o >= edge
        s, o, h = s[honest], o[honest], h[honest]
        if len(s):
            both = _members(features, booster, s, o, h)
            parts.append([features.y[s, o + h], *both, features.dispersion[s, o], past.counted[s + features.first]])
    if not parts:
        return Blend(0.0, Counts.plain())
    y, seasonal, learned, dispersion, counted = (np.concatenate(part) for part in zip(*parts, strict=True))
    misses = {share: _miss(y, (1 - share) * seasonal + share * learned) for share in SHARES}
    share = min(misses, key=lambda share: (misses[share], share)) if booster is not None else 0.0
    mean = (1 - share) * seasonal + share * learned
    measured = {"seasonal": misses[0.0], "model": misses[1.0], "blend": misses[share]}
    return Blend(share, counts.calibrate(y, mean, dispersion, counted, seed), rows, measured)


def _miss(y: np.ndarray, forecast: np.ndarray) -> float:
    return round(float(np.abs(y - forecast).sum() / max(np.abs(y).sum(), 1e-9)), 4)
