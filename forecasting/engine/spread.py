"""How sure a sum of forecasts is, on plain arrays: whoever adds up stored forecasts needs neither pandas nor LightGBM.

Errors of one series on two days, of two series on one day, of two series on two days of a week and of two series on
days of different weeks (`apart`) are correlated; the four correlations are measured on past origins (intervals.py). With
half widths w the half width of a sum is the root of

    sum w^2 + days * (pairs of one series) + series * (pairs of one day) + both * (other pairs of a week) + apart * (the rest)

which is the variance of a sum of correlated errors. The weeks of a sum are counted from its first day, so that no sum of
seven days in a row is divided. Parts and wholes agree: a sum's forecast is the sum of forecasts.
But a forecast aims at the middle of what may happen, and of skewed sales the middles add up to less than the middle of
the sum. So the interval of a sum lies around the sum of means: each forecast plus its `shift`, a share of its width.

Further ahead than errors were measured, levels drift away from what was known: a share of each w^2 is that of a drift, which
all days of a series have in common, and the series in part. The interval of a single day is what it is.
"""

from collections.abc import Mapping

import numpy as np

BOUNDS = ("lo80", "hi80", "lo95", "hi95")
BELIEVED_TOGETHER = {"series": 0.3, "days": 0.3, "both": 0.1, "shift": 0.0}  # before evidence
MEASURED = 35  # days ahead whose errors the calibration has seen
DRIFT, DRIFT_DAYS, DRIFT_SERIES = 0.1, 20, 0.8  # most of w^2; days beyond those for half of it; its correlation of two series


def spread(
    yhat: np.ndarray, bounds: Mapping[str, np.ndarray], group: np.ndarray, series: np.ndarray, day: np.ndarray,
    ahead: np.ndarray, together: Mapping[str, float],
) -> dict[str, np.ndarray]:  # fmt: skip
    """{"yhat", *BOUNDS} [groups] of the rows' sums; `group` and `series` are [rows] whole numbers from 0 on, `day` those of
    consecutive days, `ahead` how many days ahead of its origin a row is.

    Every group up to the largest number has a row. `together` has the correlations series, days, both, apart (without
    it, as models of earlier versions are: both), and `shift`.
    """
    if not len(group):
        return {name: np.zeros(0) for name in ("yhat", *BOUNDS)}
    count = int(group.max()) + 1
    day = day - day.min()
    first = np.full(count, day.max())
    np.minimum.at(first, group, day)
    week = (day - first[group]) // 7

    def added(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values, minlength=count)

    def cells(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(group of each cell, cell of each row): a group's rows of the same `part`."""
        cell, of = np.unique(group.astype(np.int64) * (int(part.max()) + 1) + part, return_inverse=True)
        return cell // (int(part.max()) + 1), of

    def squares(w: np.ndarray, cell: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return np.bincount(cell[0], np.bincount(cell[1], w) ** 2, minlength=count)

    mean = yhat + together.get("shift", 0.0) * (bounds["hi80"] - bounds["lo80"])
    middle, around = added(yhat), added(mean)
    of_series, of_day, of_week = cells(series), cells(day), cells(week)
    series_week = cells(series * (int(week.max()) + 1) + week)
    beyond = np.maximum(ahead - MEASURED, 0)
    drift = DRIFT * beyond / (beyond + DRIFT_DAYS)
    days, apart = together["days"], together.get("apart", together["both"])
    out = {"yhat": middle}
    for name in BOUNDS:
        side = 1 if name.startswith("hi") else -1
        w = np.fmax(side * (bounds[name] - mean), 0.0)
        drifted, w = w * np.sqrt(drift), w * np.sqrt(1 - drift)
        single, everything = added(w**2), added(w) ** 2
        one_series, one_day, one_week = (squares(w, cell) for cell in (of_series, of_day, of_week))
        near = one_week - squares(w, series_week) - one_day + single
        variance = (
            single
            + days * (one_series - single)
            + together["series"] * (one_day - single)
            + together["both"] * near
            + apart * (everything - one_series - one_day + single - near)
            + (1 - DRIFT_SERIES) * squares(drifted, of_series)
            + DRIFT_SERIES * added(drifted) ** 2
        )
        end = around + side * np.sqrt(np.fmax(variance, 0.0))
        out[name] = np.fmax(end, middle) if side > 0 else np.clip(end, 0.0, middle)
    return out
