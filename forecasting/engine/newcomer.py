"""Series open for less than four weeks: what their few days tell, and what the others' first weeks teach.

The few days' level, freed of the pooled weekday, times that weekday, the own days of the weekday weighed in, is one
forecast (`Young.shrunk`). The newcomer member, "n", is another: LightGBM on the others, each pretending to have
opened 1 to 27 days before an origin. Means of them beat each; with fewer than five others the first serves.
"""

import lightgbm as lgb
import numpy as np

from forecasting.engine.features import Features
from forecasting.engine.history import SHORT
from forecasting.engine.windows import take

WINDOW = 56  # days looked back; longer ago is no news of a series with so few records
OWN_WEEKS = 3.0  # weeks of the own weekday that weigh as much as level times pooled weekday
LEAST_SERIES = 5  # with fewer others there is nobody to be like
COPIES, ROWS, TREES = 4, 40_000, 60  # each day is forecast from several pretended openings
FEAST = ("pooled", "pooled_level", "times")
MEANS = (3, 7, 14)
FORTNIGHT = 14
LATER_LEARNED = 0.4  # weight of the newcomer member from then on, beside 1 of the grown series' members


def names(features: Features) -> list[str]:
    """Columns of `Young.rows`, in order."""
    return [
        *features.days, "horizon", *(f"feast_{name}" for name in FEAST), "last_year_pooled", "last_year_pooled_day",
        "pooled_surprise_7", "pooled_surprise_28", "pooled_weekday", "days", "records",
        "same_weekday_mean", "same_weekday_times", "same_weekday_latest", *(f"mean_{n}" for n in MEANS),
        "least", "most", "scatter", "log_level_over_pool",
        *(f"{name}:{part}" for name in features.covariates for part in ("value", "seen")),
    ]  # fmt: skip


