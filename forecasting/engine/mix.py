"""The seasonal mix: forecasts without machine learning, used beside the learned members and where they cannot be.

Half of it is a smoother of level times weekday index in eight settings, of which each series uses the three that were
best lately, led on by last year's way from the origin's day to the target's; half is the median of the weekday's last
weeks, which no odd day moves. Feasts and 0/1 covariates enter as factors.
"""

from itertools import product

import numpy as np

from forecasting.engine.history import History
from forecasting.engine.windows import AT_ONCE, take, weekday_median

LEVELS = (0.01, 0.02, 0.05, 0.1)  # share of a new day in the level
INDICES = (0.03, 0.1)  # share of a new week in the weekday's index
SETTINGS = tuple(product(LEVELS, INDICES))
BEST, WINDOW = 3, 120  # settings kept per series, days on which they are judged
LAGS = (7, 14, 28)
MEDIAN_WEEKS = 16
YEAR, OWN_YEAR = 0.8, 0.3  # share of last year's way expected again: of all series' way, of the own deviation from it


class Mix:
    """Seasonal forecasts of every series from origins of a History, `first` or later."""

    def __init__(self, history: History, first: int = 0) -> None:
        self.history = history
        self.since = max(first - 6, 0)  # the oldest same weekday that is looked at
        plain, count = history.clean, max(len(history.series), 1)
        parts = [_smooth(plain[begin : begin + AT_ONCE], self.since) for begin in range(0, count, AT_ONCE)]
        self.levels, self.indices, self.errors = (np.concatenate(each, axis=2) for each in zip(*parts, strict=True))

    def forecast(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """[rows] forecasts at origin day `o` for the day `o + h`; 0 where the series has no sales yet."""
        factors = list(self.factors(s, o, h).values())
        return np.fmax(self.history.level[s, o] * np.prod(factors, axis=0), 0.0)

    def factors(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
        """[rows] what the level at the origin is multiplied by, by reason."""
        past, t = self.history, o + h
        b = t - 7 * -(-h // 7)
        at, same = o - self.since, np.maximum(b - self.since, 0)
        best = np.argsort(self.errors[at, :, s], axis=1, kind="stable")[:, :BEST].T
        with np.errstate(invalid="ignore", divide="ignore"):
            trend = np.stack([self.levels[at, k, s] for k in best])
            index = np.stack([np.where(b < 0, np.nan, self.indices[same, k, s]) for k in best])
            smooth = (trend * index).mean(axis=0)
            middle = weekday_median(past.clean, s, b, MEDIAN_WEEKS)
            middle = np.where(np.isnan(middle), smooth, middle)
            both, season = (smooth + middle) / 2, self._season(s, o, h)
            # The median stays where it is: it is led on by no year.
            season = np.where(both > 0, (smooth * season + middle) / 2 / both, season)
            trend = trend.mean(axis=0) / past.level[s, o]
            weekday = both / trend / past.level[s, o]
        unknown = ~np.isfinite(trend * weekday)
        return {
            "trend": np.where(unknown, 1.0, trend), "weekday": np.where(unknown, 1.0, weekday),
            "feast": self._feast(s, t), "promotion": past.factor(s, o, t),
            "season": season,
        }  # fmt: skip

    def _feast(self, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """What the feast did before, shrunk to nothing as if it had once more done nothing: one year may be chance."""
        times = self.history.feast["times"][s, t]
        return np.exp(np.clip(self.history.feast["effect"][s, t], -2, 2) * (times + 1) / (times + 2))

    def _season(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Where the year went from the origin's day to the target's a year ago: all series' way and a part of the own."""
        past = self.history
        with np.errstate(invalid="ignore", divide="ignore"):
            everyone = np.log(np.clip(past.pooled_year(past.week, o, h, 361), 0.3, 3))
            own = np.log(np.clip(take(past.week, s, o + h - 361) / past.level_a_year_ago(s, o), 0.2, 5))
        everyone = np.nan_to_num(everyone)
        return np.exp(YEAR * everyone + OWN_YEAR * (np.where(np.isnan(own), everyone, own) - everyone))


def _smooth(x: np.ndarray, since: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels, weekday indices and errors of the last WINDOW days after each day from `since` on, [days, settings, series].

    A missing day changes nothing. The error of a day is that of what was expected each of LAGS days before.
    """
    series, days = x.shape
    alpha, gamma = (np.array(v)[:, None] for v in zip(*SETTINGS, strict=True))
    shape = (len(SETTINGS), series)
    levels, indices, errors = (np.empty((days - since, *shape)) for _ in range(3))
    level, index = np.full(shape, np.nan), np.ones((7, *shape))
    expected = np.full((max(LAGS), *shape), np.nan)  # for the same weekday, made on each of the last days
    totals, total = np.zeros((WINDOW, *shape)), np.zeros(shape)
    count = np.zeros(series)
    for d in range(days):
        value, now = x[:, d], index[d % 7]
        seen = ~np.isnan(value)
        today = np.zeros(shape)
        for ahead in LAGS:
            missed = np.abs(value - expected[(d - ahead) % max(LAGS)])
            today = today + np.where(np.isnan(missed), 0.0, missed)
        total = total + today
        error, totals[d % WINDOW] = total - totals[d % WINDOW], total
        count += seen
        pace = np.maximum(alpha, 1.0 / np.maximum(count, 1))  # the first weeks are a plain mean
        unit = np.where(seen, value, 0.0) / np.maximum(now, 0.05)
        moved = np.where(np.isnan(level), unit, level + pace * (unit - level))
        level = np.where(seen, moved, level)
        week_pace = np.maximum(gamma, 1.0 / np.maximum(count / 7 + 1, 1))
        share = np.where(seen & (level > 0), np.where(seen, value, 0.0) / np.where(level > 0, level, 1.0), now)
        index[d % 7] = now + week_pace * (np.clip(share, 0, 5) - now)
        expected[d % max(LAGS)] = level * index[d % 7]
        if d >= since:
            levels[d - since], indices[d - since], errors[d - since] = level, index[d % 7], error
    return levels, indices, errors
