"""The sum of forecasts over any series and days, with an interval of its own.

Errors of two series on one day are correlated by r, those of one series on two days by a, those of two series on two
days by r a. The half widths w then add up to the square root of
r a (sum w)^2 + (1 - r) a sum_s (sum_t w)^2 + r (1 - a) sum_t (sum_s w)^2 + (1 - r)(1 - a) sum w^2
(variance of a sum). Of a single series and day that is its own interval; with r = a = 1 the sum of the ends.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

SIDES = ("lo80", "hi80", "lo95", "hi95")


@dataclass(frozen=True)
class Together:
    """How much errors have in common: `series` of two series on a day (r), `days` of a series on two days (a)."""

    series: float = 0.3
    days: float = 0.3


def totals(frame: pd.DataFrame, label: np.ndarray, together: Together) -> pd.DataFrame:
    """[group, yhat, lo80, hi80, lo95, hi95, n] of the rows [series_id, date, yhat, bounds] of each label."""
    rows = frame.assign(group=label)
    r, a = together.series, together.days
    out = rows.groupby("group")["yhat"].agg(yhat="sum", n="size")
    for side in SIDES:
        rows["w"] = (rows[side] - rows["yhat"]).abs()
        rows["square"] = rows["w"] ** 2
        whole = rows.groupby("group")["w"].sum() ** 2
        by_series = (rows.groupby(["group", "series_id"])["w"].sum() ** 2).groupby("group").sum()
        by_day = (rows.groupby(["group", "date"])["w"].sum() ** 2).groupby("group").sum()
        each = rows.groupby("group")["square"].sum()
        half = np.sqrt(r * a * whole + (1 - r) * a * by_series + r * (1 - a) * by_day + (1 - r) * (1 - a) * each)
        out[side] = (
            out["yhat"] + half if side.startswith("hi") else np.fmin(np.fmax(out["yhat"] - half, 0), out["yhat"])
        )
    return out.reset_index()


def in_common(frame: pd.DataFrame) -> Together:
    """How much the errors of a backtest [series_id, cutoff, date, y, yhat, lo80, hi80] have in common, each 0 to 1."""
    rows = frame.dropna(subset=["y", "yhat"])
    width = (rows["hi80"] - rows["lo80"]).to_numpy()
    rows = rows[width > 0]
    z = rows.assign(z=(rows["y"] - rows["yhat"]).to_numpy() / width[width > 0])
    z["z"] = z["z"].clip(-3, 3)  # one strange day is not what days have in common
    return Together(_correlation(z, ["cutoff", "date"]), _correlation(z, ["cutoff", "series_id"]))


def _correlation(z: pd.DataFrame, group: list[str]) -> float:
    """Mean product of two different errors of a group over the mean square."""
    by = z.assign(square=z["z"] ** 2).groupby(group).agg(sum=("z", "sum"), square=("square", "sum"), n=("z", "size"))
    pairs = float((by["n"] * (by["n"] - 1)).sum())
    square = float(by["square"].sum() / max(by["n"].sum(), 1))
    if not pairs or not square:
        return 0.3
    return float(np.clip((by["sum"] ** 2 - by["square"]).sum() / pairs / square, 0.0, 1.0))
