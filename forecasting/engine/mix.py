"""The seasonal mix: forecasts without machine learning, used beside the learned members and where they cannot be.

Half of it is a smoother of level times weekday index in eight settings, of which each series uses the three that were
best lately, led on by last year's way from the origin's day to the target's; half is the median of the weekday's last
weeks, which no odd day moves. Feasts and 0/1 covariates enter as factors.
"""

from itertools import product

import numpy as np

from forecasting.engine.columns import Runs
from forecasting.engine.history import History
from forecasting.engine.windows import known, weekday_median

LEVELS = (0.01, 0.02, 0.05, 0.1)  # share of a new day in the level
INDICES = (0.03, 0.1)  # share of a new week in the weekday's index
SETTINGS = tuple(product(LEVELS, INDICES))
BEST, WINDOW = 3, 120  # settings kept per series, days on which they are judged
LAGS = (7, 14, 28)
MEDIAN_WEEKS = 16
AT_ONCE = 4096  # series smoothed side by side
YEAR, OWN_YEAR = 0.8, 0.3  # share of last year's way expected again: of all series' way, of the own deviation from it


class Mix:
    """Seasonal forecasts of every series from origins of a History, `first` or later."""

    def __init__(self, history: History, first: int = 0) -> None:
        self.history = history
        self.since = max(first - 6, 0)  # the oldest same weekday that is looked at
        shape = (len(history.clean.rows) - self.since, len(SETTINGS), len(history.series))
        self.levels, self.indices, self.errors = (np.empty(shape, dtype=np.float32) for _ in range(3))
        for begin in range(0, len(history.series), AT_ONCE):
            mine = slice(begin, begin + AT_ONCE)
            x = history.clean.rows[:, mine]
            _smooth(x, self.since, self.levels[..., mine], self.indices[..., mine], self.errors[..., mine])

    def forecast(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """[rows] forecasts at origin day `o` for the day `o + h`; 0 where the series has no sales yet."""
        factors = list(self.factors(s, o, h).values())
        return np.fmax(self.history.level[s, o] * np.prod(factors, axis=0), 0.0)

    def factors(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
        """[rows] what the level at the origin is multiplied by, by reason."""
        past, t = self.history, o + h
        own = Runs(s, o)
        weekly = own.weekdays(t - 7 * -(-h // 7))
        at, same = own.d - self.since, np.maximum(weekly.d - self.since, 0)
        best = np.argsort(self.errors[at, :, own.s], axis=1, kind="stable")[:, :BEST].T
        with np.errstate(invalid="ignore", divide="ignore"):
            trend = np.stack([self.levels[at, k, own.s] for k in best]).astype(np.float64)
            index = np.stack(
                [np.where(weekly.d < 0, np.nan, self.indices[same, k[weekly.run], weekly.s]) for k in best]
            )
            smooth = (trend[:, weekly.run] * index).mean(axis=0)
            middle = weekday_median(past.clean, weekly.s, weekly.d, MEDIAN_WEEKS)
            middle = np.where(np.isnan(middle), smooth, middle)
            smooth, middle = smooth[weekly.place], middle[weekly.place]
            both, season = (smooth + middle) / 2, self._season(s, o, h)
            # The median stays where it is: it is led on by no year.
            season = np.where(both > 0, (smooth * season + middle) / 2 / both, season)
            level = past.level[own.s, own.d]
            trend = (trend.mean(axis=0) / level)[own.place]
            weekday = both / trend / level[own.place]
        unknown = ~np.isfinite(trend * weekday)
        return {
            "trend": np.where(unknown, 1.0, trend), "weekday": np.where(unknown, 1.0, weekday),
            "feast": self._feast(s, t), "promotion": past.factor(s, o, t),
            "season": season,
        }  # fmt: skip

    def _feast(self, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """What the feast did before, shrunk to nothing as if it had once more done nothing: one year may be chance."""
        times = self.history.feast("times", s, t)
        return np.exp(np.clip(self.history.feast("effect", s, t), -2, 2) * (times + 1) / (times + 2))

    def _season(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Where the year went from the origin's day to the target's a year ago: all series' way and a part of the own."""
        past = self.history
        with np.errstate(invalid="ignore", divide="ignore"):
            everyone = np.log(np.clip(past.pooled_year(o, h, weeks=True), 0.3, 3))
            own = np.log(np.clip(past.week(s, o + h - 361) / past.level_a_year_ago(s, o), 0.2, 5))
        everyone = known(everyone)
        return np.exp(YEAR * everyone + OWN_YEAR * (np.where(np.isnan(own), everyone, own) - everyone))


def _smooth(x: np.ndarray, since: int, levels: np.ndarray, indices: np.ndarray, errors: np.ndarray) -> None:
    """Put levels, weekday indices and errors of the last WINDOW days after each day from `since` on into [days,
    settings, series]; `x` is [days, series].

    A missing day changes nothing. The error of a day is that of what was expected each of LAGS days before.
    """
    days, series = x.shape
    shape = (len(LEVELS), len(INDICES), series)
    alpha, gamma = np.array(LEVELS, np.float32)[:, None, None], np.array(INDICES, np.float32)[:, None]  # rising
    judged = max(since - WINDOW + 1, 0)  # errors of days before do not count any more
    level, index = np.zeros(shape, np.float32), np.ones((7, *shape), np.float32)
    expected = np.full((max(LAGS), *shape), np.nan, np.float32)  # for the weekday, made on each of the last days
    errors_by_day, error = np.empty((WINDOW, *shape), np.float32), np.zeros(shape)
    step, size = np.empty(shape, np.float32), np.empty(shape, np.float32)
    zero, lowest, highest = (np.full(shape, x, np.float32) for x in (0, 0.05, 5))  # numpy is slower with one number
    count = np.zeros(series, np.float32)
    for d in range(days):
        seen = ~np.isnan(x[d])
        now, gate, value = index[d % 7], seen.astype(np.float32), np.where(seen, x[d], np.float32(0))
        count += gate
        if d >= judged:
            if d >= judged + WINDOW:
                error -= errors_by_day[d % WINDOW]
            today = errors_by_day[d % WINDOW] if d + WINDOW < days else step  # its own only if it leaves again
            today[:] = 0
            for lag in LAGS:
                missed = np.abs(np.subtract(x[d], expected[(d - lag) % max(LAGS)], out=size), out=size)
                today += np.fmax(missed, zero, out=size)  # nothing where it is not known
            error += today
        np.maximum(now, lowest, out=size)
        np.divide(value, size, out=step)
        step -= level
        # Of each step the share of a new value is kept, more among the first ones and nothing where there is none: the
        # first weeks are a plain mean, and the first day is the level.
        least = count.min()
        step *= gate * (alpha if least >= 1 / min(LEVELS) else np.maximum(alpha, 1 / np.maximum(count, 1)))
        level += step
        smallest = level.min()
        np.divide(np.maximum(value, 0), level if smallest > 1e-30 else np.maximum(level, 1e-30, out=size), out=step)
        np.minimum(step, highest, out=step)
        step -= now
        step *= gate * (gamma if least >= 7 / min(INDICES) else np.maximum(gamma, 1 / (count / 7 + 1)))
        if smallest <= 0:
            step[level <= 0] = 0
        now += step
        if d >= judged - max(LAGS):
            np.multiply(level, now, out=expected[d % max(LAGS)])
            expected[d % max(LAGS)][..., count == 0] = np.nan
        if d >= since:
            for out, found in ((levels, level), (indices, now), (errors, error)):
                out[d - since] = found.reshape(len(SETTINGS), series)
            levels[d - since][:, count == 0] = np.nan
