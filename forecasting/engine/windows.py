"""Causal statistics over days: the value at a day uses that day and earlier ones only.

NaN means "no observation" and is skipped. Every function runs forwards from the first day, so that what comes later
cannot change an earlier value by a bit. What loops over days wants them first in memory, [days, series]: a step is then
one operation on all series.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

FADED = 1e-6  # a weight that is no evidence any more


def known(x: np.ndarray) -> np.ndarray:
    """`x` with nothing where nothing is known."""
    if x.dtype == bool:
        return x
    unknown = np.isnan(x)
    return np.where(unknown, 0.0, x) if unknown.any() else x


def running(x: np.ndarray) -> np.ndarray:
    """[..., days + 1, series] sums of all days before each day and, last, of all; `x` [..., days, series] without NaN."""
    *parts, days, series = x.shape
    out = room(parts, days, series, np.int32 if x.dtype == bool else np.float64)
    out[..., 1 : days + 1, :] = x
    return add_up(out, days)


def room(parts: Sequence[int], days: int, series: int, dtype: type = np.float64) -> np.ndarray:
    """Room for `add_up`: the values of each day go one row further down, the rest is whole weeks."""
    return np.empty((*parts, 1 + -(-days // 7) * 7, series), dtype)


def add_up(out: np.ndarray, days: int, block: int | None = None) -> np.ndarray:
    """`running` sums of what stands in a `room`, in its place; beginning anew every `block` days, if given (whole weeks)."""
    if out.ndim > 2:  # one after the other: each stays nearer to the processor
        for part in out:
            add_up(part, days, block)
        return out[..., : days + 1, :]
    rows, series = out.shape
    out[0], out[days + 1 :] = 0, 0
    # Within the weeks, then over them: rows are added to rows, which is faster than going down each column.
    by_week = out[1:].reshape(rows // 7, 7, series)
    for day in range(1, 7):
        by_week[:, day] += by_week[:, day - 1]
    for week in range(1, rows // 7):
        if not block or 7 * week % block:
            by_week[week] += by_week[week - 1, 6]
    return out[: days + 1]


def last_days(sums: np.ndarray, days: int, out: np.ndarray | None = None) -> np.ndarray:
    """[..., days, series] sums over the last `days` days, from `running` ones."""
    whole = sums[..., 1:, :]
    out = np.empty(whole.shape, whole.dtype) if out is None else out
    out[..., :days, :] = whole[..., :days, :]
    np.subtract(whole[..., days:, :], whole[..., :-days, :], out=out[..., days:, :])
    return out


def mean(sums: np.ndarray, counts: np.ndarray, at_least: int) -> np.ndarray:
    """Means of sums; NaN where fewer than `at_least` (one or more) were counted."""
    out = sums / np.maximum(counts, 1)
    out[counts < at_least] = np.nan
    return out


def trailing_sums(x: np.ndarray, windows: Iterable[int]) -> dict[int, np.ndarray]:
    """{days: sums over the last so many days} of `x` [series, days], NaN counted as nothing."""
    sums = running(known(x.T))
    return {days: last_days(sums, days).T for days in windows}


def trailing_sum(x: np.ndarray, days: int) -> np.ndarray:
    return trailing_sums(x, (days,))[days]


def trailing_means(x: np.ndarray, windows: Mapping[int, int]) -> dict[int, np.ndarray]:
    """`trailing_mean` by number of days; `windows` say with how many observations there is one."""
    sums, counts = trailing_sums(x, windows), trailing_sums(~np.isnan(x), windows)
    return {days: mean(sums[days], counts[days], at_least) for days, at_least in windows.items()}


def trailing_mean(x: np.ndarray, days: int, at_least: int = 1) -> np.ndarray:
    """Means over the last `days` days of `x` [series, days]; NaN with fewer than `at_least` observations."""
    return trailing_means(x, {days: at_least})[days]


def weekday_sums(x: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of the same weekday's values of `x` [series, days], `half_life` in weeks, and of their weights."""
    top, weight = fading(np.stack([known(x.T), ~np.isnan(x.T)]), (half_life,))[0]
    return top.T, weight.T


def weekday_ewm(x: np.ndarray, half_life: float) -> np.ndarray:
    """Exponentially weighted mean of the same weekday; a missing week only ages the others."""
    return weighted_mean(*weekday_sums(x, half_life))


def lag(x: np.ndarray, days: int) -> np.ndarray:
    """The matrix [series, days] `days` days earlier, NaN before the beginning."""
    out = np.full(x.shape, np.nan)
    out[:, days:] = x[:, : max(x.shape[1] - days, 0)]
    return out


