"""What was known at the end of each day: causal statistics of a panel, computed once for all origins."""

from datetime import date

import numpy as np
import pandas as pd

from forecasting.engine import calendar
from forecasting.engine.panel import Panel, is_binary
from forecasting.engine.windows import (
    lag,
    take,
    trailing_mean,
    trailing_means,
    trailing_sum,
    trailing_sums,
    weekday_ewm,
    weekday_sums,
    weighted_mean,
)

HALF_LIVES = (1.5, 3.0, 8.0, 26.0)  # weeks
SEEN_AHEAD = 36  # a feast's effect at a day uses occurrences at least this many days before: past every origin
AWAY = 7  # days without a record after which a branch is closed for good or for a while
SHORT = 28  # records below which a series has no history of its own to speak of


class History:
    """Statistics of `panel` as of each day, blind to everything after `cutoff` (per series after `cutoffs[series]`).

    All matrices are [series, days]. Levels and lags are computed on `clean`, the sales with feasts taken out.
    """

    def __init__(
        self, panel: Panel, cutoff: date | str | pd.Timestamp, cutoffs: dict[str, date] | None = None,
        *, states: list[str] | None = None,
    ) -> None:  # fmt: skip
        self.series, self.dates = panel.series, panel.dates
        self.cutoff = panel.index(cutoff)
        own = cutoffs or {}
        self.origin = np.array(
            [min(self.cutoff, panel.index(own[s])) if s in own else self.cutoff for s in panel.series], dtype=np.int64
        )
        self.at = np.arange(len(panel.dates))
        future = self.at[None, :] > self.origin[:, None]
        self.y = np.where(future, np.nan, panel.y)
        self.closed, self.numeric = panel.closed, panel.numeric
        self.feasts = calendar.feasts(panel.holiday, panel.dates)
        self.clean = np.where(self.feasts.on, np.nan, self.y)
        self.recorded = ~np.isnan(self.y)
        self.records = np.cumsum(self.recorded, axis=1)
        self.first = np.where(self.recorded.any(axis=1), self.recorded.argmax(axis=1), len(self.at))
        self._states(self._telling_states() if states is None else states)
        self._levels()
        self._surprise()
        self._feast_effects()
        self._opening()
        self.week = trailing_mean(self.clean, 7, at_least=3)

    def _levels(self) -> None:
        clean = self.clean
        self.means = trailing_means(clean, {n: min(7, n // 3 + 1) for n in (7, 14, 28, 91, 364)})
        level = self.means[28]
        for fallback in (self.means[91], self.means[364], trailing_mean(self.y, 364)):
            level = np.where(level > 0, level, fallback)
        # A few sales a month are no scale to divide by: the long mean keeps the ratios finite.
        self.level = np.fmax(level, 0.05 * np.nan_to_num(self.means[364]))
        self.level[~(self.level > 0)] = np.nan
        self.weekday_sums = {hl: weekday_sums(clean, hl) for hl in HALF_LIVES}
        self.weekday = {hl: weighted_mean(*sums) for hl, sums in self.weekday_sums.items()}

    def _surprise(self) -> None:
        """Sales over what the three-week mean of the weekday expected a week before."""
        expected = lag(self.weekday[3.0], 7)
        level = lag(self.level, 7)
        floor = 0.05 * level
        with np.errstate(invalid="ignore", divide="ignore"):
            self.log_ratio = np.clip(np.log((self.plain + floor) / (np.fmax(expected, 0) + floor)), -3, 3)
            self.log_to_level = np.clip(np.log((self.plain + floor) / (level + floor)), -3, 3)
            both = ~np.isnan(self.clean) & ~np.isnan(expected)
            got, hoped = np.where(both, self.clean, 0.0), np.where(both, expected, 0.0)
            self.surprise, self.pooled_surprise = {}, {}
            unit = np.where(both & (level > 0), 1.0 / level, 0.0)
            all_got, all_hoped = ((x * unit).sum(axis=0)[None] for x in (got, hoped))
            got_of, hoped_of = (trailing_sums(x, (3, 7, 14, 28)) for x in (got, hoped))
            for n in (3, 7, 14, 28):
                own, hope = got_of[n], hoped_of[n]
                self.surprise[n] = np.where(hope > 0, np.clip(own / hope, 0, 5), np.nan)
                top = trailing_sum(all_got, n)[0]
                bottom = trailing_sum(all_hoped, n)[0]
                self.pooled_surprise[n] = np.where(bottom > 0, np.clip(top / bottom, 0, 5), np.nan)
            # Errors of sales grow with the root of their size: one number per series says how noisy it is.
            noise = np.where(both, (got - hoped) ** 2 / np.fmax(np.fmax(hoped, floor) * level, 1e-12), np.nan)
        noise = np.minimum(noise, 9.0)
        seen, noise = trailing_sum(~np.isnan(noise), 182), trailing_sum(noise, 182)
        self.pooled_noise = np.sqrt(_over_series(noise, seen, default=0.1))
        self.spread = np.sqrt((noise + 20 * self.pooled_noise[None] ** 2) / (seen + 20))

    def _feast_effects(self) -> None:
        """Mean log ratio of earlier occurrences of the same day of the same feast: own, pooled, and shrunk together."""
        key, shape = self.feasts.key, self.y.shape
        names = ("own", "own_level", "pooled", "pooled_level", "open")
        self.feast = {name: np.full(shape, np.nan) for name in names}
        self.feast["times"] = np.zeros(shape)
        seen = ~np.isnan(self.log_ratio)
        started = (self.at[None, :] > self.first[:, None]) & (self.at[None, :] <= self.origin[:, None])
        for k in np.unique(key[key > 0]):
            days = np.flatnonzero((key == k).any(axis=0))
            mine = key[:, days] == k
            before = np.searchsorted(days, days - SEEN_AHEAD, side="right")  # occurrences known at each occurrence
            n = _known(mine & seen[:, days], before)
            for own, pooled, values in (
                ("own", "pooled", self.log_ratio),
                ("own_level", "pooled_level", self.log_to_level),
            ):
                total = _known(np.where(mine & seen[:, days], values[:, days], 0.0), before)
                self._put(own, days, mine, np.where(n > 0, total / np.maximum(n, 1), np.nan))
                everyone = n.sum(axis=0)
                mean = np.where(everyone > 0, total.sum(axis=0) / np.maximum(everyone, 1), np.nan)
                self._put(pooled, days, mine, np.broadcast_to(mean, n.shape))
            self._put("times", days, mine, n)
            due = _known(mine & started[:, days], before)
            was = _known(mine & started[:, days] & self.recorded[:, days], before)
            all_due, all_was = due.sum(axis=0), was.sum(axis=0)
            chance = (all_was + 1.0) / (all_due + 1.0)
            self._put("open", days, mine, (was + chance) / (due + 1.0))
        times = self.feast["times"]
        sums = np.nan_to_num(self.feast["own"]) * times + np.nan_to_num(self.feast["pooled"])
        self.feast["effect"] = sums / (times + 1.0)

    def _put(self, name: str, days: np.ndarray, mine: np.ndarray, values: np.ndarray) -> None:
        self.feast[name][:, days] = np.where(mine, values, self.feast[name][:, days])

    def _opening(self) -> None:
        """Share of the last eight ordinary same weekdays on which the series sold."""
        ordinary = (~self.feasts.on) & (self.at[None, :] >= self.first[:, None]) & ~self.closed
        ordinary &= self.at[None, :] <= self.origin[:, None]
        n, m = _weeks_sum(ordinary, 8), _weeks_sum(ordinary & self.recorded, 8)
        self.open_rate = np.where(n > 0, m / np.maximum(n, 1), np.nan)
        # A closure of more than a week says nothing of the weekdays once it is over, only while it lasts.
        last = np.maximum.accumulate(np.where(self.recorded, self.at[None, :], -AWAY - 1), axis=1)
        self.away = self.at[None, :] - last
        due = ordinary & (self.away <= AWAY)
        n, m = _weeks_sum(due, 8), _weeks_sum(due & self.recorded, 8)
        self.open_rate_back = np.where(n > 0, m / np.maximum(n, 1), np.nan)

    def _telling_states(self) -> list[str]:
        """0/1 covariates that are neither rare nor permanent on the recorded days."""
        out = []
        for name, x in self.numeric.items():
            known = x[self.recorded]
            if len(known) and is_binary(known) and 0.05 < known.mean() < 0.95:
                out.append(name)
        return sorted(out)

    def _states(self, names: list[str]) -> None:
        """Same-weekday means and the uplift of the 0/1 covariates `names`."""
        self.state_names = names
        self.by_state: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.uplift: dict[str, np.ndarray] = {}
        usual = lag(weekday_ewm(self.clean, 26.0), 7)
        effect = np.zeros(self.y.shape)
        for name in names:
            x = self.numeric[name]
            on, off = np.where(x == 1, self.clean, np.nan), np.where(x == 0, self.clean, np.nan)
            a = _ratio(trailing_sum(on, 182), trailing_sum(np.where(np.isnan(on), np.nan, usual), 182))
            b = _ratio(trailing_sum(off, 182), trailing_sum(np.where(np.isnan(off), np.nan, usual), 182))
            n = trailing_sum(~np.isnan(on), 182)
            self.uplift[name] = np.nan_to_num(np.clip(np.log(a / b), -1.5, 1.5)) * n / (n + 10)
            effect += np.nan_to_num(lag(self.uplift[name], 1)) * np.nan_to_num(x)
            self.by_state[name] = (weekday_ewm(off, 8.0), weekday_ewm(on, 8.0))
        # With the uplifts known the day before taken out: what the day would have sold without them.
        self.plain = np.fmax(self.y, 0) / np.exp(effect)
        self.clean = self.clean / np.exp(effect)

    def chance_open(self, s: np.ndarray, o: np.ndarray, t: np.ndarray) -> np.ndarray:
        """[rows] how likely day `t` is sold on at all: the last eight same weekdays, on feasts their earlier years."""
        b = t - 7 * -(-(t - o) // 7)
        rate = np.where(
            self.away[s, np.maximum(o, 0)] > AWAY, take(self.open_rate, s, b), take(self.open_rate_back, s, b)
        )
        usual = np.where(np.isnan(rate), 1.0, rate)
        feast = self.feast["open"][s, t]
        return np.where(self.feasts.on[s, t] & ~np.isnan(feast), np.minimum(usual, 1.0) * feast, usual)

    def level_a_year_ago(self, s: np.ndarray, o: np.ndarray) -> np.ndarray:
        """[rows] the level 364 days before `o`; NaN without four weeks of sales before that, when it is not one."""
        return np.where(o - 392 >= self.first[s], take(self.level, s, o - 364), np.nan)

    def pooled_year(self, x: np.ndarray, o: np.ndarray, h: np.ndarray, back: int) -> np.ndarray:
        """[rows] mean over all series of `x` at `back` days before the target, over the level a year before the origin."""
        out = np.full(len(o), np.nan)
        early = 364 + 28
        if not (o >= early).any():
            return out
        first, last = int(o[o >= early].min()), int(o.max())
        origins = np.arange(first, last + 1) if len(np.unique(o)) * 2 > last - first else np.unique(o[o >= early])
        dense = len(origins) == last - first + 1
        days = slice(first - 364, last - 363) if dense else origins - 364
        then = np.where(origins[None] - early >= self.first[:, None], self.level[:, days], np.nan)
        place = np.searchsorted(origins, o)
        for ahead in np.unique(h):
            rows = np.flatnonzero((h == ahead) & (o >= early))
            days = slice(first + ahead - back, last + 1 + ahead - back) if dense else origins + ahead - back
            out[rows] = mean_over_series(np.clip(x[:, days] / then, 0, 5))[place[rows]]
        return out

    def factor(self, s: np.ndarray, o: np.ndarray, t: np.ndarray) -> np.ndarray:
        """[rows] what the 0/1 covariates of day `t` multiply sales by, as known at day `o`."""
        effect = np.zeros(len(s))
        for name in self.state_names:
            effect += self.uplift[name][s, o] * np.nan_to_num(self.numeric[name][s, t])
        return np.exp(effect)


def mean_over_series(x: np.ndarray) -> np.ndarray:
    """[days] mean over the series that have a value."""
    known = ~np.isnan(x)
    n = known.sum(axis=0)
    return np.where(n > 0, np.where(known, x, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.where((top > 0) & (bottom > 0), top / np.where(bottom > 0, bottom, 1.0), np.nan)


def _known(x: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Sum of the first `before[j]` columns, for each occurrence j."""
    total = np.concatenate([np.zeros((x.shape[0], 1)), np.cumsum(x, axis=1, dtype=np.float64)], axis=1)
    return total[:, before]


def _weeks_sum(flag: np.ndarray, weeks: int) -> np.ndarray:
    out = flag.astype(np.int8)
    for week in range(1, weeks):
        out[:, 7 * week :] += flag[:, : max(flag.shape[1] - 7 * week, 0)]
    return out


def _over_series(total: np.ndarray, n: np.ndarray, default: float) -> np.ndarray:
    """[days] mean over all series."""
    everyone = n.sum(axis=0)
    return np.where(everyone > 0, total.sum(axis=0) / np.maximum(everyone, 1), default)
