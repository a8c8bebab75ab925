"""Do the intervals of sums hold: over all branches and over tenths of them, by the day and by the week.

python -m tests.bench.sums
"""

import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from forecasting.engine import build_panel, fit, predict
from forecasting.engine.groups import total
from forecasting.engine.metrics import coverage, wape
from tests.bench.public import cuts

SETS = ("recruit_public", "rossmann100", "favorita_transactions")
PARTS = 10  # groups of branches


def measure() -> dict[str, Any]:
    """{set: {sum: {n, wape, coverage80, coverage95, width}}}, width over what adding up the ends would give."""
    return {name: _measure(name) for name in SETS}


def _measure(name: str) -> dict[str, Any]:
    made: dict[str, list[pd.DataFrame]] = {}
    for cutoff, sales, known, ahead in cuts(name):
        panel = build_panel(sales, known)
        fitted = fit(panel, cutoff, threads=2)
        # Days a branch was shut are in no sum, forecast or sold.
        out = predict(fitted, panel, cutoff, 28).merge(ahead, on=["series_id", "date"])
        out["branches"] = pd.factorize(out["series_id"], sort=True)[0] % PARTS
        out = out.assign(all=0, day=out["h"], week=(out["h"] - 1) // 7)
        for what, by in {
            "branch and week": ["series_id", "week"], "tenth and day": ["branches", "day"],
            "tenth and week": ["branches", "week"], "all and day": ["all", "day"], "all and week": ["all", "week"],
        }.items():  # fmt: skip
            summed = total(out, by, fitted.calibration.together).merge(out.groupby(by)["y"].sum().reset_index(), on=by)
            ends = out.groupby(by)[["lo80", "hi80"]].sum()
            made.setdefault(what, []).append(summed.assign(ends=(ends["hi80"] - ends["lo80"]).to_numpy()))
    return {what: _score(pd.concat(parts)) for what, parts in made.items()}


def _score(frame: pd.DataFrame) -> dict[str, float]:
    out = {f"coverage{p}": coverage(frame["y"], frame[f"lo{p}"], frame[f"hi{p}"]) for p in ("80", "95")}
    width = float((frame["hi80"] - frame["lo80"]).sum() / frame["ends"].sum())
    return {"n": len(frame), "wape": wape(frame["y"], frame["yhat"]), **out, "width": width}


def main() -> None:
    np.seterr(all="ignore")
    found = measure()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    for name, rows in found.items():
        for what, row in rows.items():
            print(
                f"{name:22s} {what:16s} WAPE {row['wape']:5.1%}, in the 80 % interval {row['coverage80']:.1%}, in the 95 % "
                f"{row['coverage95']:.1%} of {row['n']}; {row['width']:.2f} as wide as the sum of the ends"
            )


if __name__ == "__main__":
    main()
