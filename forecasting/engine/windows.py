"""Causal statistics over the days of [series, days] matrices: the value at a day uses that day and earlier ones only.

NaN means "no observation" and is skipped. Every function runs forwards from the first day, so that what comes later
cannot change an earlier value by a bit.
"""

import numpy as np


def trailing_sum(x: np.ndarray, days: int) -> np.ndarray:
    """Sum over the last `days` days, NaN counted as nothing."""
    total = np.cumsum(np.nan_to_num(x), axis=1)
    out = total.copy()
    out[:, days:] -= total[:, :-days]
    return out


def trailing_mean(x: np.ndarray, days: int, at_least: int = 1) -> np.ndarray:
    """Mean of the observations in the last `days` days; NaN with fewer than `at_least` of them."""
    n = trailing_sum(~np.isnan(x), days)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n >= at_least, trailing_sum(x, days) / n, np.nan)


def weekday_ewm(x: np.ndarray, half_life: float) -> np.ndarray:
    """Exponentially weighted mean of the same weekday, `half_life` in weeks; a missing week only ages the others."""
    return weighted_mean(*weekday_sums(x, half_life))


def weighted_mean(top: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A weight that has faded to nothing is no evidence any more: NaN."""
    return np.where(weight > 1e-6, top / np.maximum(weight, 1e-6), np.nan)


def weekday_sums(x: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of the same weekday's values and the sums of their weights, after each day."""
    rows, days = x.shape
    weeks = -(-days // 7)
    v = np.full((rows, weeks * 7), np.nan)
    v[:, :days] = x
    v = v.reshape(rows, weeks, 7)
    seen = ~np.isnan(v)
    v = np.where(seen, v, 0.0)
    decay = 0.5 ** (1.0 / half_life)
    weight = seen.astype(np.float64)
    for week in range(1, weeks):
        v[:, week] += v[:, week - 1] * decay
        weight[:, week] += weight[:, week - 1] * decay
    return v.reshape(rows, weeks * 7)[:, :days], weight.reshape(rows, weeks * 7)[:, :days]


def lag(x: np.ndarray, days: int) -> np.ndarray:
    """The matrix `days` days earlier, NaN before the beginning."""
    out = np.full(x.shape, np.nan)
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
