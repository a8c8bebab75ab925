"""Forecasts of sums over any series and any days, with intervals of their own (spread.py)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecasting.engine.spread import BOUNDS, spread


def sums(forecasts: pd.DataFrame, groups: pd.DataFrame, together: Mapping[str, float]) -> pd.DataFrame:
    """Forecasts of the `groups` [group, series_id, days?], named as the series' forecasts are.

    `days` (default 1) is how many days in a row are summed up: 7 gives a row per week ahead, dated by its last day, and
    leaves out a last week that is not whole. `together` has the correlations and the shift of spread.py. A group's
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
    rows = forecasts.groupby(by, sort=True)
    out = rows.agg({"cutoff": "max", "date": "max", "h": "max"})
    series, ahead = pd.factorize(forecasts["series_id"])[0], forecasts["h"].to_numpy()
    day = (forecasts["date"] - forecasts["date"].min()).dt.days.to_numpy()
    bounds = {name: forecasts[name].to_numpy() for name in BOUNDS}
    group = rows.ngroup().to_numpy()
    return out.assign(
        **spread(forecasts["yhat"].to_numpy(), bounds, group, series, day, ahead, together), rule="sum"
    ).reset_index()
