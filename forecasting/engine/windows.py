"""Causal statistics over the days of [series, days] matrices: the value at a day uses that day and earlier ones only.

NaN means "no observation" and is skipped. Every function runs forwards from the first day, so that what comes later
cannot change an earlier value by a bit.
"""

from collections.abc import Iterable, Mapping

import numpy as np

AT_ONCE = 500  # series of which a walk over the days is kept near the processor


def known(x: np.ndarray) -> np.ndarray:
    """`x` with nothing where nothing is known."""
    return x if x.dtype == bool else np.where(np.isnan(x), 0.0, x)


def trailing_sum(x: np.ndarray, days: int) -> np.ndarray:
    """Sum over the last `days` days, NaN counted as nothing."""
    return trailing_sums(x, (days,))[days]


def trailing_sums(x: np.ndarray, windows: Iterable[int]) -> dict[int, np.ndarray]:
    """`trailing_sum` by length of the window, added up once for all of them."""
    total = np.cumsum(known(x), axis=1)
    out = {}
    for days in windows:
        part = np.empty_like(total)
        part[:, :days] = total[:, :days]
        np.subtract(total[:, days:], total[:, : max(total.shape[1] - days, 0)], out=part[:, days:])
        out[days] = part
    return out


def trailing_mean(x: np.ndarray, days: int, at_least: int = 1) -> np.ndarray:
    """Mean of the observations in the last `days` days; NaN with fewer than `at_least` of them."""
    return trailing_means(x, {days: at_least})[days]


def trailing_means(x: np.ndarray, windows: Mapping[int, int]) -> dict[int, np.ndarray]:
    """`trailing_mean` by length of the window; `windows` say with how many observations there is one."""
    counts, sums = trailing_sums(~np.isnan(x), windows), trailing_sums(x, windows)
    with np.errstate(invalid="ignore", divide="ignore"):
        for days, at_least in windows.items():
            np.divide(sums[days], counts[days], out=sums[days])
            sums[days][counts[days] < at_least] = np.nan
    return sums


def weekday_ewm(x: np.ndarray, half_life: float) -> np.ndarray:
    """Exponentially weighted mean of the same weekday, `half_life` in weeks; a missing week only ages the others."""
    return weighted_mean(*weekday_sums(x, half_life))


def weighted_mean(top: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A weight that has faded to nothing is no evidence any more: NaN."""
    out = top / np.maximum(weight, 1e-6)
    out[weight <= 1e-6] = np.nan
    return out


def weekday_sums(x: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of the same weekday's values and the sums of their weights, after each day."""
    rows, days = x.shape
    weeks = -(-days // 7)
    v = np.zeros((rows, weeks * 7))
    weight = np.zeros((rows, weeks * 7))
    v[:, :days], weight[:, :days] = known(x), ~np.isnan(x)
    decay = 0.5 ** (1.0 / half_life)
    for begin in range(0, rows, AT_ONCE):
        mine = slice(begin, begin + AT_ONCE)
        for week in range(7, weeks * 7, 7):
            now, before = slice(week, week + 7), slice(week - 7, week)
            v[mine, now] += v[mine, before] * decay
            weight[mine, now] += weight[mine, before] * decay
    return v[:, :days], weight[:, :days]


def lag(x: np.ndarray, days: int) -> np.ndarray:
    """The matrix `days` days earlier, NaN before the beginning."""
    out = np.empty(x.shape)
    out[:, :days] = np.nan
    if days < x.shape[1]:
        out[:, days:] = x[:, : x.shape[1] - days] if days else x
    return out


def take(x: np.ndarray, s: np.ndarray, d: np.ndarray) -> np.ndarray:
    """x[s, d] with NaN where the day lies before the first."""
    out = x[s, np.maximum(d, 0)].astype(np.float64, copy=True)
    out[d < 0] = np.nan
    return out


def weekday_median(x: np.ndarray, s: np.ndarray, d: np.ndarray, weeks: int) -> np.ndarray:
    """[rows] median of x[s] on day `d` and on the same weekday of the weeks before, `weeks` in all; NaN without a value."""
    cells, where = np.unique(s * x.shape[1] + d, return_inverse=True)
    s, d = np.divmod(cells, x.shape[1])
    values = np.sort(np.stack([take(x, s, d - 7 * k) for k in range(weeks)]), axis=0)  # NaN goes last
    n, at = (~np.isnan(values)).sum(axis=0), np.arange(len(s))
    return ((values[np.maximum(n - 1, 0) // 2, at] + values[np.minimum(n // 2, weeks - 1), at]) / 2)[where]
