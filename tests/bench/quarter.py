"""Days 29 to 92 ahead, for planning: beside the last same weekday and last year, and whether intervals hold.

    python -m tests.bench.quarter [--json]

From dates of its own, and never for a day of the referee's four weeks: how far days are forecast was chosen on these.
"""

import json
import sys
from typing import Any

import numpy as np
import pandas as pd

from forecasting.engine import Panel, build_panel, fit, predict
from forecasting.engine.groups import total
from forecasting.engine.metrics import coverage, wape
from tests.bench.public import referee

AHEAD, THEIRS = 92, 28  # days, ours and the referee's
ORIGINS = {
    "rossmann100": ("2014-05-02", "2014-07-15", "2014-11-20", "2015-02-13"),
    "favorita_transactions": ("2015-03-20", "2015-09-10", "2016-01-15", "2016-05-20"),
    "french_bakery": ("2021-09-20", "2021-11-30", "2022-01-10", "2022-02-15"),
    "yaz": ("2014-07-05", "2014-09-10", "2015-01-12", "2015-04-20"),
    "recruit_public": ("2016-05-20", "2016-07-10", "2016-08-20", "2016-12-07"),
}
BANDS = {"29-56": (29, 56), "57-92": (57, 92)}


def measure() -> dict[str, Any]:
    """{set: {band: {n, naive, last_year, wape, bias, coverage80, coverage95, sum_wape, sum_coverage80}}}, `sum_...` of what
    each series sells on all days of a band; of a set without a year of sales there is no last year."""
    made = {name: _forecasts(name) for name in ORIGINS}
    found = {name: {band: _score(frame, *ends) for band, ends in BANDS.items()} for name, frame in made.items()}
    everything = pd.concat(made.values(), ignore_index=True)
    found["all"] = {band: _pooled(everything, *ends) for band, ends in BANDS.items()}
    return found


def _forecasts(name: str) -> pd.DataFrame:
    judge = referee()
    sales, extra, days, cutoffs = judge.load(name)
    judge.H, parts = AHEAD, []  # so far its calendar is to reach
    for cutoff in pd.to_datetime(ORIGINS[name]):
        known = judge.training(sales, cutoff)
        covariates = judge.covariates(known["series_id"].unique(), known["date"].min(), cutoff, extra, days)
        panel = build_panel(known, covariates, cutoff + pd.Timedelta(days=AHEAD))
        fitted = fit(panel, cutoff, threads=2)
        out = predict(fitted, panel, cutoff, AHEAD)
        out["naive"], out["last_year"] = _naive(known, out), _last_year(panel, cutoff)
        hidden = np.zeros(len(out), dtype=bool)
        for theirs in cutoffs:
            hidden |= out["date"].between(theirs + pd.Timedelta(days=1), theirs + pd.Timedelta(days=THEIRS)).to_numpy()
        out = out[~hidden].merge(sales, on=["series_id", "date"])
        out["band"] = np.select([out["h"].between(*ends) for ends in BANDS.values()], list(BANDS), "")
        out = out[out["band"] != ""].assign(origin=cutoff)
        sums = total(out, ["series_id", "band"], fitted.calibration.together)
        parts.append(out.merge(sums, on=["series_id", "band"], suffixes=("", "_sum")))
    return pd.concat(parts, ignore_index=True)


def _naive(known: pd.DataFrame, out: pd.DataFrame) -> np.ndarray:
    """[rows] the last recorded same weekday."""
    last = known.assign(weekday=known["date"].dt.day_of_week).sort_values("date").groupby(["series_id", "weekday"])["y"].last()
    return last.reindex(pd.MultiIndex.from_arrays([out["series_id"], out["date"].dt.day_of_week])).to_numpy()


def _last_year(panel: Panel, cutoff: pd.Timestamp) -> np.ndarray:
    """[rows] 364 days before, times the level of the last four weeks over that of the same weeks a year ago."""
    end = panel.index(cutoff) + 1
    then = end - 364 + np.arange(AHEAD)
    out = np.full((len(panel.series), AHEAD), np.nan)
    if end - 364 - 28 >= 0:
        with np.errstate(invalid="ignore"):
            level, before = (pd.DataFrame(panel.y[:, at - 28 : at]).mean(axis=1).to_numpy() for at in (end, end - 364))
        out[:] = panel.y[:, then] * (level / before)[:, None]
    return out.reshape(-1)


def _score(frame: pd.DataFrame, first: int, last: int) -> dict[str, float | None]:
    out = frame[frame["h"].between(first, last)]
    told = out["last_year"].notna()
    found = {
        "n": len(out), "wape": wape(out["y"], out["yhat"]), "bias": float((out["yhat"] - out["y"]).sum() / out["y"].sum()),
        "naive": wape(out["y"], out["naive"].fillna(out["yhat"])),
        # Where last year is known, beside ours on the same days.
        "last_year": wape(out["y"][told], out["last_year"][told]) if told.any() else None,
        "wape_told": wape(out["y"][told], out["yhat"][told]) if told.any() else None,
    }  # fmt: skip
    return found | _pooled(frame, first, last)


def _pooled(frame: pd.DataFrame, first: int, last: int) -> dict[str, float]:
    """What may be added up over sets: how often intervals hold."""
    out = frame[frame["h"].between(first, last)]
    by = ["origin", "series_id"]
    sums = out.groupby(by)[["yhat_sum", "lo80_sum", "hi80_sum"]].first().assign(y=out.groupby(by)["y"].sum())
    held = {f"coverage{p}": coverage(out["y"], out[f"lo{p}"], out[f"hi{p}"]) for p in ("80", "95")}
    return held | {
        "sum_wape": wape(sums["y"], sums["yhat_sum"]), "sum_coverage80": coverage(sums["y"], sums["lo80_sum"], sums["hi80_sum"]),
    }  # fmt: skip


def main() -> None:
    np.seterr(all="ignore")
    found = measure()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    for name, bands in found.items():
        for band, row in bands.items():
            print(f"{name:22s} days {band}: " + ", ".join(f"{key} {value:.3f}" for key, value in row.items() if value is not None))


if __name__ == "__main__":
    main()
