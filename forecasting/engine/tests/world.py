"""Invented chains for the engine's tests: weekly and yearly seasons, feasts, promotions, noise; seeded."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.engine.panel import Panel, build_panel
from forecasting.engine.recipe import Recipe

START = pd.Timestamp("2023-01-02")
SMALL = Recipe(
    name="small", rows=2_500, trees=25, rate=0.15, leaves=15, calibration_rows=1_500, calibration_trees=25, most_copies=2
)


def sales(series: int = 5, days: int = 500, seed: int = 1, noise: float = 0.12) -> pd.DataFrame:
    """[series_id, date, y] of branches closed on no weekday."""
    draw = np.random.default_rng(seed)
    dates = pd.date_range(START, periods=days)
    level = draw.lognormal(8, 0.6, series)[:, None]
    week = np.array([0.8, 0.85, 0.9, 1.0, 1.25, 1.4, 0.8]) * draw.normal(1, 0.08, (series, 7))
    year = 1 + 0.15 * np.sin(2 * np.pi * np.arange(days) / 365.25)
    promo = np.where(promotion(dates), 1.3, 1.0)
    feast = np.where([name != "" for name in feast_names(dates)], 1.6, 1.0)
    weekday = dates.day_of_week.to_numpy()
    y = level * week[:, weekday] * year * promo * feast * draw.lognormal(0, noise, (series, days))
    return pd.DataFrame(
        {
            "series_id": np.repeat([f"b{i}" for i in range(series)], days),
            "date": np.tile(dates, series),
            "y": y.reshape(-1),
        }
    )


def promotion(dates: pd.DatetimeIndex) -> np.ndarray:
    """Two weeks with, three weeks without."""
    return ((dates - START).days.to_numpy() // 7) % 5 < 2


def feast_names(dates: pd.DatetimeIndex) -> list[str]:
    names = {(1, 1): "new year", (3, 8): "womens day", (3, 21): "nauryz", (3, 22): "nauryz", (12, 16): "independence"}
    return [names.get((d.month, d.day), "") for d in dates]


def covariates(last: pd.Timestamp | dt.date) -> pd.DataFrame:
    dates = pd.date_range(START, last)
    return pd.DataFrame({"date": dates, "holiday_name": feast_names(dates), "promo": promotion(dates).astype(float)})


def panel(frame: pd.DataFrame | None = None, ahead: int = 40, **options: float) -> Panel:
    frame = sales(**options) if frame is None else frame  # type: ignore[arg-type]
    return build_panel(frame, covariates(frame["date"].max() + pd.Timedelta(days=ahead)))


def day(number: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=number)


def same(
    a: pd.DataFrame, b: pd.DataFrame, columns: Sequence[str] = ("yhat", "lo80", "hi80", "lo95", "hi95", "p_open")
) -> bool:
    """Equal to the last bit."""
    return all(a[c].to_numpy().tobytes() == b[c].to_numpy().tobytes() for c in columns)
