"""Ways of forecasting that must not get past the gate, and the chain they are tried on."""

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd

from forecasting.engine import api, contest, metrics
from forecasting.engine.contest import Contender
from forecasting.engine.panel import Panel
from forecasting.engine.recipe import Recipe
from forecasting.engine.tests import world
from forecasting.series import Series

SMALL = world.SMALL
NUMBERS = contest.NUMBERS


def chain(seed: int = 1, series: int = 6, days: int = 840, through: int = 800) -> Series:
    """An invented chain whose last known day is number `through`."""
    full = world.panel(series=series, days=days, seed=seed)
    cutoff = world.day(through).date()
    panel = contest.blind(full, cutoff)
    departments = {name: SimpleNamespace(name=f"Branch {name}", money="KZT") for name in panel.series}
    return Series(panel, departments, dict.fromkeys(panel.series, cutoff), cutoff)  # type: ignore[arg-type]


def origins_of(series: Series, count: int) -> list[dt.date]:
    return [series.cutoff - dt.timedelta(days=28 * (number + 1)) for number in range(count)]


def remembered(contender: Contender) -> Contender:
    """The same forecasts without fitting twice."""
    known: dict[tuple[dt.date, int], pd.DataFrame] = {}

    def forecast(panel: Panel, origin: dt.date, horizon: int) -> pd.DataFrame:
        key = origin, horizon
        if key not in known:
            known[key] = contender(panel, origin, horizon)
        return known[key].copy()

    return forecast


def last_week_again(panel: Panel, origin: dt.date, horizon: int) -> pd.DataFrame:
    """The last same weekday: honest, and easy to beat."""
    made = metrics.seasonal_naive(panel, origin, horizon)
    return _frame(panel, origin, made["yhat"].to_numpy().reshape(-1, horizon))


def leaky(panel: Panel, origin: dt.date, horizon: int) -> pd.DataFrame:
    """A "rolling mean" that contains the day to be forecast: perfect as long as that day can be seen."""
    start = panel.index(origin) + 1
    seen = pd.DataFrame(panel.y.T).ffill().to_numpy().T
    days = start + np.arange(horizon)
    window = np.where(np.isnan(panel.y[:, days]), seen[:, days - 7], panel.y[:, days])
    return _frame(panel, origin, window)


def stale(base: Contender, days: int = 150) -> Contender:
    """Has not noticed that the last months happened."""

    def forecast(panel: Panel, origin: dt.date, horizon: int) -> pd.DataFrame:
        then = origin - dt.timedelta(days=days)
        made = base(contest.blind(panel, then), then, days + horizon)
        return made[made["date"] > pd.Timestamp(origin)].assign(cutoff=pd.Timestamp(origin))

    return forecast


def changed(base: Contender, how: Callable[[pd.DataFrame], pd.DataFrame]) -> Contender:
    return lambda panel, origin, horizon: how(base(panel, origin, horizon).copy())


def bad_ones(base: Contender, seed: int) -> dict[str, Contender]:
    """By name: each is `base` with something wrong, or cheats."""
    draw = np.random.default_rng(seed)

    def nothing_in_a_column(frame: pd.DataFrame) -> pd.DataFrame:
        frame[draw.choice(NUMBERS)] = np.nan
        return frame

    def one_branch_missing(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["series_id"] != draw.choice(frame["series_id"].unique())]

    def ten_times(frame: pd.DataFrame) -> pd.DataFrame:
        frame[NUMBERS] = frame[NUMBERS] * 10
        return frame

    def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
        frame[NUMBERS] = frame[NUMBERS].to_numpy()[draw.permutation(len(frame))]
        return frame

    return {
        "leaky": leaky,
        "stale": stale(base),
        "a column of nothing": changed(base, nothing_in_a_column),
        "one branch missing": changed(base, one_branch_missing),
        "ten times": changed(base, ten_times),
        "shuffled": changed(base, shuffled),
    }


def _frame(panel: Panel, origin: dt.date, values: np.ndarray) -> pd.DataFrame:
    series, horizon = values.shape
    yhat = values.reshape(-1)
    return pd.DataFrame(
        {
            "series_id": np.repeat(np.array(panel.series, dtype=object), horizon),
            "cutoff": pd.Timestamp(origin),
            "date": np.tile(pd.date_range(origin + dt.timedelta(days=1), periods=horizon), series),
            "h": np.tile(np.arange(1, horizon + 1), series),
            "yhat": yhat, "lo80": 0.9 * yhat, "hi80": 1.1 * yhat, "lo95": 0.8 * yhat, "hi95": 1.2 * yhat,
            "rule": "model", "p_open": 1.0,
        }
    )  # fmt: skip


def fit_at(series: Series, cutoff: dt.date, recipe: Recipe = SMALL) -> api.Fit:
    return api.fit(contest.blind(series.panel, cutoff), cutoff, recipe)
