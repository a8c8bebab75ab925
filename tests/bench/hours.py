"""How well hours are forecast a week ahead, and the rest of a day from its first hours.

    python -m tests.bench.hours

Beside it the mean of the same hour on the last four same weekdays. Five dates over each set's last months.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.engine.backtest_file import backtest_file
from forecasting.engine.metrics import coverage, wape
from tests.bench.public import hours

SETS = {"french_bakery": 0.78, "maven_coffee": 0.74}  # to reach, of the mean of four
CUTOFFS, APART, AHEAD = 5, 21, 7


def measure() -> dict[str, Any]:
    """{set: {wape, mean4, ratio, coverage80}} per hour."""
    return {name: _measure(hours(name)) for name in SETS}


def _measure(frame: pd.DataFrame) -> dict[str, Any]:
    last = frame["date"].max()
    cutoffs = [last - pd.Timedelta(days=AHEAD + APART * n) for n in reversed(range(CUTOFFS))]
    sold = frame[frame.groupby(["series_id", "date"])["y"].transform("sum") > 0]
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for cutoff in cutoffs:
            known = sold[sold["date"] <= cutoff]
            known.to_csv(Path(folder, "sales.csv"), index=False)
            backtest_file(
                Path(folder, "sales.csv"), Path(folder, "out.csv"), [cutoff.date()], hourly=True, horizon=AHEAD
            )
            out = pd.read_csv(Path(folder, "out.csv"), parse_dates=["cutoff", "date"])
            parts.append(out.merge(_mean4(known, cutoff), how="left").merge(sold, on=["series_id", "date", "hour"]))
    made = pd.concat(parts).fillna({"mean4": 0.0})
    y, ours, mean4 = made["y"], made["yhat"], made["mean4"]
    found = {"wape": wape(y, ours), "mean4": wape(y, mean4), "coverage80": coverage(y, made["lo80"], made["hi80"])}
    return {**found, "ratio": found["wape"] / found["mean4"], "cutoffs": [str(c.date()) for c in cutoffs]}


def _mean4(known: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """[series_id, date, hour, mean4] of the week after the cutoff: the last four open same weekdays."""
    days = known[["series_id", "date"]].drop_duplicates().assign(weekday=lambda f: f["date"].dt.day_of_week)
    last = days.sort_values("date").groupby(["series_id", "weekday"]).tail(4)
    n = last.groupby(["series_id", "weekday"]).size().rename("n")
    mine = known.merge(last, on=["series_id", "date"])
    total = (
        mine.groupby(["series_id", "weekday", "hour"])["y"]
        .sum()
        .rename("total")
        .reset_index()
        .join(n, on=["series_id", "weekday"])
    )
    ahead = pd.DataFrame({"date": pd.date_range(cutoff + pd.Timedelta(days=1), periods=AHEAD)})
    out = ahead.assign(weekday=ahead["date"].dt.day_of_week).merge(total, on="weekday")
    return out.assign(mean4=out["total"] / out["n"])[["series_id", "date", "hour", "mean4"]]


def main() -> None:
    np.seterr(all="ignore")
    found = measure()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    for name, row in found.items():
        print(
            f"{name:16s} WAPE per hour {row['wape']:.1%}, {row['ratio']:.3f} of the mean of four's {row['mean4']:.1%} "
            f"(at most {SETS[name]}), in the 80 % interval {row['coverage80']:.1%}, {', '.join(row['cutoffs'])}"
        )


if __name__ == "__main__":
    main()
