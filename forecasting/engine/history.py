"""What was known at the end of each day: causal statistics of a panel, computed once for all origins."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from forecasting.engine import calendar
from forecasting.engine.panel import Panel, is_binary, units
from forecasting.engine.windows import (
    FADED,
    Desk,
    Kept,
    Sums,
    add_up,
    fading,
    known,
    mean,
    room,
    running,
    take,
    weighted_mean,
)

HALF_LIVES = (1.5, 3.0, 8.0, 26.0)  # weeks
EXPECTED, SHARED, USUAL = 3.0, 8.0, 26.0  # half-lives by which surprises, shares of the week and uplifts are told
SUMS_KEPT = (1.5, 8.0)  # half-lives of which the recursive member wants the sums, to go on with them; else means do
MEANS = (7, 14, 28, 91, 364)  # days
SURPRISES = (3, 7, 14, 28)
SEEN_AHEAD = 36  # a feast's effect at a day uses occurrences at least this many days before: past every origin
AWAY = 7  # days without a record after which a branch is closed for good or for a while
SHORT = 28  # records below which a series has no history of its own to speak of
STATE_DAYS, NOISE_DAYS, OPEN_WEEKS = 182, 182, 8
# On how many of the last weeks it sold, over those on which it was due: by both counts.
OPEN_RATES = np.array([m / n if n else np.nan for n in range(OPEN_WEEKS + 1) for m in range(OPEN_WEEKS + 1)])
# A day above so many times the highest of the four weeks before is no news of a level until another one like it comes.
MOST_JUMP, LEAST_BEFORE = 20.0, 7  # with at least so many records in those weeks
WEEK, LATELY, YEAR = 8, 90, 400  # days before an origin that its statistics look back
# The C library gives freed memory back at once, to be cleared anew for the next block, until it has freed one this big.
BIG = 30 << 20
SPAN = 91  # days of them
NOT_KEPT = np.iinfo(np.int64).min  # no place in any matrix
AT_ONCE = 512  # series of which a walk over the days is kept near the processor


class History:
    """Statistics of `panel` as of each day, blind to everything after `cutoff` (per series after `cutoffs[series]`).

    All matrices are [series, days], the days up to the cutoff; in memory the days come first. Levels and lags are
    computed on `clean`, the sales with feasts and the uplift of 0/1 covariates taken out. A single absurd day counts as not
    recorded (MOST_JUMP). Who asks for no origin before
    the day `since` is spared the memory of what only earlier ones need; no bit depends on it.
    """

    def __init__(
        self, panel: Panel, cutoff: date | str | pd.Timestamp, cutoffs: dict[str, date] | None = None,
        *, states: list[str] | None = None, since: int = 0,
    ) -> None:  # fmt: skip
        panel = panel.until(cutoff)
        self.series, self.dates = panel.series, panel.dates
        self.cutoff = panel.index(cutoff)
        own = cutoffs or {}
        self.origin = np.full(len(panel.series), self.cutoff, dtype=np.int64)
        for place, name in enumerate(panel.series) if own else ():
            if name in own:
                self.origin[place] = min(self.cutoff, panel.index(own[name]))
        np.empty(BIG, dtype=np.uint8)
        self.closed, self.numeric = panel.closed, panel.numeric
        self.feasts = calendar.feasts(panel.holiday, panel.dates)
        self._days = max(self.cutoff + 1, 1)
        self._since, self._week = since, max(since - WEEK, 0)
        self.state_names = self._telling_states(panel) if states is None else states
        self._allot(panel)
        desk = Desk()
        for begin in range(0, len(self.series), AT_ONCE):
            self._summarise(slice(begin, min(begin + AT_ONCE, len(self.series))), desk)
        self._pool()
        self._feast_effects()

    def _allot(self, panel: Panel) -> None:
        def kept(back: int, dtype: type = np.float32, more: int = 0) -> Kept:
            return Kept(len(self.series), self._days + more, max(self._since - back, 0), dtype)

        def sums(back: int, dtype: type) -> Sums:
            return Sums(len(self.series), self._days, NOISE_DAYS, max(self._since - back, 0), dtype)

        self.y = panel.y[:, : self._days]
        if (self.origin < self._days - 1).any():
            self.y = np.where(np.arange(self._days) > self.origin[:, None], np.nan, self.y)
        self.unit = units(self.y, panel.currency)
        if (self.unit != 1).any():
            self.y = self.y / self.unit[:, None]
        self.y = _believed(self.y)
        self.recorded = ~np.isnan(self.y)
        self.clean = Kept(len(self.series), self._days)
        self.first = np.where(self.recorded.any(axis=1), self.recorded.argmax(axis=1), len(self.dates))
        self.plain, self.level = kept(LATELY), kept(YEAR)
        self.records, self.away = kept(LATELY, np.int16), kept(LATELY, np.int16)
        self.open_rate, self.open_rate_back = kept(WEEK, np.int8), kept(WEEK, np.int8)  # places in OPEN_RATES
        self.weekday_sums = {hl: (kept(WEEK), kept(WEEK)) for hl in SUMS_KEPT}
        self.weekday_means = {hl: kept(WEEK) for hl in HALF_LIVES if hl not in SUMS_KEPT}
        self.by_state = {name: (kept(WEEK), kept(WEEK)) for name in self.state_names}  # without it, with it
        self.uplift = {name: kept(WEEK) for name in self.state_names}
        # Sums of all days before each, so that a window is a difference.
        self._sums, self._counts = kept(YEAR, np.float64, more=1), kept(YEAR, np.int16, more=1)
        self._got, self._hoped = (sums(max(SURPRISES), np.float64) for _ in range(2))
        self._noise, self._noises = (sums(NOISE_DAYS, np.float32) for _ in range(2))
        self.pooled_weekday = np.zeros((2, self._days))  # sums of shares and their number, then their mean
        self._everyone = np.zeros((4, self._days))  # got, hoped, noise and its number
        # Logs of sales over what was expected and over the level are of interest on feasts only.
        self._feast_days = np.flatnonzero((self.feasts.keys > 0).any(axis=0))
        past = int((self._feast_days < self._days).sum())
        # The days whose level is asked for: those before feasts, and all from the oldest of the rest on.
        oldest, then = min(self.level.first, max(self._noise.begin - 7, 0)), self._feast_days[:past] - 7
        self._levels_of: list[np.ndarray | slice] = [then[(then >= 0) & (then < oldest)], *_spans(self._days, oldest)]
        self._log_ratio, self._log_to_level = (np.empty((past, len(self.series)), np.float32) for _ in range(2))

    def _summarise(self, mine: slice, desk: Desk) -> None:
        """Everything about the series `mine` that needs no other."""
        days, series = shape = self._days, mine.stop - mine.start
        both = desk("both", (2, *shape))  # the clean sales, 0 where there are none, and where there are
        value, there = both
        value[:] = self.y[mine].T
        seen = np.isnan(value, out=desk("seen", shape, bool))
        np.putmask(value, seen, 0.0)
        np.logical_not(seen, out=seen)
        flag = np.greater(seen, self.feasts.on[mine, :days].T, out=desk("flag", shape, bool))
        there[:] = flag
        counts = desk("counts", room((), days, series).shape, np.int16)
        counts[1 : days + 1] = flag
        counts = add_up(counts, days)
        since = self.records.first
        before = np.count_nonzero(self.recorded[mine, :since], axis=1)
        self.records.put(mine, running(seen[since:])[1:] + before)
        self._opening(mine, seen)

        plain = np.maximum(value, 0.0, out=desk("plain", shape))
        value *= there
        if self.state_names:
            effect = self._states(mine, both, desk)
            np.exp(np.negative(effect, out=effect), out=effect)
            value *= effect
            plain *= effect
        self.plain.put(mine, plain)
        clean = desk("clean", shape)
        clean[:] = value
        np.putmask(clean, np.logical_not(flag, out=seen), np.nan)
        self.clean.put(mine, clean)

        sums = desk("sums", room((), days, series).shape, np.float64)
        sums[1 : days + 1] = value
        sums = add_up(sums, days)
        self._sums.put(mine, sums)
        self._counts.put(mine, counts)
        level = _level(self.y[mine], sums, counts, self._levels_of, desk)
        scale = level[self.level.first :]
        self.level.put(mine, np.where(scale > 0, scale, np.nan))
        others = [hl for hl in HALF_LIVES if hl != EXPECTED]
        week = self._week
        rest = fading(both, others, week, desk)
        for hl, pair in zip(others, rest, strict=True):
            self._keep_weekdays(mine, hl, pair)
        self._shares(weighted_mean(*rest[others.index(SHARED)]), level)
        expected = fading(both, [EXPECTED], 0, desk)[0]
        self._keep_weekdays(mine, EXPECTED, expected[:, week:])
        self._surprise(mine, value, flag, plain, expected, level, desk)

    def _keep_weekdays(self, mine: slice, half_life: float, sums: np.ndarray) -> None:
        if half_life in SUMS_KEPT:
            for whole, part in zip(self.weekday_sums[half_life], sums, strict=True):
                whole.put(mine, part)
        else:
            self.weekday_means[half_life].put(mine, weighted_mean(*sums))

    def _shares(self, weekday: np.ndarray, level: np.ndarray) -> None:
        before = np.zeros(weekday.shape, weekday.dtype)
        lagged = level[max(self._week - 7, 0) : max(len(level) - 7, 0)]
        before[len(before) - len(lagged) :] = lagged
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.clip(weekday / before, 0, 5)
        share[~(before > 0)] = np.nan
        self.pooled_weekday[0, self._week :] += known(share).sum(axis=1)
        self.pooled_weekday[1, self._week :] += (~np.isnan(share)).sum(axis=1)

    def _surprise(
        self, mine: slice, value: np.ndarray, flag: np.ndarray, plain: np.ndarray, expected: np.ndarray,
        level: np.ndarray, desk: Desk,
    ) -> None:  # fmt: skip
        """Sales over what the weekday's mean, from its sums `expected`, expected a week before."""
        (top, weight), days = expected, self._days
        feasts = self._feast_days[: len(self._log_ratio)]
        late, then = (feasts >= 7)[:, None], np.maximum(feasts - 7, 0)
        usual = np.where(late & (weight[then] > FADED), top[then] / np.maximum(weight[then], FADED), 0.0)
        before = np.where(late, level[then], 0.0)
        floor = 0.05 * np.where(before > 0, before, np.nan)
        sold = plain[feasts] + floor
        self._log_ratio[:, mine] = np.clip(np.log(sold / (np.maximum(usual, 0) + floor)), -3, 3)
        self._log_to_level[:, mine] = np.clip(np.log(sold / (before + floor)), -3, 3)

        begin, shape = self._noise.begin, (2, *room((), days - self._noise.begin, value.shape[1]).shape)
        sales, errors = desk("sales", shape, np.float64), desk("errors", shape)
        sales[:, :8], errors[:, :8] = 0.0, 0.0
        for now in _spans(days, max(begin, 7)):
            ago, here = _week_before(now), slice(now.start + 1 - begin, now.stop + 1 - begin)
            noise, scaled = errors[:, here]
            before, both = level[ago], flag[now] & (weight[ago] > FADED)
            got, hoped, step, unit = desk("four", (4, *before.shape))
            np.divide(top[ago], np.maximum(weight[ago], FADED, out=hoped), out=hoped)
            hoped *= both
            np.multiply(value[now], both, out=got)
            both &= before > 0
            scaled[:] = both
            # Errors of sales grow with the root of their size: one number per series says how noisy it is.
            np.maximum(hoped, np.multiply(0.05, before, out=step), out=step)
            step *= before
            np.maximum(step, 1e-12, out=step)
            np.subtract(got, hoped, out=noise)
            noise *= noise
            noise /= step
            np.minimum(noise, 9.0, out=noise)
            noise *= scaled
            np.divide(scaled, np.maximum(before, 1e-12, out=unit), out=unit)
            for row, x in enumerate((got, hoped)):
                sales[row, here] = x
                self._everyone[row, now] += np.multiply(x, unit, out=step).sum(axis=1)
            for row, x in enumerate((noise, scaled), 2):
                self._everyone[row, now] += x.sum(axis=1)
        for sums, rows in zip((self._got, self._hoped, self._noise, self._noises), (*sales, *errors), strict=True):
            sums.put(mine, add_up(rows, days - begin, sums.block))

    def _opening(self, mine: slice, seen: np.ndarray) -> None:
        """Share of the last eight ordinary same weekdays on which the series sold."""
        first, since = max(self._week - 7 * OPEN_WEEKS, 0), self.away.first
        since = min(first, since)
        some, at = slice(first, self._days), np.arange(since, self._days, dtype=np.int32)[:, None]
        last = np.where(seen[since:], at, np.int32(-AWAY - 1))
        if since:
            older = self.recorded[mine, :since][:, ::-1]
            last[0] = np.maximum(last[0], np.where(older.any(axis=1), since - 1 - older.argmax(axis=1), -AWAY - 1))
        for newer, old in zip(last[1:], last, strict=False):
            np.maximum(newer, old, out=newer)
        away = at - last
        self.away.put(mine, away)
        away, at = away[first - since :], at[first - since :]
        seen = seen[some]
        ordinary = ~self.feasts.on[mine, some].T & ~self.closed[mine, some].T
        ordinary &= (at >= self.first[None, mine]) & (at <= self.origin[None, mine])
        # A closure of more than a week says nothing of the weekdays once it is over, only while it lasts.
        for rate, due in ((self.open_rate, ordinary), (self.open_rate_back, ordinary & (away <= AWAY))):
            n, m = (_weeks_sum(flag, OPEN_WEEKS)[self._week - first :] for flag in (due, due & seen))
            rate.put(mine, n * (OPEN_WEEKS + 1) + m)

    def _states(self, mine: slice, both: np.ndarray, desk: Desk) -> np.ndarray:
        """[days, series] the log uplift by the 0/1 covariates, as known the day before."""
        (value, there), days = both, self._days
        shape = value.shape
        x, effect, uplift = (desk(name, shape) for name in ("state", "effect", "uplift"))
        told = desk("told", (3, *shape))  # the days with sales, what was sold on them, what was usual
        told[0], told[1] = there, value
        top, weight = fading(both, [USUAL], 0, desk)[0]
        told[2, :7] = 0.0
        for now in _spans(days, 7):
            ago, usual = _week_before(now), told[2, now]
            np.divide(top[ago], np.maximum(weight[ago], FADED, out=usual), out=usual)
            usual *= weight[ago] > FADED
            usual *= there[now]
        effect[:] = 0.0
        whole = desk("parts", room((6,), *shape).shape)  # the same of the days without the covariate and with it
        parts = whole[:, 1 : days + 1]
        for name in self.state_names:
            x[:] = self.numeric[name][mine, :days].T
            for now in _spans(days):
                on = desk("one", x[now].shape)
                for state in (0, 1):
                    on[:] = x[now] == state
                    np.multiply(told[:, now], on, out=parts[state::2, now])
            weekday = fading(parts[:4], [SHARED], self._week, desk)[0]
            for state, found in enumerate(self.by_state[name]):
                found.put(mine, weighted_mean(weekday[2 + state], weekday[state]))
            sums, x = add_up(whole[1:], days), known(x)
            for now in _spans(days):
                step, over = desk("two", (2, *x[now].shape))
                n, off, on, hoped_off, hoped_on = _last(sums, STATE_DAYS, now, desk)
                least = np.minimum(off, on, out=step)
                np.minimum(least, np.minimum(hoped_off, hoped_on, out=over), out=least)
                poor = ~(least > 0)
                np.multiply(on, hoped_off, out=step)
                np.multiply(off, hoped_on, out=over)
                np.putmask(step, poor, 1.0)
                np.putmask(over, poor, 1.0)
                step /= over
                np.log(step, out=step)
                np.clip(step, -1.5, 1.5, out=step)
                np.divide(n, np.add(n, 10, out=over), out=over)
                np.multiply(step, over, out=uplift[now])
                tomorrow = slice(now.start + 1, min(now.stop + 1, days))
                effect[tomorrow] += uplift[now][: tomorrow.stop - tomorrow.start] * x[tomorrow]
            self.uplift[name].put(mine, uplift)
        return effect

    def _pool(self) -> None:
        shares, n = self.pooled_weekday
        self.pooled_weekday = np.where(n > 0, shares / np.maximum(n, 1), np.nan)
        got, hoped, noise, noises = self._everyone
        self.pooled_surprise = {}
        for days in SURPRISES:
            top, bottom = _each_last(got, days), _each_last(hoped, days)
            ratio = np.clip(top / np.where(bottom > 0, bottom, 1.0), 0, 5)
            self.pooled_surprise[days] = np.where(bottom > 0, ratio, np.nan)
        noise, noises = _each_last(noise, NOISE_DAYS), _each_last(noises, NOISE_DAYS)
        self.pooled_noise = np.sqrt(np.where(noises > 0, noise / np.maximum(noises, 1), 0.1))
        for by_day in (*self.pooled_surprise.values(), self.pooled_noise):
            by_day[: self._since] = np.nan  # not all of the days before have been counted
        self._pooled_years: dict[bool, np.ndarray] = {}

    def _feast_effects(self) -> None:
        """Mean log ratio of earlier occurrences of the same day of the same feast: own, pooled, and shrunk together.

        Matrices are [feast days and one that stands for all other days, series], without the days before `since`.
        """
        asked = self._feast_days[self._feast_days >= self._since]
        shape = (len(asked) + 1, len(self.series))
        self._feast_place = np.full(len(self.dates), len(asked))
        self._feast_place[self._feast_days] = NOT_KEPT
        self._feast_place[asked] = np.arange(len(asked))
        names = ("own", "own_level", "pooled", "pooled_level", "open")
        self._feast = {name: np.full(shape, np.nan, np.float32) for name in names}
        self._feast["times"] = np.zeros(shape, np.float32)
        logs = {"own": self._log_ratio, "own_level": self._log_to_level}
        for key in np.unique(self.feasts.keys[:, asked]):
            if not key:
                continue
            at, mine = self.feasts.of(key)  # days, and whose they are
            new = np.searchsorted(at, self._since)
            rows, whose = self._feast_place[at[new:]], mine[new:]
            # Occurrences known at each occurrence.
            before = np.searchsorted(at, np.minimum(at[new:] - SEEN_AHEAD, self._days - 1), side="right")
            at, mine = at[: before.max()], mine[: before.max()]
            past = np.searchsorted(self._feast_days, at)
            known_by = mine & ~np.isnan(self._log_ratio[past])
            n = _first_sums(known_by, before)
            for own, values in logs.items():
                total = _first_sums(np.where(known_by, values[past], 0.0), before)
                self._put(own, rows, whose, np.where(n > 0, total / np.maximum(n, 1), np.nan))
                everyone = n.sum(axis=1, keepdims=True)
                pooled = np.where(everyone > 0, total.sum(axis=1, keepdims=True) / np.maximum(everyone, 1), np.nan)
                self._put(own.replace("own", "pooled"), rows, whose, pooled)
            self._put("times", rows, whose, n)
            started = mine & (at[:, None] > self.first) & (at[:, None] <= self.origin)
            due = _first_sums(started, before)
            was = _first_sums(started & self.recorded[:, at].T, before)
            chance = (was.sum(axis=1, keepdims=True) + 1.0) / (due.sum(axis=1, keepdims=True) + 1.0)
            self._put("open", rows, whose, (was + chance) / (due + 1.0))
        times = self._feast["times"]
        sums = known(self._feast["own"]) * times + known(self._feast["pooled"])
        self._feast["effect"] = sums / (times + 1.0)

    def _put(self, name: str, rows: np.ndarray, mine: np.ndarray, values: np.ndarray) -> None:
        self._feast[name][rows] = np.where(mine, values, self._feast[name][rows])

    def feast(self, name: str, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """[rows] what feasts did before day `t`: own, own_level, pooled, pooled_level, open, times, effect.

        NaN on days beside no feast, times and effect 0.
        """
        place = self._feast_place[t]
        out = np.full(len(t), self._feast[name][-1, 0])
        rows = np.flatnonzero(place < len(self._feast[name]) - 1)
        out[rows] = self._feast[name][place[rows], s[rows]]
        return out

    def pooled_feast(self, t: np.ndarray) -> np.ndarray:
        """[rows] mean over the series of what the feast of day `t` did to all; 0 where nothing is known."""
        pooled = self._feast["pooled"]
        n = (~np.isnan(pooled)).sum(axis=1)
        mean = known(pooled).sum(axis=1) / np.maximum(n, 1)
        return mean[self._feast_place[t]]

    def mean(self, s: np.ndarray, d: np.ndarray, days: int) -> np.ndarray:
        """[rows] mean of the clean sales of the last `days` days up to `d`; NaN with too few of them."""
        return self._window(s, d, days, min(7, days // 3 + 1))

    def week(self, s: np.ndarray, d: np.ndarray) -> np.ndarray:
        return self._window(s, d, 7, 3)

    def _window(self, s: np.ndarray, d: np.ndarray, days: int, at_least: int) -> np.ndarray:
        end, begin = np.maximum(d + 1, 0), np.maximum(d + 1 - days, 0)
        return mean(self._sums[s, end] - self._sums[s, begin], self._counts[s, end] - self._counts[s, begin], at_least)

    def weekday(self, s: np.ndarray, d: np.ndarray, half_life: float) -> np.ndarray:
        """[rows] exponentially weighted mean of the weekday of `d` up to that day; NaN before the first."""
        if half_life in self.weekday_means:
            return take(self.weekday_means[half_life], s, d)
        top, weight = (x[s, np.maximum(d, 0)] for x in self.weekday_sums[half_life])
        weight[d < 0] = 0.0
        return weighted_mean(top, weight)

    def surprise(self, s: np.ndarray, o: np.ndarray, days: int) -> np.ndarray:
        """[rows] sales of the last days over what was expected of them a week before."""
        own, hope = (x.over(s, np.maximum(o + 1 - days, 0), o + 1) for x in (self._got, self._hoped))
        return np.where(hope > 0, np.clip(own / np.where(hope > 0, hope, 1.0), 0, 5), np.nan)

    def spread(self, s: np.ndarray, o: np.ndarray) -> np.ndarray:
        """[rows] what sales usually scatter by, in roots of level x expectation."""
        noise, seen = (x.over(s, np.maximum(o + 1 - NOISE_DAYS, 0), o + 1) for x in (self._noise, self._noises))
        return np.sqrt((noise + 20 * self.pooled_noise[o] ** 2) / (seen + 20))

    def _telling_states(self, panel: Panel) -> list[str]:
        """0/1 covariates that are neither rare nor permanent on the recorded days."""
        known_days = np.arange(self._days)[None] <= self.origin[:, None]
        recorded, out = ~np.isnan(panel.y[:, : self._days]) & known_days, []
        for name, x in self.numeric.items():
            found = x[:, : self._days][recorded]
            if len(found) and is_binary(found) and 0.05 < found.mean() < 0.95:
                out.append(name)
        return sorted(out)

    def rate(self, kept: Kept, s: np.ndarray, d: np.ndarray) -> np.ndarray:
        """[rows] the `open_rate`s of the weekday of `d` up to that day; NaN where it was never due."""
        out = OPEN_RATES[kept[s, np.maximum(d, 0)]]
        out[d < 0] = np.nan
        return out

    def chance_open(self, s: np.ndarray, o: np.ndarray, t: np.ndarray) -> np.ndarray:
        """[rows] how likely day `t` is sold on at all: the last eight same weekdays, on feasts their earlier years."""
        b = t - 7 * -(-(t - o) // 7)
        rate = np.where(
            self.away[s, np.maximum(o, 0)] > AWAY, self.rate(self.open_rate, s, b), self.rate(self.open_rate_back, s, b)
        )
        usual = np.where(np.isnan(rate), 1.0, rate)
        feast = self.feast("open", s, t)
        return np.where(self.feasts.on[s, t] & ~np.isnan(feast), np.minimum(usual, 1.0) * feast, usual)

    def level_a_year_ago(self, s: np.ndarray, o: np.ndarray) -> np.ndarray:
        """[rows] the level 364 days before `o`; NaN without four weeks of sales before that, when it is not one."""
        return np.where(o - 392 >= self.first[s], take(self.level, s, o - 364), np.nan)

    def pooled_year(self, o: np.ndarray, h: np.ndarray, *, weeks: bool) -> np.ndarray:
        """[rows] mean over all series of a year before the target, over the level a year before the origin.

        `weeks`: the week around the same weekday then, else that day itself.
        """
        out = np.full(len(o), np.nan)
        late = np.flatnonzero(o >= 364 + 28)
        if len(late):
            out[late] = self._pooled_year(o[late], int(h.max()), weeks)[o[late], h[late] - 1]
        return out

    def _pooled_year(self, o: np.ndarray, most: int, weeks: bool) -> np.ndarray:
        """[days, horizons] of `pooled_year`; of the days `o`, and who was asked for before, up to `most` at least."""
        table = self._pooled_years.get(weeks)
        if table is None or table.shape[1] < most:
            table = self._pooled_years[weeks] = np.full((self._days, most), np.nan)
        most = table.shape[1]
        asked = np.zeros(self._days, dtype=bool)
        asked[o] = True
        new = np.flatnonzero(asked & np.isnan(table).all(axis=1))
        if not len(new):
            return table
        lowest, end = int(new[0]) + 1 - 364, int(new[-1]) + most + 1 - 364
        if weeks:  # the week around the day
            last, before = (slice(lowest + n - self._sums.first, end + n - self._sums.first) for n in (4, -3))
            sums, counts = (kept.rows[last] - kept.rows[before] for kept in (self._sums, self._counts))
            x = mean(sums, counts, 3)
        else:
            x = self.clean.rows[lowest:end]
        seen = (~np.isnan(x)).astype(np.float64)
        x = np.fmax(x, 0.0)
        everyone, ratio = np.arange(len(self.series)), np.empty((most, len(self.series)))
        for day in new:
            then = self.level_a_year_ago(everyone, np.full(len(everyone), day))
            there = ~np.isnan(then)
            rows = slice(day + 1 - 364 - lowest, day + 1 - 364 - lowest + most)
            np.divide(x[rows], np.where(there, then, np.inf), out=ratio)
            np.minimum(ratio, 5.0, out=ratio)
            n = np.einsum("ds,s->d", seen[rows], there.astype(np.float64))
            table[day] = np.where(n > 0, ratio.sum(axis=1) / np.maximum(n, 1), np.nan)
        return table

    def forecastable(self, least: int) -> np.ndarray:
        """[series, days] whether a day has a level and `least` records up to it."""
        return np.ascontiguousarray(((self.records.rows >= least) & (self.level.rows > 0)).T)

    def factor(self, s: np.ndarray, o: np.ndarray, t: np.ndarray) -> np.ndarray:
        """[rows] what the 0/1 covariates of day `t` multiply sales by, as known at day `o`."""
        effect = np.zeros(len(s))
        for name in self.state_names:
            effect += self.uplift[name][s, o] * known(self.numeric[name][s, t])
        return np.exp(effect)


def _level(y: np.ndarray, sums: np.ndarray, counts: np.ndarray, of: list[np.ndarray | slice], desk: Desk) -> np.ndarray:
    """[days, series] mean of the last four weeks, or of longer where they say nothing; 0 if nothing does. Only of days `of`."""
    level, year = desk("levels", (2, y.shape[1], len(y)))
    asked = desk("asked", level.shape, bool)
    asked[:] = False
    for now in of:
        asked[now] = True
        for out, days in ((level, 28), (year, 364)):
            out[now] = _mean_or_zero(_last(sums, days, now, desk), _last(counts, days, now, desk), 7)
    flat = level.reshape(-1)
    for days, at_least in ((91, 7), (364, 7), (364, 1)):
        unknown = np.flatnonzero(asked & ~(level > 0))
        d, s = np.divmod(unknown, len(y))
        if at_least == 1 and len(d):  # feasts, if there is nothing else
            some = y[:, : int(d.max()) + 1].T
            sums, counts = running(known(some)), running(~np.isnan(some))
        end, begin = d + 1, np.maximum(d + 1 - days, 0)
        flat[unknown] = _mean_or_zero(sums[end, s] - sums[begin, s], counts[end, s] - counts[begin, s], at_least)
    # A few sales a month are no scale to divide by: the long mean keeps the ratios finite.
    for now in of:
        level[now] = np.maximum(np.maximum(level[now], 0.05 * year[now]), 0.0)
    return level


def _believed(y: np.ndarray) -> np.ndarray:
    """`y` [series, days] with single absurd days unknown; each is judged by the days before it alone."""
    highest = y.copy()  # of the 28 days up to each
    for days in (1, 2, 4, 8, 12):
        highest[:, days:] = np.fmax(highest[:, days:], highest[:, :-days])
    before = highest[:, :-1]
    s, d = np.nonzero((y[:, 1:] > MOST_JUMP * before) & (before > 0))
    if not len(s):
        return y
    records = running(~np.isnan(y.T))
    known_well = records[d + 1, s] - records[np.maximum(d + 1 - 28, 0), s] >= LEAST_BEFORE
    out = y.copy()
    out[s[known_well], d[known_well] + 1] = np.nan
    return out


def _spans(days: int, since: int = 0) -> list[slice]:
    """The days from `since` on, in spans that stay near the processor. None has days of the first week and of later ones."""
    cuts = [since, *(cut for cut in (7, *range(SPAN, days, SPAN)) if since < cut < days), days]
    return [slice(begin, end) for begin, end in pairwise(cuts) if begin < end]


def _week_before(days: slice) -> slice:
    return slice(days.start - 7, days.stop - 7)


def _last(sums: np.ndarray, days: int, now: np.ndarray | slice, desk: Desk) -> np.ndarray:
    """`last_days` of the days `now` alone."""
    if not isinstance(now, slice):
        return sums[now + 1] - sums[np.maximum(now + 1 - days, 0)]
    whole = sums[..., 1:, :]
    here = whole[..., now, :]
    out = desk("last", here.shape, here.dtype.type)
    early = min(max(days - now.start, 0), here.shape[-2])
    out[..., :early, :] = here[..., :early, :]
    then = whole[..., now.start + early - days : max(now.stop - days, 0), :]
    np.subtract(here[..., early:, :], then, out=out[..., early:, :])
    return out


def _each_last(x: np.ndarray, days: int) -> np.ndarray:
    """[days] sums of the last `days` of `x` [days], each on its own."""
    return np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(days - 1), x]), days).sum(axis=1)


def _mean_or_zero(sums: np.ndarray, counts: np.ndarray, at_least: int) -> np.ndarray:
    sums /= np.maximum(counts, 1)
    sums *= counts >= at_least
    return sums


def mean_over_series(x: np.ndarray) -> np.ndarray:
    """[days] mean of `x` [days, series] over the series that have a value."""
    seen = ~np.isnan(x)
    n = seen.sum(axis=1)
    return np.where(n > 0, np.where(seen, x, 0.0).sum(axis=1) / np.maximum(n, 1), np.nan)


def _first_sums(x: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Sum of the first `before[j]` rows, for each occurrence j."""
    return running(x.astype(np.float64))[before]


def _weeks_sum(flag: np.ndarray, weeks: int) -> np.ndarray:
    """[days, series] on how many of the last `weeks` same weekdays the flag is set."""
    out = flag.astype(np.int8)
    for week in range(1, weeks):
        out[7 * week :] += flag[: max(len(flag) - 7 * week, 0)]
    return out
