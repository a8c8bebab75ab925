"""Series open for less than four weeks: what their few days tell, and what the others' first weeks teach.

The few days' level, freed of the pooled weekday and of the others' promotion uplift, times both and the own weekday, as far
as it is believed (backcast.py), is one forecast (`Young.shrunk`). The newcomer member, "n", corrects it: LightGBM on the
others, each pretending to have opened 1 to 27 days before an origin. The members for grown series say the more, the more
days are known: they are given a past.
"""

import numpy as np

from forecasting.engine.backcast import (
    LEAST_INDEX,
    LEAST_SERIES,
    MOST_TIMES,
    Rhythm,
    grown_levels,
    pooled_uplift,
    pull,
    rhythm,
)
from forecasting.engine.columns import Columns
from forecasting.engine.features import Features
from forecasting.engine.history import SHORT
from forecasting.engine.windows import known

WINDOW = 56  # days looked back; longer ago is no news of a series with so few records
COPIES, ROWS, TREES = 4, 27_000, 100  # each day is forecast from several pretended openings
MODELS = 3  # what their mean errs less than one that saw the rows of all: in part by the rows that were drawn
DRAWN = 2 * ROWS  # some of them would have had to open before there was anything to know
FEAST = ("pooled", "pooled_level", "times")
MEANS = (3, 7, 14)
HALF_LIFE = 20  # days after which a day says half as much of its weekday: the first days are least like those to come
OTHERS_FEAST = 0.5  # of what a feast did to others, as in the seasonal mix: once more it may do nothing
LEARNED = 0.5  # share of the newcomer member on the first day; with SHORT records it has none


def names(features: Features) -> list[str]:
    """Columns of `Young.rows`, in order."""
    return [
        *features.days, "horizon", *(f"feast_{name}" for name in FEAST), "last_year_pooled", "last_year_pooled_day",
        "pooled_surprise_7", "pooled_surprise_28", "pooled_weekday", "days", "records",
        "same_weekday_mean", "same_weekday_times", "same_weekday_latest", *(f"mean_{n}" for n in MEANS),
        "least", "most", "scatter", "log_level_over_pool", "shrunk",
        *(f"{name}:{part}" for name in features.covariates for part in ("value", "seen")),
    ]  # fmt: skip


