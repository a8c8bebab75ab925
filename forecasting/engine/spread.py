"""How sure a sum of forecasts is, on plain arrays: whoever adds up stored forecasts needs neither pandas nor LightGBM.

Errors of one series on two days, of two series on one day and of two series on two days are correlated; the three
correlations are measured on past origins (intervals.py). With half widths w the half width of a sum is the root of

    sum w^2 + days * (pairs of one series) + series * (pairs of one day) + both * (all other pairs)

which is the variance of a sum of correlated errors. Parts and wholes agree: a sum's forecast is the sum of forecasts.
But a forecast aims at the middle of what may happen, and of skewed sales the middles add up to less than the middle of
the sum. So the interval of a sum lies around the sum of means: each forecast plus its `shift`, a share of its width.
"""

from collections.abc import Mapping

import numpy as np

BOUNDS = ("lo80", "hi80", "lo95", "hi95")
BELIEVED_TOGETHER = {"series": 0.3, "days": 0.3, "both": 0.1, "shift": 0.0}  # before evidence


def spread(
    yhat: np.ndarray, bounds: Mapping[str, np.ndarray], group: np.ndarray, series: np.ndarray, day: np.ndarray,
    together: Mapping[str, float],
) -> dict[str, np.ndarray]:  # fmt: skip
    """{"yhat", *BOUNDS} [groups] of the rows' sums; `group`, `series` and `day` are [rows] whole numbers from 0 on.

    Every group up to the largest number has a row. `together` has the correlations series, days and both, and `shift`.
    """
    count = int(group.max()) + 1 if len(group) else 0

    def added(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values, minlength=count)

    def squares_of_parts(w: np.ndarray, part: np.ndarray) -> np.ndarray:
        cells, cell = np.unique(group.astype(np.int64) * (int(part.max()) + 1) + part, return_inverse=True)
        return np.bincount(cells // (int(part.max()) + 1), np.bincount(cell, w) ** 2, minlength=count)

    mean = yhat + together.get("shift", 0.0) * (bounds["hi80"] - bounds["lo80"])
    middle, around = added(yhat), added(mean)
    out = {"yhat": middle}
    for name in BOUNDS:
        if not count:
            out[name] = middle
            continue
        side = 1 if name.startswith("hi") else -1
        w = np.fmax(side * (bounds[name] - mean), 0.0)
        single, everything = added(w**2), added(w) ** 2
        of_series, of_day = squares_of_parts(w, series), squares_of_parts(w, day)
        variance = (
            single
            + together["days"] * (of_series - single)
            + together["series"] * (of_day - single)
            + together["both"] * (everything - of_series - of_day + single)
        )
        end = around + side * np.sqrt(np.fmax(variance, 0.0))
        out[name] = np.fmax(end, middle) if side > 0 else np.clip(end, 0.0, middle)
    return out
