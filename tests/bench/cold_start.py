"""How well a branch is forecast from its first weeks: every third restaurant cut to its last 21, 14, 7 days, or to none.

    python -m tests.bench.cold_start

Beside it the same restaurants' forecasts from their whole history, and for those without a day the median weekday of
all others.
"""

import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from forecasting.engine import build_panel, fit, predict
from forecasting.engine.metrics import coverage, wape
from tests.bench.public import cuts

SET, DAYS = "recruit_public", (21, 14, 7, 0)
MOST = {21: 1.06, 14: 1.10, 7: 1.15}


def measure() -> dict[str, Any]:
    """{days: {wape, whole, ratio, coverage80}}; without a day also `median`, that of the others' weekday median."""
    made = {days: [] for days in DAYS}
    for cutoff, sales, known, ahead in cuts(SET):
        ids = sorted(sales["series_id"].unique())
        cut = ids[::3]
        mine = sales["series_id"].isin(cut)
        ahead = ahead[ahead["series_id"].isin(cut)]
        whole = _forecast(sales, known, cutoff).rename(columns={"yhat": "whole"})[["series_id", "date", "whole"]]
        others = sales[~mine & (sales["date"] > cutoff - pd.Timedelta(days=56))]
        median = others.groupby(others["date"].dt.day_of_week)["y"].median()
        for days in DAYS:
            left = sales[~mine | (sales["date"] > cutoff - pd.Timedelta(days=days))]
            out = _forecast(left, known, cutoff).merge(ahead, on=["series_id", "date"]).merge(whole)
            made[days].append(out.assign(median=out["date"].dt.day_of_week.map(median)))
    return {str(days): _score(pd.concat(parts), days) for days, parts in made.items()}


def _forecast(sales: pd.DataFrame, known: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    panel = build_panel(sales, known)
    return predict(fit(panel, cutoff, threads=2), panel, cutoff, 28)


def _score(frame: pd.DataFrame, days: int) -> dict[str, Any]:
    y = frame["y"]
    ours, whole = wape(y, frame["yhat"]), wape(y, frame["whole"])
    out = {"wape": ours, "whole": whole, "ratio": ours / whole, "coverage80": coverage(y, frame["lo80"], frame["hi80"])}
    out["rules"] = sorted(frame["rule"].unique())
    for name, first, last in (("1_7", 1, 7), ("15_28", 15, 28)):
        part = frame[frame["h"].between(first, last)]
        out[f"width80_{name}"] = float((part["hi80"] - part["lo80"]).sum() / part["y"].sum())
    return out | ({"median": wape(y, frame["median"])} if not days else {})


def main() -> None:
    np.seterr(all="ignore")
    found = measure()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    for days, row in found.items():
        bound = (
            f"(at most {MOST[int(days)]:.2f})" if int(days) in MOST else f"(the weekday median's {row['median']:.1%})"
        )
        print(
            f"{days:>2} days known: WAPE {row['wape']:.1%}, {row['ratio']:.3f} of the whole history's {row['whole']:.1%} {bound}; "
            f"in the 80 % interval {row['coverage80']:.1%}, width {row['width80_1_7']:.2f} and {row['width80_15_28']:.2f} "
            f"of sales on days 1-7 and 15-28; {', '.join(row['rules'])}"
        )


if __name__ == "__main__":
    main()
