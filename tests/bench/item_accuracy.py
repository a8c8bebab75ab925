"""Forecasts by product on real sales, by rolling origins, beside what is simple and what a library does.

    python -m tests.bench.item_accuracy [ITEMS_RESULT.json]

PEER_PYTHON names a Python in which statsforecast is installed (it is no part of the product's requirements); without it
the figures of AutoETS are those it had on these very dates. The sets are those of the referee (tests/bench/public.py), none of them in the repository.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.engine import RECIPES, fit, predict
from forecasting.engine.item_levels import HORIZON, LEVELS
from forecasting.engine.item_model import forecast_items
from forecasting.engine.item_panel import ItemPanel, build_item_panel
from forecasting.engine.panel import Panel, build_panel
from tests.bench.public import referee

# Eight origins each; the one setting was chosen on those fifteen days before, whose days ahead are none of these.
ORIGINS = {
    "french_bakery": [
        "2022-03-16", "2022-04-10", "2022-05-08", "2022-05-30", "2022-07-03", "2022-08-06", "2022-09-07", "2022-09-16",
    ],
    "yaz": [
        "2014-12-15", "2015-02-07", "2015-03-25", "2015-05-10", "2015-06-13", "2015-08-20", "2015-09-17", "2015-10-15",
    ],
}  # fmt: skip
WHAT = {"french_bakery": "all articles of one bakery", "yaz": "7 dishes of one restaurant"}
COUNTRY = {"french_bakery": "FR", "yaz": "DE"}
BANDS = {"1-7": (1, 7), "8-14": (8, 14), "1-14": (1, 14)}
PEER = """
import sys, pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS, SeasonalNaive
sales = pd.read_csv(sys.argv[1], parse_dates=["ds"])
young = SeasonalNaive(season_length=7, alias="young")  # for articles that AutoETS has too few days of
made = StatsForecast([AutoETS(season_length=7)], freq="D", n_jobs=1, fallback_model=young)
made.forecast(df=sales, h=int(sys.argv[3])).fillna(0).to_csv(sys.argv[2], index=False)
"""
# What statsforecast 2's AutoETS had, by band.
RECORDED_ETS = {"french_bakery": (0.3588, 0.4440, 0.4030), "yaz": (0.2675, 0.2976, 0.2814)}
LARGE = (40, 150, 540)  # departments, products, days


def main() -> None:
    np.seterr(all="ignore")
    result = measure()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps(result, indent=1))


def measure() -> dict[str, Any]:
    """{set: {band: measures by method}}, and {"large": {"seconds", "megabytes"}}"""
    found: dict[str, Any] = {}
    for name in ORIGINS:
        whole, sold = load(name)
        rows = pd.concat([_at(name, whole, sold, pd.Timestamp(origin)) for origin in ORIGINS[name]])
        found[name] = {band: _measures(rows[rows["h"].between(*ends)]) for band, ends in BANDS.items()}
        for band, recorded in zip(BANDS, RECORDED_ETS[name], strict=True):
            if np.isnan(found[name][band]["ets"]):
                found[name][band]["ets"] = recorded
        found[name]["products"] = round(float(rows.groupby("origin")["product"].nunique().mean()))
    return found | {"large": large()}


def load(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(the shop's sales [series_id, date, y] in money or units, its products [department, product, date, y, money])"""
    if name == "yaz":
        sales, closed = referee().read("yaz_daily"), referee().read("yaz_covariates")[["date", "closed"]]
        sold = sales.merge(closed, on="date").query("closed == 0").drop(columns="closed")
        sold = sold.rename(columns={"series_id": "product"}).assign(department=name, money=np.nan)
        whole = sold.groupby("date")["y"].sum()
    else:
        lines = pd.read_csv(Path(referee().DATA) / "french_bakery_transactions.csv.gz")
        lines = lines[lines["item"].str.strip() != "."]
        lines["date"], lines["money"] = pd.to_datetime(lines["ts"].str[:10]), lines["qty"] * lines["unit_price"]
        by_day = lines.groupby(["item", "date"])[["qty", "money"]].sum().reset_index()
        sold = by_day.rename(columns={"item": "product", "qty": "y"}).assign(department=name)
        whole = sold.groupby("date")["money"].sum()
    return whole.rename("y").reset_index().assign(series_id=name), sold