class Young:
    """Rows (s, o, h) of which only the last `days` days up to day `o` are known."""

    def __init__(self, features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray, days: np.ndarray) -> None:
        self.features, self.s, self.o, self.h = features, s, o, h
        past, lags = features.history, np.arange(WINDOW)[None]
        self.days = np.minimum(days, WINDOW)
        self.at = o[:, None] - lags
        self.known = (lags < self.days[:, None]) & (self.at >= 0)
        seen = np.where(self.known, take(past.y, s[:, None], self.at), np.nan)
        ordinary = np.where(past.feasts.on[s[:, None], np.maximum(self.at, 0)], np.nan, seen)
        # A branch that opened on a feast has nothing else to show.
        only_feasts = np.asarray(np.isnan(ordinary).all(axis=1, keepdims=True))
        self.seen = np.where(only_feasts, seen, ordinary)
        self.records = (~np.isnan(self.seen)).sum(axis=1)

        weekday = features.pooled_weekday[np.maximum(o[:, None] - lags % 7, 0)]
        weekday = np.where(weekday > 0, weekday, 1.0)
        hoped = np.where(np.isnan(self.seen), 0.0, weekday).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.level = np.where(self.records > 0, np.nansum(self.seen, axis=1) / hoped, np.nan)
        self.weekday = features.pooled_weekday[np.maximum(o + h - 7 * -(-h // 7), 0)]
        self.weekday = np.where(self.weekday > 0, self.weekday, 1.0)
        same = np.where((h[:, None] + lags) % 7 == 0, self.seen, np.nan)
        self.times = (~np.isnan(same)).sum(axis=1)
        self.same = np.nansum(same, axis=1)
        newest = np.argmax(~np.isnan(same), axis=1)
        self.latest = same[np.arange(len(s)), newest]

    def shrunk(self) -> np.ndarray:
        """[rows] the own weekday's mean shrunk to level x pooled weekday, times what feasts do to all."""
        level = np.where(self.level >= 0, self.level, np.nan_to_num(self.features.history.level[self.s, self.o]))
        mean = (self.same + OWN_WEEKS * level * self.weekday) / (self.times + OWN_WEEKS)
        return np.fmax(mean, 0.0) * self._feast()

    def _feast(self) -> np.ndarray:
        past, t = self.features.history, self.o + self.h
        days, where = np.unique(t, return_inverse=True)
        pooled = past.feast["pooled"][:, days]
        n = (~np.isnan(pooled)).sum(axis=0)
        mean = np.where(n > 0, np.nan_to_num(pooled).sum(axis=0) / np.maximum(n, 1), 0.0)[where]
        return np.exp(np.where(past.feasts.key[self.s, t] > 0, np.clip(mean, -2, 2), 0.0))

    def rows(self) -> np.ndarray:
        """float32 [rows, features], money divided by `level`."""
        past, s, o, h, level = self.features.history, self.s, self.o, self.h, self.level
        t, seen = o + h, self.seen
        out = [column[t] if column.ndim == 1 else column[s, t] for column in self.features.days.values()]
        out.append(h)
        out += [past.feast[name][s, t] for name in FEAST]
        out += [past.pooled_year(past.week, o, h, 361), past.pooled_year(past.clean, o, h, 364)]
        out += [past.pooled_surprise[7][o], past.pooled_surprise[28][o], self.weekday, self.days, self.records]
        with np.errstate(invalid="ignore", divide="ignore"):
            out += [self.same / self.times / level, self.times, self.latest / level]
            for n in MEANS:
                part = seen[:, :n]
                out.append(np.nansum(part, axis=1) / (~np.isnan(part)).sum(axis=1) / level)
            mean = np.nansum(seen, axis=1) / self.records
            scatter = np.sqrt(np.nansum((seen - mean[:, None]) ** 2, axis=1) / self.records)
            out += [np.fmin.reduce(seen, axis=1) / level, np.fmax.reduce(seen, axis=1) / level, scatter / level]
            out.append(np.log(level / _middle_level(self.features, o)))
            for name in self.features.covariates:
                x = past.numeric[name]
                was = np.where(np.isnan(seen), np.nan, take(x, s[:, None], self.at))
                out += [x[s, t], np.nansum(was, axis=1) / (~np.isnan(was)).sum(axis=1)]
        return np.stack([np.asarray(c, dtype=np.float32) for c in out], axis=1)

    def forecast(self, booster: lgb.Booster | None, grown: np.ndarray) -> np.ndarray:
        """[rows] forecasts in sales units, never negative: a mean of what errs differently.

        `grown` is what the members for grown series say, NaN before a week of sales; after two weeks they replace the
        shrunk mean and count more than what the others' first weeks teach.
        """
        shrunk = self.shrunk()
        learned = np.full(len(shrunk), np.nan)
        able = self.level > 0
        if booster is not None and able.any():
            learned = np.where(
                able, np.fmax(np.asarray(booster.predict(self.rows(), num_threads=1)), 0.0) * self.level, np.nan
            )
        parts = np.stack([shrunk, learned, grown])
        weights = np.where(np.isnan(parts), 0.0, 1.0)
        both = (weights > 0).all(axis=0)
        green = np.clip((FORTNIGHT - self.records) / 7, 0.0, 1.0)
        weights[0] = np.where(both, green, 1.0)
        weights[1] *= np.where(np.isnan(grown), 1.0, LATER_LEARNED + (1 - LATER_LEARNED) * green)
        return (np.nan_to_num(parts) * weights).sum(axis=0) / weights.sum(axis=0)


def _middle_level(features: Features, o: np.ndarray) -> np.ndarray:
    """[rows] the middle level of all series at day `o`."""
    origins, where = np.unique(o, return_inverse=True)
    with np.errstate(invalid="ignore"):
        level = features.history.level[:, origins]
    known = (~np.isnan(level)).any(axis=0)
    out = np.full(len(origins), np.nan)
    out[known] = np.nanmedian(level[:, known], axis=0)
    return out[where]


def training_rows(
    features: Features, memory_days: int, horizon: int, seed: int, usable: np.ndarray | None = None
) -> Young | None:
    """The others' first weeks, pretended; None where fewer than LEAST_SERIES have a history."""
    past, draw = features.history, np.random.default_rng(seed)
    wanted = past.recorded.copy()
    wanted[:, : max(past.cutoff - memory_days, 0)] = False
    if usable is not None:
        wanted &= usable[None]
    s, t = (np.tile(x, COPIES) for x in np.nonzero(wanted))
    h, days = draw.integers(1, horizon + 1, len(s)), draw.integers(1, SHORT, len(s))
    o = t - h
    grown = np.where((past.records >= SHORT).any(axis=1), (past.records >= SHORT).argmax(axis=1), len(past.at))
    keep = np.flatnonzero(o >= np.maximum(grown, SHORT)[s])
    if len(keep) > ROWS:
        keep = np.sort(draw.choice(keep, ROWS, replace=False))
    if len(np.unique(s[keep])) < LEAST_SERIES:
        return None
    return Young(features, s[keep], o[keep], h[keep], days[keep])
