"""The recursive member: tomorrow from the last days, then the day after from those and tomorrow's own forecast.

It errs unlike the direct members, which never see the day before their target. It learns y / level under absolute
error, y freed of the 0/1 covariates' uplift, the level being the mean of the last four weeks as the walk goes on.
"""

import numpy as np

from forecasting.engine.features import Features
from forecasting.engine.history import History
from forecasting.engine.windows import take

LAGS = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
MEANS = (7, 14, 28, 56)
HALF_LIVES = (1.5, 8.0)  # weeks; of those the history keeps the sums of
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
    """The last days of series `s` at origin days `o`, to which forecasts are added day by day."""

    def __init__(self, features: Features, s: np.ndarray, o: np.ndarray, ahead: int = 0) -> None:
        self.features, self.s, self.o, self.step = features, s, o, 0
        past = features.history
        days = o[:, None] + np.arange(1 - MEMORY, 1)

        def window(x: np.ndarray) -> np.ndarray:
            out = np.full((len(s), MEMORY + ahead), np.nan)
            out[:, :MEMORY] = np.where(days < 0, np.nan, x[s[:, None], np.maximum(days, 0)])
            return out

        self.plain, self.clean = window(past.plain), window(past.clean)
        last = o[:, None] - (o[:, None] - np.arange(7)) % 7  # newest day of each weekday, by day index mod 7
        at = s[:, None], np.maximum(last, 0)
        self.sums = {
            hl: [np.where(last < 0, 0.0, part[at]) for part in past.weekday_sums[hl]] for hl in HALF_LIVES
        }  # fmt: skip
        self.floor = 0.05 * np.nan_to_num(past.means[364][s, o])

    def level(self) -> np.ndarray:
        """[walks] what the member's target is divided by."""
        mean = self._mean(28)
        return np.fmax(np.where(mean > 0, mean, self.features.history.level[self.s, self.o]), self.floor)

    def _next(self) -> np.ndarray:
        # Walks that started late stay on the last day until all have arrived.
        return np.minimum(self.o + self.step + 1, len(self.features.history.at) - 1)

    def _mean(self, days: int) -> np.ndarray:
        x = self.clean[:, self.step + MEMORY - days : self.step + MEMORY]
        n = (~np.isnan(x)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(n >= min(7, days // 3 + 1), np.nansum(x, axis=1) / n, np.nan)

    def rows(self, level: np.ndarray) -> np.ndarray:
        """float32 [walks, features] of the next day."""
        past, s, t = self.features.history, self.s, self._next()
        before, after = t - 1, np.minimum(t + 1, len(past.at) - 1)
        out = [column[t] if column.ndim == 1 else column[s, t] for column in self.features.days.values()]
        out += [past.feast[name][s, t] for name in FEAST]
        out += [past.feast["effect"][s, day] for day in (before, after)]
        for name in self.features.covariates:
            out += [past.numeric[name][s, day] for day in (t, before, after)]
        then = past.level_a_year_ago(s, t - 1)
        out += [take(past.week, s, t - 361) / then, take(past.clean, s, t - 364) / then]
        out += [self.plain[:, self.step + MEMORY - n] / level for n in LAGS]
        out += [self._mean(n) / level for n in MEANS]
        for top, weight in self.sums.values():
            column = t % 7
            total, n = (np.take_along_axis(x, column[:, None], axis=1)[:, 0] for x in (top, weight))
            out.append(np.where(n > 1e-6, total / np.maximum(n, 1e-6), np.nan) / level)
        out.append(np.log(level))
        return np.stack([np.asarray(c, dtype=np.float32) for c in out], axis=1)

    def advance(self, plain: np.ndarray) -> None:
        """Take `plain` for the next day's sales; where the series is likely shut there are none."""
        past, t = self.features.history, self._next()
        shut = past.closed[self.s, t] | (past.chance_open(self.s, self.o, t) < LIKELY_OPEN)
        value = np.where(shut, np.nan, plain)
        clean = np.where(past.feasts.on[self.s, t], np.nan, value)
        self.plain[:, self.step + MEMORY], self.clean[:, self.step + MEMORY] = value, clean
        rows, column, seen = np.arange(len(t)), t % 7, ~np.isnan(clean)
        for hl, (top, weight) in self.sums.items():
            decay = 0.5 ** (1.0 / hl)
            top[rows, column] = top[rows, column] * decay + np.where(seen, clean, 0.0)
            weight[rows, column] = weight[rows, column] * decay + seen
        self.step += 1


def training_rows(
    history: History, memory_days: int, seed: int, limit: int, usable: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(s, o): every recorded day o + 1 of the memory is forecast once from the day before; at most `limit` rows."""
    wanted = history.recorded.copy()
    wanted[:, : max(history.cutoff - memory_days, 1)] = False
    if usable is not None:
        wanted &= usable[None]
    s, t = np.nonzero(wanted)
    keep = np.flatnonzero((history.records[s, t - 1] >= LEAST_RECORDS) & (history.level[s, t - 1] > 0))
    if len(keep) > limit:
        keep = np.sort(np.random.default_rng(seed).choice(keep, limit, replace=False))
    return s[keep], t[keep] - 1
