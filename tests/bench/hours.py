"""How well hours are forecast a week ahead, and the rest of a day from its first hours.

    python -m tests.bench.hours

Beside it the mean of the same hour on the last four same weekdays. Thirteen dates, the last weeks of each set: of five
the intervals' share was a matter of one week. Feasts are known ahead, as in the referee's sets.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.engine.backtest_file import backtest_file
from forecasting.engine.intraday import learn_mornings
from forecasting.engine.metrics import coverage, wape
from forecasting.engine.rest import rest_of_day
from tests.bench.public import hours, referee

SETS = {"french_bakery": 0.78, "maven_coffee": 0.74}  # to reach, of the mean of four
CUTOFFS, APART, AHEAD = 13, 7, 7
COUNTRY = {"french_bakery": "FR", "maven_coffee": "US"}
NOW = (10, 12, 15)


def measure() -> dict[str, Any]:
    """{set: {wape, mean4, ratio, coverage80, coverage95}} per hour."""
    return {name: _measure(hours(name), COUNTRY[name]) for name in SETS}


def _measure(frame: pd.DataFrame, country: str) -> dict[str, Any]:
    last = frame["date"].max()
    days = pd.date_range(frame["date"].min(), last)
    names = referee().special_days(country, None, pd.Series(days))
    feasts = pd.DataFrame({"date": days, "holiday_name": [names.get(day, "") for day in days]})
    cutoffs = [last - pd.Timedelta(days=AHEAD + APART * n) for n in reversed(range(CUTOFFS))]
    sold = frame[frame.groupby(["series_id", "date"])["y"].transform("sum") > 0]
    parts, rests = [], []
    with tempfile.TemporaryDirectory() as folder:
        feasts.to_csv(known_ahead := Path(folder, "feasts.csv"), index=False)
        for cutoff in cutoffs:
            known = sold[sold["date"] <= cutoff]
            known.to_csv(Path(folder, "sales.csv"), index=False)
            known.groupby(["series_id", "date"], as_index=False)["y"].sum().to_csv(
                Path(folder, "days.csv"), index=False
            )
            backtest_file(
                Path(folder, "days.csv"),
                Path(folder, "out.csv"),
                [cutoff.date()],
                covariates=known_ahead,
                horizon=AHEAD,
            )
            daily = pd.read_csv(Path(folder, "out.csv"), parse_dates=["cutoff", "date"])
            backtest_file(
                Path(folder, "sales.csv"), Path(folder, "out.csv"), [cutoff.date()],
                covariates=known_ahead, hourly=True, horizon=AHEAD,
            )  # fmt: skip
            out = pd.read_csv(Path(folder, "out.csv"), parse_dates=["cutoff", "date"])
            rests.append(_rest_of_days(out, daily, known, sold, cutoff))
            parts.append(out.merge(_mean4(known, cutoff), how="left").merge(sold, on=["series_id", "date", "hour"]))
    made = pd.concat(parts).fillna({"mean4": 0.0})
    y, ours, mean4 = made["y"], made["yhat"], made["mean4"]
    found = {"wape": wape(y, ours), "mean4": wape(y, mean4)}
    live = made[(y > 0) | (made["hi80"] > 0)]  # hours at which the shop is shut are no merit
    for share in ("80", "95"):
        found[f"coverage{share}"] = coverage(live["y"], live[f"lo{share}"], live[f"hi{share}"])
    rest = pd.concat(rests)
    for now, rows in rest.groupby("now"):
        found[f"rest_{now}"] = wape(rows["y"], rows["ours"])
        found[f"rest_{now}_unchanged"] = wape(rows["y"], rows["morning"])
    return {**found, "ratio": found["wape"] / found["mean4"], "cutoffs": [str(c.date()) for c in cutoffs]}


def _rest_of_days(
    out: pd.DataFrame, days_out: pd.DataFrame, known: pd.DataFrame, sold: pd.DataFrame, cutoff: pd.Timestamp
) -> pd.DataFrame:
    """[now, y, ours, morning] what was sold from the hour `now` on, beside the re-forecast and the morning's forecast."""
    days = out.merge(sold[["series_id", "date"]].drop_duplicates()).sort_values(["series_id", "date", "hour"])
    keys = days[["series_id", "date"]].drop_duplicates()
    hourly = days["yhat"].to_numpy().reshape(-1, 24)
    actual = days.merge(sold, on=["series_id", "date", "hour"], how="left")["y"].fillna(0).to_numpy().reshape(-1, 24)
    yhat = hourly.sum(axis=1)
    mornings = learn_mornings(known, cutoff)
    found = keys.merge(days_out, on=["series_id", "date"])
    bounds = {name: found[name].to_numpy() for name in ("lo80", "hi80", "lo95", "hi95")}
    shares = hourly / np.where(yhat > 0, yhat, 1.0)[:, None]
    parts = []
    for now in NOW:
        made, _, _ = rest_of_day(mornings, yhat, bounds, shares, actual, now)
        rest = {"y": actual, "ours": made, "morning": hourly}
        parts.append(pd.DataFrame({"now": now, **{name: x[:, now:].sum(axis=1) for name, x in rest.items()}}))
    return pd.concat(parts)


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
            f"(at most {SETS[name]}), in the 80 % interval {row['coverage80']:.1%}, {row['cutoffs'][0]} to {row['cutoffs'][-1]}"
        )
        for now in NOW:
            print(
                f"{'':16s} from {now} o'clock on: {row[f'rest_{now}']:.1%}, unchanged {row[f'rest_{now}_unchanged']:.1%}"
            )


if __name__ == "__main__":
    main()
