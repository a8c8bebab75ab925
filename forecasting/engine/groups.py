"""Forecasts of groups of series: sums, with intervals between independence and all erring together."""

import numpy as np
import pandas as pd

BOUNDS = ("lo80", "hi80", "lo95", "hi95")


def sums(forecasts: pd.DataFrame, groups: pd.DataFrame, correlation: float) -> pd.DataFrame:
    """One row per (group, cutoff, date) of `groups` [group, series_id], named as the series' forecasts are.

    The half widths w of the members add up to sqrt(r (sum w)^2 + (1 - r) sum w^2), r being the `correlation` of the
    series' errors on past origins (variance of a sum of equally correlated errors). `h` is the largest of the members'.
    """
    joined = forecasts.merge(groups.astype(str), on="series_id")
    for bound in BOUNDS:
        joined[bound] = (joined[bound] - joined["yhat"]).abs()
        joined[bound + "_squared"] = joined[bound] ** 2
    by = joined.groupby(["group", "date"], sort=True)
    # A group's cutoff is its newest member's: members that stopped earlier are forecast from there on.
    out = by.agg({"cutoff": "max", "h": "max", "yhat": "sum", **dict.fromkeys(BOUNDS, "sum")})
    squared = by[[b + "_squared" for b in BOUNDS]].sum()
    for bound in BOUNDS:
        half = np.sqrt(correlation * out[bound] ** 2 + (1 - correlation) * squared[bound + "_squared"])
        out[bound] = (out["yhat"] + half) if bound.startswith("hi") else np.fmax(out["yhat"] - half, 0.0)
    return out.reset_index().rename(columns={"group": "series_id"}).assign(rule="sum")
