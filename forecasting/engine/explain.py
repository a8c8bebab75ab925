"""Why this number: each forecast split into money by reason, from LightGBM's own contributions (TreeSHAP, Lundberg 2018).

A member that adds is split as it adds; one that multiplies is split by the logarithmic mean, in proportion to the logs.
Both splits are exact, so their mean is; what the reasons do not hold (rounding, a forecast raised to zero) is the rest.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pandas as pd

from forecasting.engine import api, members, recursive
from forecasting.engine.features import Features, names
from forecasting.engine.history import History
from forecasting.engine.mix import Mix
from forecasting.engine.panel import Panel

REASONS = ("level", "weekday", "season", "feast", "trend", "promotion", "rest")
LEVEL, WEEKDAY, SEASON, FEAST, TREND, PROMOTION, REST = range(len(REASONS))
AT_ONCE = 700  # rows whose contributions are asked for at a time
_STARTS = (
    ("feast", FEAST), ("easter", FEAST), ("ramadan", FEAST), ("until_feast", FEAST), ("since_feast", FEAST),
    ("free_run", FEAST), ("weekday", WEEKDAY), ("same_weekday", WEEKDAY), ("pooled_weekday", WEEKDAY), ("open", WEEKDAY),
    ("lag_7", WEEKDAY), ("lag_14", WEEKDAY), ("lag_21", WEEKDAY), ("lag_28", WEEKDAY),
    ("day", SEASON), ("month", SEASON), ("last_year", SEASON),
    ("lag_", TREND), ("mean_", TREND), ("surprise", TREND), ("pooled_surprise", TREND), ("horizon", TREND),
)  # fmt: skip


def reason(feature: str) -> int:
    """Index into REASONS of what a feature speaks of."""
    if ":" in feature:  # of a covariate; its `mean` is the weekday's own, with the promotion on days that have it
        return WEEKDAY if feature.endswith(":mean") else PROMOTION
    return next((found for start, found in _STARTS if feature.startswith(start)), REST)


def explain(
    fitted: api.Fit, panel: Panel, cutoff: date | str | pd.Timestamp, horizon: int = 35, *,
    cutoffs: dict[str, date] | None = None, made: pd.DataFrame | None = None, threads: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """`predict` [series_id, date, rule, yhat] with yhat in cents and one column per reason, adding up to it to the cent.

    What no model made (closed, too short a history, no sales) is all level; `rule` says how it was made. `made` is what
    `predict` said of the same, where that is known. The result does not depend on `threads`.
    """
    made = api.predict(fitted, panel, cutoff, horizon, cutoffs=cutoffs) if made is None else made
    history = api.served(fitted, panel, cutoff, horizon, cutoffs)
    cents = np.round(made["yhat"].to_numpy() * 100)
    parts = np.zeros((len(made), len(REASONS)))
    parts[:, LEVEL] = cents
    learned = ~made["rule"].isin(["short_history", "no_history", "no_sales", "closed"]).to_numpy()
    split = np.zeros(parts.shape)
    for past, rows, shares in api.views(fitted, panel, history, cutoff, horizon, cutoffs):
        asked = learned[rows]
        rows, shares = rows[asked], shares[:, asked]
        if len(rows):
            split[rows] += _split(fitted, past, shares, rows // horizon, made["h"].to_numpy()[rows], threads)
    parts[learned] = np.round((split * np.repeat(history.unit, horizon)[:, None])[learned] * 100)
    parts[:, REST] += cents - parts.sum(axis=1)
    out = made[["series_id", "date", "rule"]].assign(yhat=cents / 100)
    return out.assign(**{name: parts[:, i] / 100 for i, name in enumerate(REASONS)})


def _split(
    fitted: api.Fit, past: History, shares: np.ndarray, s: np.ndarray, h: np.ndarray, threads: int
) -> np.ndarray:
    """[rows, reasons] of the members and the seasonal mix, forecast from `past`, by their `shares` [2, rows]."""
    o = past.origin[s]
    seasonal = _seasonal(Mix(past, int(past.origin.min())), s, o, h)
    if not fitted.boosters:
        return shares[1][:, None] * seasonal
    features, far = Features(past, fitted.covariates), h > fitted.recipe.horizon
    # The contributions of a row take a hundred times as long as its forecast, and a column per feature.
    with ThreadPoolExecutor(max_workers=threads) as pool:
        split = pool.map(
            lambda some: _members(fitted, features, s[some], o[some], h[some]), members.pieces(s, o, AT_ONCE)
        )
        learned = np.concatenate(list(split))
    learned[far] = (5 * learned[far] + seasonal[far]) / 6  # as in `api.blend`
    return shares[1][:, None] * seasonal + shares[0][:, None] * learned


def _members(fitted: api.Fit, features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
    """[rows, reasons] mean of the members' splits, the 0/1 covariates' uplift given to the promotion.

    Beyond the days the recipe was trained for that of the direct members alone.
    """
    past, rows = features.history, features.rows(s, o, h)
    of = np.array([reason(name) for name in names(fitted.covariates, fitted.states)])
    level, base = past.level[s, o], members.base(past, s, o, h)

    start, by = _by_reason(fitted, "a", rows, of)
    a = by * level[:, None]
    a[:, LEVEL] += start * level

    start, by = _by_reason(fitted, "b", rows, of)
    b = by * (base * np.exp(start) * _log_slope(by.sum(axis=1)))[:, None]
    b[:, LEVEL] += level * (np.exp(start) - members.OFFSET)
    b[:, WEEKDAY] += (base - level) * (np.exp(start) - members.OFFSET)

    mean, near = (a + b) / 2, np.flatnonzero(h <= fitted.recipe.horizon)
    if len(near):
        mean[near] = (a[near] + b[near] + _walked(fitted, features, s[near], o[near], h[near])) / 3
    mean[:, PROMOTION] += mean.sum(axis=1) * (past.factor(s, o, o + h) - 1)
    return mean


def _walked(fitted: api.Fit, features: Features, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
    """[rows, reasons] of the recursive member; what its level has moved since the origin is the trend's."""
    past, ahead = features.history, int(h.max())
    walk, where = members.walks_of(features, s, o, h)
    of = np.array([reason(name) for name in recursive.names(features)])
    out = np.zeros((len(walk.s), ahead, len(REASONS)))
    origin = past.level[walk.s, walk.o]
    for step in range(ahead):
        level = walk.level()
        start, by = _by_reason(fitted, "r", walk.rows(level), of)
        day = out[: len(level), step]
        day[:] = by * level[:, None]
        day[:, LEVEL] += start * origin[: len(level)]
        day[:, TREND] += start * (level - origin[: len(level)])
        walk.advance(np.fmax(day.sum(axis=1), 0.0))
    return out[where, h - 1]


def _seasonal(mix: Mix, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
    """[rows, reasons] of the seasonal mix: its factors in proportion to their logs, from the level on."""
    level = mix.history.level[s, o]
    factors = mix.factors(s, o, h)
    total = level * np.prod(list(factors.values()), axis=0)
    out = np.zeros((len(s), len(REASONS)))
    out[:, LEVEL] = level
    logs = {name: np.log(np.fmax(x, 1e-6)) for name, x in factors.items()}
    whole = sum(logs.values())
    slope = level * _log_slope(whole)
    for name, x in logs.items():
        out[:, REASONS.index(name)] += x * slope
    out[:, REST] += total - out.sum(axis=1)
    return out


def _by_reason(fitted: api.Fit, member: str, rows: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The expected value [rows] and the contributions [rows, reasons] of a member's predictions."""
    contributions = members.voice(fitted.boosters, member, rows, split=True)
    return contributions[:, -1], contributions[:, :-1] @ np.eye(len(REASONS))[of]


def _log_slope(x: np.ndarray) -> np.ndarray:
    """(exp(x) - 1) / x, 1 at zero."""
    small = np.abs(x) < 1e-9
    return np.where(small, 1.0, np.expm1(x) / np.where(small, 1.0, x))
