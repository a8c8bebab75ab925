"""The recursive member: tomorrow from the last days, then the day after from those and tomorrow's own forecast.

It errs unlike the direct members, which never see the day before their target. It learns y / level under absolute
error, y freed of the 0/1 covariates' uplift, the level being the mean of the last four weeks as the walk goes on.
"""

import numpy as np

from forecasting.engine.columns import Columns
from forecasting.engine.features import Features
from forecasting.engine.history import SUMS_KEPT, History
from forecasting.engine.windows import known, mean, take, weighted_mean

LAGS = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
MEANS = (7, 14, 28, 56)
HALF_LIVES = SUMS_KEPT  # weeks
MEMORY = 56
FEAST = ("own", "own_level", "pooled", "pooled_level", "effect", "times")
LIKELY_OPEN = 0.5
LEAST_RECORDS = 7  # a series' own first weeks are what a new branch looks like


def names(features: Features) -> list[str]:
    """Columns of `Walk.rows`, in order."""
    return [
        *features.days, *(f"feast_{name}" for name in FEAST), "feast_before", "feast_after",
        *(f"{name}:{when}" for name in features.covariates for when in ("value", "before", "after")),
        "last_year_week", "last_year_day", *(f"lag_{n}" for n in LAGS), *(f"mean_{n}" for n in MEANS),
        *(f"weekday_mean_{hl:g}w" for hl in HALF_LIVES), "log_level",
    ]  # fmt: skip


class Walk:
    """The last days of series `s` at origin days `o`, to which forecasts are added day by day.

    `ahead` [walks] says how many days each walks, the longest first: who has arrived is left behind. Windows are [days,
    walks], sums of the weekdays [7, walks] by the step that needs them next.
    """

    def __init__(self, features: Features, s: np.ndarray, o: np.ndarray, ahead: np.ndarray | None = None) -> None:
        self.features, self.s, self.o, self.step = features, s, o, 0
        self.columns = len(names(features))
        self.ahead = np.zeros(len(s), dtype=np.int64) if ahead is None else ahead
        most = int(self.ahead.max(initial=0))
        past = features.history
        self.plain, self.clean = (np.empty((days + most, len(s)), np.float32) for days in (max(LAGS), MEMORY))
        past.plain.window(s, o, self.plain[: max(LAGS)])
        past.clean.window(s, o, self.clean[:MEMORY])
        # Where there are clean sales, which are 0 where there are none.
        self.seen = np.empty(self.clean.shape, dtype=bool)
        self.seen[:MEMORY] = ~np.isnan(self.clean[:MEMORY])
        self.clean[:MEMORY][~self.seen[:MEMORY]] = 0.0
        self.sums = {}
        for hl in HALF_LIVES:
            pair = self.sums[hl] = [np.empty((7, len(s)), np.float32) for _ in range(2)]
            for step in range(min(max(most, 1), 7)):
                for part, x in zip(pair, past.weekday_sums[hl], strict=True):
                    part[step] = known(take(x, s, o - 6 + step))
        self.origin_level = past.level[s, o]
        self.floor = 0.05 * known(past.mean(s, o, 364))
        self.means: dict[int, np.ndarray] = {}

    def level(self) -> np.ndarray:
        """[walks] what the member's target is divided by."""
        self.means = self._means()
        mean = self.means[28]
        return np.fmax(np.where(mean > 0, mean, self.origin_level), self.floor)

    def _next(self) -> np.ndarray:
        return self.o + self.step + 1

    def _means(self) -> dict[int, np.ndarray]:
        """[walks] means of the clean sales of the last days, by their number."""
        out, end = {}, self.step + MEMORY
        total, n, done = np.zeros(len(self.s)), np.zeros(len(self.s), dtype=np.int8), 0
        for days in MEANS:
            more = np.zeros(len(self.s), np.float32)
            for row in self.clean[end - days : end - done]:  # numpy would add up a single walk's days in another order
                more += row
            seen = self.seen[end - days : end - done].view(np.int8)
            total, n, done = total + more, n + seen.sum(axis=0, dtype=np.int8), days
            out[days] = mean(total, n, min(7, days // 3 + 1))
        return out

    def rows(self, level: np.ndarray) -> np.ndarray:
        """float32 [walks, features] of the next day; `level` has just been asked for."""
        past, s, t = self.features.history, self.s, self._next()
        before, after = t - 1, np.minimum(t + 1, len(past.dates) - 1)
        out = Columns(len(s), self.columns)
        for column in self.features.days.values():
            out.add(column[t] if column.ndim == 1 else column[s, t])
        for name in FEAST:
            out.add(past.feast(name, s, t))
        for day in (before, after):
            out.add(past.feast("effect", s, day))
        for name in self.features.covariates:
            for day in (t, before, after):
                out.add(past.numeric[name][s, day])
        then = past.level_a_year_ago(s, t - 1)
        out.add(past.week(s, t - 361) / then)
        out.add(take(past.clean, s, t - 364) / then)
        for n in LAGS:
            out.add(self.plain[self.step + max(LAGS) - n] / level)
        for n in MEANS:
            out.add(self.means[n] / level)
        for top, weight in self.sums.values():
            out.add(weighted_mean(top[self.step % 7], weight[self.step % 7]) / level)
        out.add(np.log(level))
        return out.matrix()

    def advance(self, plain: np.ndarray) -> None:
        """Take `plain` for the next day's sales; where the series is likely shut there are none."""
        past, going = self.features.history, int((self.ahead > self.step + 1).sum())
        if going < len(self.s):
            self._leave(going)
        plain, t = plain[:going], self._next()
        shut = past.closed[self.s, t] | (past.chance_open(self.s, self.o, t) < LIKELY_OPEN)
        value = np.where(shut, np.nan, plain)
        seen = ~(np.isnan(value) | past.feasts.on[self.s, t])
        clean = np.where(seen, value, 0.0)
        self.plain[self.step + max(LAGS)] = value
        self.clean[self.step + MEMORY], self.seen[self.step + MEMORY] = clean, seen
        slot = self.step % 7
        for hl, (top, weight) in self.sums.items():
            decay = 0.5 ** (1.0 / hl)
            top[slot] = top[slot] * decay + clean
            weight[slot] = weight[slot] * decay + seen
        self.step += 1

    def _leave(self, going: int) -> None:
        """Only the first `going` walks go on."""
        self.s, self.o, self.ahead = (x[:going] for x in (self.s, self.o, self.ahead))
        self.origin_level, self.floor = self.origin_level[:going], self.floor[:going]
        self.plain, self.clean, self.seen = (x[:, :going] for x in (self.plain, self.clean, self.seen))
        self.sums = {hl: [x[:, :going] for x in pair] for hl, pair in self.sums.items()}


def training_rows(
    history: History, memory_days: int, seed: int, limit: int, usable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(s, o): every recorded day o + 1 of the memory is forecast once from the day before; at most `limit` rows."""
    wanted = np.array(history.recorded, order="C")
    wanted[:, : max(history.cutoff - memory_days, 1)] = False
    if usable is not None:
        wanted &= usable[None]
    s, t = np.nonzero(wanted)
    keep = np.flatnonzero(history.forecastable(LEAST_RECORDS)[s, t - 1])
    if len(keep) > limit:
        keep = np.sort(np.random.default_rng(seed).choice(keep, limit, replace=False))
    return s[keep], t[keep] - 1