def _at(name: str, whole: pd.DataFrame, sold: pd.DataFrame, origin: pd.Timestamp) -> pd.DataFrame:
    """[origin, product, h, y, ours, middle, lo80, hi80, enough70, naive, mean4, ets, place] of the days ahead that were open."""
    last = origin + pd.Timedelta(days=HORIZON)
    days = pd.date_range(whole["date"].min(), last)
    names = referee().special_days(COUNTRY[name], None, pd.Series(days))
    covariates = pd.DataFrame({"date": days, "holiday_name": [names.get(day, "") for day in days]})
    panel = build_panel(whole[whole["date"] <= origin], covariates, last)
    items = build_item_panel(panel, sold[sold["date"] <= origin])
    found = forecast_items(items, origin, money=_money(panel, origin, name))
    print(name, origin.date(), len(found.rows), found.blend.measured, file=sys.stderr, flush=True)
    ahead = panel.index(origin) + np.arange(1, HORIZON + 1)
    ets = _ets(items, found.rows, panel.index(origin))
    pieces = []
    for number, row in enumerate(found.rows):
        y, quantiles = items.y[row].astype(float), found.quantiles[number]
        weeks = [[y[t - 7 * k] for k in range(2 if t - 7 >= ahead[0] else 1, 40)] for t in ahead]
        known = [[value for value in week if not np.isnan(value)] for week in weeks]
        pieces.append(
            pd.DataFrame({
                "origin": origin, "product": items.keys[row][1], "date": panel.dates[ahead],
                "h": np.arange(1, HORIZON + 1), "ours": found.mean[number], "middle": quantiles[:, LEVELS.index(0.5)],
                "lo80": quantiles[:, LEVELS.index(0.1)], "hi80": quantiles[:, LEVELS.index(0.9)],
                "enough70": quantiles[:, LEVELS.index(0.7)], "naive": [week[0] if week else 0.0 for week in known],
                "mean4": [float(np.mean(week[:4])) if week else 0.0 for week in known], "ets": ets[number],
                "dispersion": found.dispersion[number], "whole": found.whole[number],
            })
        )  # fmt: skip
    rows = pd.concat(pieces)
    rows = rows[rows["date"].isin(set(whole["date"]))]
    rows = rows.merge(sold[["product", "date", "y"]], on=["product", "date"], how="left")
    rows = rows.assign(y=rows["y"].fillna(0).clip(lower=0))
    given = (rows[name].to_numpy() for name in ("y", "ours", "dispersion", "whole"))
    return rows.assign(place=found.blend.counts.place(*given))


def _money(panel: Panel, origin: pd.Timestamp, name: str) -> np.ndarray | None:
    """The shop's own forecast, where its sales are money."""
    if name == "yaz":
        return None
    shop = predict(fit(panel, origin, RECIPES["standard"], calibrate=False), panel, origin, HORIZON)
    return shop["yhat"].to_numpy().reshape(1, HORIZON)


def _ets(items: ItemPanel, rows: np.ndarray, last: int) -> np.ndarray:
    """[rows, horizon] AutoETS with a season of seven days; a day on which the shop was shut is zero to it."""
    out = np.full((len(rows), HORIZON), np.nan)
    python = os.environ.get("PEER_PYTHON")
    if not python:
        return out
    parts = []
    for number, row in enumerate(rows):
        y = items.y[row, : last + 1].astype(float)
        first = int(np.argmax(y > 0))
        frame = pd.DataFrame({"ds": items.whole.dates[first : last + 1], "y": np.nan_to_num(y[first:])})
        parts.append(frame.assign(unique_id=number))
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "sales.csv", Path(folder) / "forecasts.csv"
        pd.concat(parts).to_csv(given, index=False)
        subprocess.run([python, "-W", "ignore", "-c", PEER, str(given), str(made), str(HORIZON)], check=True)
        answer = pd.read_csv(made)
    for number, values in answer.groupby("unique_id")["AutoETS"]:
        out[int(number)] = np.fmax(values.to_numpy(), 0)
    return out


def _measures(rows: pd.DataFrame) -> dict[str, float]:
    y, total = rows["y"], rows["y"].sum()
    out = {name: float((rows[name] - y).abs().sum() / total) for name in ("naive", "mean4", "ets", "ours", "middle")}
    out["bias"] = float((rows["ours"] - y).sum() / total)
    often = rows["ours"] >= 5
    inside = (y >= rows["lo80"]) & (y <= rows["hi80"])
    out |= {"coverage80": float(inside.mean()), "coverage80_often": float(inside[often].mean())}
    out["places80"] = float(rows["place"].dropna().between(0.1, 0.9).mean())
    out |= {"enough70_often": float((y <= rows["enough70"])[often].mean())}
    if rows["ets"].isna().any():
        out["ets"] = float("nan")
    return {name: round(value, 4) for name, value in out.items()}


def large() -> dict[str, float]:
    """Seconds and megabytes for a chain of LARGE, invented and mostly intermittent, on one core."""
    departments, products, days = LARGE
    draw = np.random.default_rng(1)
    dates = pd.date_range("2025-01-01", periods=days)
    week = np.where(dates.day_of_week >= 5, 1.4, 1.0)
    rate = draw.lognormal(0.3, 1.3, (departments, products, 1)) * week
    y = draw.poisson(rate).astype(np.float64)
    d, p, t = np.nonzero(y)
    ids, codes = (
        np.array([f"{kind}{n:03}" for n in range(count)]) for kind, count in (("d", departments), ("p", products))
    )
    sold = pd.DataFrame(
        {"department": ids[d], "product": codes[p], "date": dates[t], "y": y[d, p, t], "money": y[d, p, t]}
    )
    whole = pd.DataFrame({
        "series_id": np.repeat(ids, days), "date": np.tile(dates, departments), "y": y.sum(axis=1).reshape(-1)
    })  # fmt: skip
    items = build_item_panel(build_panel(whole, None, dates[-1] + pd.Timedelta(days=HORIZON)), sold)
    del y, sold, rate
    begun, used = time.monotonic(), time.process_time()
    found = forecast_items(items, dates[-1])
    return {
        "series": len(found.rows),
        "seconds": round(time.monotonic() - begun, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