def weighted_mean(top: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Means of weighted sums; NaN where the weight has faded to nothing."""
    out = top / np.maximum(weight, FADED)
    out[weight <= FADED] = np.nan
    return out


def fading(
    x: np.ndarray, half_lives: Sequence[float], since: int = 0, desk: "Desk | None" = None
) -> np.ndarray:
    """[half-lives, parts, days, series] weighted sums of the same weekday's values up to each day from `since` on.

    `x` is [parts, days, series], without NaN.
    """
    parts, days, series = x.shape
    weeks, first = -(-days // 7), since // 7
    decay = (0.5 ** (1.0 / np.array(half_lives))[:, None, None, None]).astype(x.dtype)
    shape = (len(half_lives), parts, weeks - first, 7, series)
    out = desk("fading", shape, x.dtype.type) if desk else np.empty(shape, x.dtype)
    state = np.zeros((len(half_lives), parts, 7, series), x.dtype)
    for week in range(weeks):
        now = x[:, 7 * week : 7 * week + 7]
        state = np.multiply(state, decay, out=out[:, :, week - first] if week >= first else state)
        state[:, :, : now.shape[1]] += now
    whole = out.reshape(len(half_lives), parts, -1, series)
    return whole[:, :, since - 7 * first : days - 7 * first]


class Desk:
    """Memory for the steps of a work that is done piece by piece: fresh pages cost more than what is done with them."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[str, type, tuple[int, ...]], np.ndarray] = {}

    def __call__(self, name: str, shape: Sequence[int], dtype: type = np.float32) -> np.ndarray:
        """Whatever the last piece left there."""
        key = (name, dtype, tuple(shape))
        if key not in self._rooms:
            self._rooms[key] = np.empty(shape, dtype)
        return self._rooms[key]


class Kept:
    """A matrix [series, days] without the days before `first`, which nobody asks for; `x[s, d]` as if it had them.

    Single precision is a hundred times finer than sales are known by, and half the memory. Sums over long times need more.
    """

    def __init__(self, series: int, days: int, first: int = 0, dtype: type = np.float32) -> None:
        self.first = first
        self.rows: np.ndarray = np.empty((days - first, series), dtype=dtype)

    def put(self, mine: slice, rows: np.ndarray) -> None:
        """The series `mine`; `rows` are [days, series], the last days of all."""
        self.rows[:, mine] = rows[len(rows) - len(self.rows) :]

    def __getitem__(self, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        s, d = at
        if self.first and d.size and d.min() < self.first:
            raise IndexError("before the days kept")
        return np.take(self.rows.reshape(-1), (d - self.first) * self.rows.shape[1] + s)

    def window(self, s: np.ndarray, last: np.ndarray, out: np.ndarray) -> None:
        """Put x[s, d] for as many days up to `last` as `out` [days, rows] has; NaN before the first."""
        begin = last + 1 - len(out)
        if self.first and begin.size and max(int(begin.min()), 0) < self.first:
            raise IndexError("before the days kept")
        flat, at = self.rows.reshape(-1), (begin - self.first) * self.rows.shape[1] + s
        for row in out:
            np.take(flat, at, out=row, mode="clip")
            at += self.rows.shape[1]
        early = np.flatnonzero(begin < 0)
        out[:, early] = np.where(begin[early] + np.arange(len(out))[:, None] < 0, np.nan, out[:, early])


class Sums(Kept):
    """Running sums that begin anew every `block` days, so that what lies long before the days kept decides no bit of them.

    Row `d` has the sum of its block's days before day `d`, row 0 nothing; `days` + 1 rows in all. No window is longer than
    a block.
    """

    def __init__(self, series: int, days: int, block: int, first: int = 0, dtype: type = np.float64) -> None:
        super().__init__(series, days + 1, first, dtype)
        self.block = block
        self.begin = max(first - 1, 0) // block * block  # the first day that counts

    def over(self, s: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """[rows] sums over the days `begin` .. `end` - 1."""
        edge = (end - 1) // self.block * self.block
        across = np.flatnonzero(edge >= begin)
        out = self[s, end] - self[s, begin]
        out[across] += self[s[across], edge[across]]
        return out


def take(x: np.ndarray | Kept, s: np.ndarray, d: np.ndarray) -> np.ndarray:
    """x[s, d] of a matrix [series, days] of floats, with NaN where the day lies before the first."""
    early = d < 0
    if not early.any():
        return x[s, d]
    out = x[s, np.maximum(d, 0)]
    out[early] = np.nan
    return out


def weekday_median(x: np.ndarray | Kept, s: np.ndarray, d: np.ndarray, weeks: int) -> np.ndarray:
    """[rows] median of x[s] on day `d` and on the same weekday of the weeks before, `weeks` in all; NaN without a value."""
    values = np.stack([take(x, s, d - 7 * week) for week in range(weeks)], axis=1)
    values.sort(axis=1)  # NaN goes last
    n, at = (~np.isnan(values)).sum(axis=1), np.arange(len(s))
    return (values[at, np.maximum(n - 1, 0) // 2] + values[at, np.minimum(n // 2, weeks - 1)]) / 2
