"""Forecasts of sums over any series and any days, with intervals of their own.

Errors of one series on two days, of two series on one day and of two series on two days are correlated; the three
correlations are measured on past origins (intervals.py). With half widths w the half width of a sum is the root of

    sum w^2 + days * (pairs of one series) + series * (pairs of one day) + both * (all other pairs)

which is the variance of a sum of correlated errors. Parts and wholes agree: a sum's forecast is the sum of forecasts.
But a forecast aims at the middle of what may happen, and of skewed sales the middles add up to less than the middle of
the sum. So the interval of a sum lies around the sum of means: each forecast plus its `shift`, a share of its width.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

BOUNDS = ("lo80", "hi80", "lo95", "hi95")


def sums(forecasts: pd.DataFrame, groups: pd.DataFrame, together: Mapping[str, float]) -> pd.DataFrame:
    """Forecasts of the `groups` [group, series_id, days?], named as the series' forecasts are.

    `days` (default 1) is how many days in a row are summed up: 7 gives a row per week ahead, dated by its last day, and
    leaves out a last week that is not whole. `together` has the correlations series, days, both, and the shift. A group's
    cutoff is its newest member's: members that stopped earlier are forecast from there on.
    """
    groups = groups.assign(group=groups["group"].astype(str), series_id=groups["series_id"].astype(str))
    joined = forecasts.merge(groups, on="series_id")
    days = joined["days"].to_numpy() if "days" in joined else np.ones(len(joined), dtype=np.int64)
    first = forecasts["date"].min()
    joined["block"] = (joined["date"] - first).dt.days // days
    whole = (joined["block"] + 1) * days <= (forecasts["date"].max() - first).days + 1
    return total(joined[whole.to_numpy()], ["group", "block"], together).rename(columns={"group": "series_id"})


def total(forecasts: pd.DataFrame, by: list[str], together: Mapping[str, float]) -> pd.DataFrame:
    """One row per `by` of a frame [series_id, cutoff, date, h, yhat, bounds]: the sum of its forecasts, dated by the last."""
    mean = forecasts["yhat"] + together.get("shift", 0.0) * (forecasts["hi80"] - forecasts["lo80"])
    parts = forecasts.assign(mean=mean)
    out = parts.groupby(by, sort=True).agg({"cutoff": "max", "date": "max", "h": "max", "yhat": "sum", "mean": "sum"})
    for bound in BOUNDS:
        side = 1 if bound.startswith("hi") else -1
        w = parts[list(dict.fromkeys([*by, "series_id", "date"]))].assign(w=np.fmax(side * (parts[bound] - mean), 0.0))
        single = w.assign(w=w["w"] ** 2).groupby(by)["w"].sum()
        series, day = (
            w.groupby(list(dict.fromkeys([*by, part])))["w"].sum().pow(2).groupby(level=by).sum()
            for part in ("series_id", "date")
        )
        everything = w.groupby(by)["w"].sum() ** 2
        variance = (
            single
            + together["days"] * (series - single)
            + together["series"] * (day - single)
            + together["both"] * (everything - series - day + single)
        )
        half = np.sqrt(variance.clip(lower=0.0))
        end = out["mean"] + side * half
        out[bound] = np.fmax(end, out["yhat"]) if side > 0 else np.clip(end, 0.0, out["yhat"])
    return out.drop(columns="mean").reset_index().assign(rule="sum")