class Young:
    """Rows (s, o, h) of which only the last `days` days up to day `o` are known; `seen` is [days back, rows]."""

    def __init__(self, features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray, days: np.ndarray) -> None:
        self.features, self.s, self.o, self.h = features, s, o, h
        past = features.history
        self.days = np.minimum(days, WINDOW)
        self.uplift = pooled_uplift(past, o)
        window = 7 * -(-int(self.days.max(initial=1)) // 7)  # whole weeks of what any row knows
        seen, ordinary = (np.full((window, len(s)), np.nan) for _ in range(2))
        for back in range(int(self.days.max(initial=0))):
            rows = np.flatnonzero((back < self.days) & (o - back >= 0))
            at = s[rows], o[rows] - back
            seen[back, rows] = past.y[at] / self.factor(o - back)[rows]
            ordinary[back, rows] = np.where(past.feasts.on[at], np.nan, seen[back, rows])
        # A branch that opened on a feast has nothing else to show.
        only_feasts = np.isnan(ordinary).all(axis=0)
        ordinary[:, only_feasts] = seen[:, only_feasts]
        self.seen, self.at = ordinary, o - np.arange(window)[:, None]
        self.sold = ~np.isnan(ordinary)
        self.records = self.sold.sum(axis=0)

        weekday = self._weekday(self.at[:7])
        hoped, total = np.zeros(len(s)), known(ordinary)
        for back in range(window):
            hoped += np.where(self.sold[back], weekday[back % 7], 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.level = np.where(self.records > 0, total.sum(axis=0) / hoped, np.nan)
        self.weekday = self._weekday(o + h - 7 * -(-h // 7))
        newest = -h % 7  # days back of the newest same weekday
        at = newest + 7 * np.arange(window // 7)[:, None], np.arange(len(s))
        self.times, self.same = self.sold[at].sum(axis=0), total[at].sum(axis=0)
        self.latest = np.where(self.times > 0, total[at][self.sold[at].argmax(axis=0), at[1]], np.nan)
        self.shrunk = self._shrunk()

    def factor(self, t: np.ndarray) -> np.ndarray:
        """[rows] what the 0/1 covariates of day `t` multiply the others' sales by, as known at day `o`."""
        effect = np.zeros(len(t))
        for name, uplift in self.uplift.items():
            effect += uplift * known(self.features.history.numeric[name][self.s, t])
        return np.exp(effect)

    def _weekday(self, day: np.ndarray) -> np.ndarray:
        found = self.features.history.pooled_weekday[np.maximum(day, 0)]
        return np.where(found > 0, found, 1.0)

    def _shrunk(self) -> np.ndarray:
        """[rows] the own weekday's mean shrunk to level x pooled weekday, times what promotions and, half, feasts do to all."""
        past = self.features.history
        level = np.where(self.level >= 0, self.level, known(past.level[self.s, self.o]))
        usual, others, t = rhythm(past), grown_levels(past), self.o + self.h
        mean = level * self.weekday * self._index(usual)
        if len(others) >= LEAST_SERIES:
            sure = (self.level > 0) & (self.records > 0)
            mean[sure] *= pull(level[sure], self.records[sure], usual.scatter, others)
        feast = np.where(past.feasts.key[self.s, t] > 0, np.clip(past.pooled_feast(t), -2, 2), 0.0)
        return np.fmax(mean, 0.0) * np.exp(OTHERS_FEAST * feast) * self.factor(t)

    def _index(self, usual: Rhythm) -> np.ndarray:
        """[rows] what the target's weekday sells over the level and over all series' weekday."""
        slots = np.arange(7)
        day = (np.arange(7)[:, None] - slots) % 7  # number of the weekday by that of the origin and days back
        turned = Rhythm(usual.differ[day[:, :, None], day[:, None, :]][self.o % 7], usual.scatter)
        hoped = self.level * self._weekday(self.at[:7])
        times, mean = np.zeros((len(self.s), 7)), np.zeros((len(self.s), 7))
        with np.errstate(invalid="ignore", divide="ignore"):
            for back in range(len(self.seen)):
                over, weight = np.clip(self.seen[back] / hoped[back % 7], 0, MOST_TIMES), 0.5 ** (back / HALF_LIFE)
                mean[:, back % 7] += weight * known(over)
                times[:, back % 7] += weight * ~np.isnan(over)
        index = turned.expected(times, mean / np.where(times > 0, times, 1))
        return np.fmax(index[np.arange(len(index)), -self.h % 7], LEAST_INDEX)

    def rows(self) -> np.ndarray:
        """float32 [rows, features], money divided by `level`."""
        past, s, o, h, level = self.features.history, self.s, self.o, self.h, self.level
        t, seen, total = o + h, self.seen, known(self.seen)
        out = Columns(len(s), len(names(self.features)))
        for column in self.features.days.values():
            out.add(column[t] if column.ndim == 1 else column[s, t])
        out.add(h)
        for name in FEAST:
            out.add(past.feast(name, s, t))
        out.add(past.pooled_year(o, h, weeks=True))
        out.add(past.pooled_year(o, h, weeks=False))
        for values in (past.pooled_surprise[7][o], past.pooled_surprise[28][o], self.weekday, self.days, self.records):
            out.add(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            for values in (self.same / self.times / level, self.times, self.latest / level):
                out.add(values)
            for n in MEANS:
                out.add(total[:n].sum(axis=0) / self.sold[:n].sum(axis=0) / level)
            mean = total.sum(axis=0) / self.records
            scatter = np.sqrt(np.where(self.sold, (total - mean) ** 2, 0.0).sum(axis=0) / self.records)
            for values in (np.fmin.reduce(seen, axis=0), np.fmax.reduce(seen, axis=0), scatter):
                out.add(values / level)
            out.add(np.log(level / _middle_level(self.features, o)))
            out.add(self.shrunk / self.factor(t) / level)
            for name in self.features.covariates:
                x = past.numeric[name]
                out.add(x[s, t])
                was, times = np.zeros(len(s)), np.zeros(len(s))
                for back in range(len(self.sold)):
                    rows = np.flatnonzero(self.sold[back])
                    found = x[s[rows], self.at[back, rows]]
                    was[rows] += known(found)
                    times[rows] += ~np.isnan(found)
                out.add(was / times)
        return out.matrix()

    def forecast(self, ratio: np.ndarray | None, grown: np.ndarray) -> np.ndarray:
        """[rows] forecasts in sales units, never negative: a mean of what errs differently.

        `ratio` is what the newcomer member says of `rows()`, over `shrunk`; `grown` is what the members for grown series
        say, 0 where they say nothing. They take a single day's level for the branch's, who knows first weeks does not.
        """
        share = LEARNED * np.clip(1 - self.records / SHORT, 0, 1)
        share = np.where((grown > 0) & (self.records >= 2), share, 1.0)
        learned = self.shrunk.copy()
        if ratio is not None:
            learned = np.where(self.level > 0, np.fmax(ratio, 0.0) * self.shrunk, self.shrunk)
        return share * learned + (1 - share) * grown


def _middle_level(features: Features, o: np.ndarray) -> np.ndarray:
    """[rows] the middle level of all series at day `o`."""
    origins, where = np.unique(o, return_inverse=True)
    with np.errstate(invalid="ignore"):
        level = features.history.level[np.arange(len(features.history.series))[:, None], origins]
    known = (~np.isnan(level)).any(axis=0)
    out = np.full(len(origins), np.nan)
    out[known] = np.nanmedian(level[:, known], axis=0)
    return out[where]


def training_rows(
    features: Features, memory_days: int, horizon: int, seed: int, usable: np.ndarray | None = None
) -> Young | None:
    """The others' first weeks, pretended; None where fewer than LEAST_SERIES have a history."""
    past, draw = features.history, np.random.default_rng(seed)
    wanted = past.recorded.T.copy()
    wanted[: max(past.cutoff - memory_days, 0)] = False
    if usable is not None:
        wanted &= usable[:, None]
    cells = np.flatnonzero(wanted)
    copies = len(cells) * COPIES
    drawn = draw.choice(copies, DRAWN, replace=False) if copies > DRAWN else np.arange(copies)
    t, s = np.divmod(cells[drawn % max(len(cells), 1)], len(past.series))
    h, days = draw.integers(1, horizon + 1, len(s)), draw.integers(1, SHORT, len(s))
    o = t - h
    enough = past.records.rows.T >= SHORT
    grown = np.where(enough.any(axis=1), enough.argmax(axis=1), len(past.dates))
    keep = np.flatnonzero(o >= np.maximum(grown, SHORT)[s])
    if len(keep) > ROWS:
        keep = np.sort(draw.choice(keep, ROWS, replace=False))
    if len(np.unique(s[keep])) < LEAST_SERIES:
        return None
    return Young(features, s[keep], o[keep], h[keep], days[keep])
