"""`manage.py backtest`: forecasts from files, by the engine that serves. Plain CSV in, plain CSV out."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.engine.api import Progress, fit, predict, quiet
from forecasting.engine.errors import EngineError
from forecasting.engine.groups import sums
from forecasting.engine.hour_model import hour_misses, hour_shares, hour_unit, train_hours
from forecasting.engine.panel import build_panel
from forecasting.engine.recipe import Recipe

OUT = ["series_id", "cutoff", "date", "yhat", "lo80", "hi80", "lo95", "hi95"]
BOUNDS = OUT[3:]


def backtest_file(
    sales: Path | str, out: Path | str, cutoffs: Sequence[date | str], *, covariates: Path | str | None = None,
    groups: Path | str | None = None, hourly: bool = False, horizon: int = 28, recipe: Recipe | None = None,
    seed: int = 7, threads: int = 2, progress: Progress | None = None,
) -> int:  # fmt: skip
    """Forecast `horizon` days from each cutoff and write `out`; returns the number of rows.

    Each cutoff has a fit of its own that sees no sales after it. Raises EngineError (bad_file, missing_column,
    bad_hour, duplicate_rows, ...) with the file's name.
    """
    if not cutoffs:
        raise EngineError("no_origins")
    raw = _read(sales, ["series_id", "date", "hour", "y"] if hourly else ["series_id", "date", "y"])
    daily = raw.groupby(["series_id", "date"], as_index=False)["y"].sum() if hourly else raw
    known = _read(covariates, ["date"]) if covariates else None
    members = _groups(groups, hourly) if groups else None
    ends = sorted(pd.Timestamp(c) for c in cutoffs)
    panel = build_panel(daily, known, ends[-1] + pd.Timedelta(days=horizon))
    tell, parts = progress or quiet, []
    for n, cutoff in enumerate(ends):
        tell(n / len(ends), str(cutoff.date()))
        fitted = fit(panel, cutoff, recipe, seed=seed, threads=threads, lasting=False)
        part = predict(fitted, panel, cutoff, horizon)
        if members is not None:
            part = pd.concat([part, sums(part, members, fitted.calibration.together)], ignore_index=True)
        parts.append(_by_hour(part, raw, members, cutoff, seed) if hourly else part)
    result = pd.concat(parts, ignore_index=True)
    columns = [*OUT[:3], "hour", *BOUNDS] if hourly else OUT
    result[columns].round(dict.fromkeys(BOUNDS, 6)).to_csv(out, index=False, date_format="%Y-%m-%d")
    tell(1.0, "done")
    return len(result)


def _read(path: Path | str | None, columns: list[str]) -> pd.DataFrame:
    text = dict.fromkeys(("series_id", "group", "holiday_name"), str)
    try:
        frame = pd.read_csv(path, dtype=text)
        if "date" in frame:
            frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise EngineError("bad_file", file=str(path), reason=str(error)) from error
    for column in columns:
        if column not in frame:
            raise EngineError("missing_column", file=str(path), column=column)
    if "hour" in columns and not frame["hour"].between(0, 23).all():
        raise EngineError("bad_hour", file=str(path))
    return frame


def _groups(path: Path | str, hourly: bool) -> pd.DataFrame:
    found = _read(path, ["group", "series_id"])
    if "days" in found:
        if hourly or not (found["days"].between(1, 366) & (found["days"] % 1 == 0)).all():
            raise EngineError("bad_days", file=str(path))
        if (found.groupby("group")["days"].nunique() > 1).any():
            raise EngineError("bad_days", file=str(path))
    return found


def _by_hour(
    part: pd.DataFrame, raw: pd.DataFrame, members: pd.DataFrame | None, cutoff: pd.Timestamp, seed: int
) -> pd.DataFrame:
    """24 rows a day: the day's numbers times the shares. An hour misses by its share of the day's error and by the
    error of the share itself; the two are independent."""
    if members is not None:
        joined = raw.merge(members, on="series_id")
        summed = joined.groupby(["group", "date", "hour"], as_index=False)["y"].sum()
        raw = pd.concat([raw, summed.rename(columns={"group": "series_id"})], ignore_index=True)
    names, row = np.unique(part["series_id"].astype(str), return_inverse=True)
    ahead = (part["date"] - cutoff).dt.days.to_numpy()
    booster = train_hours(raw, cutoff, seed=seed)
    share = hour_shares(booster, raw, cutoff, int(ahead.max()), list(names))[row, ahead - 1]
    day = part["yhat"].to_numpy()[:, None]
    missed = hour_misses(raw, cutoff, list(names), (0.8, 0.95), seed=seed)[:, row]
    half = dict(zip(("80", "95"), np.where(np.isnan(missed), day / 24, missed * hour_unit(share, day)), strict=True))
    yhat = day * share
    out = part.loc[part.index.repeat(24)].reset_index(drop=True)
    out = out.assign(hour=np.tile(np.arange(24), len(part)), yhat=yhat.reshape(-1))
    for bound in BOUNDS[1:]:
        wide = np.hypot((part[bound].to_numpy()[:, None] - day) * share, half[bound[2:]])
        out[bound] = (yhat + wide if bound.startswith("hi") else np.fmax(yhat - wide, 0.0)).reshape(-1)
    return out
