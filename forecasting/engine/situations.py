"""What has happened to a series lately that its forecast should be read with: it is back, it moved, its level shifted.

The members see it in their features and the interval in the spread of the last weeks; this only names it.
"""

import numpy as np

from forecasting.engine.history import History

REST, BACK = 21, 28  # days away that are a long closure, days for which a branch is just back from it
PAUSE, SINCE = 4, 56  # days away as for a move (more than any weekend), days looked back for it
RECENT, GAP, BEFORE = 14, 28, 84  # the last two weeks are compared with eight weeks that end four weeks ago
SHIFT, SURE = 0.26, 4.0  # least change of the log level beside all series', in standard errors of it
LEAST_SERIES = 5  # with fewer others nobody knows what all did


def situations(history: History) -> np.ndarray:
    """[series] "reopened", "moved", "level_shift" or "" at each series' origin."""
    back = np.arange(BEFORE)
    days = history.origin[:, None] - back
    inside, at = days >= 0, np.maximum(days, 0)
    rows = np.arange(len(history.series))[:, None]
    recorded = history.recorded[rows, at] & inside
    gone = history.away[rows, np.maximum(at - 1, 0)]
    away = np.where(recorded & (at > gone), gone, 0)
    shifted = _shifted(np.where(inside, history.clean[rows, at], np.nan))
    moved = shifted & (away[:, :SINCE] >= PAUSE).any(axis=1)
    reopened = (away[:, :BACK] >= REST).any(axis=1)
    return np.select([moved, reopened, shifted], ["moved", "reopened", "level_shift"], "").astype(object)


def _shifted(clean: np.ndarray) -> np.ndarray:
    """[series] whether the last days of `clean` [series, days back] lie on another level than weeks before them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        weeks = clean[:, GAP:].reshape(len(clean), -1, 7)
        n, recent = (~np.isnan(weeks)).sum(axis=2), ~np.isnan(clean[:, :RECENT])
        weekly = np.log(np.where(n >= 3, np.nansum(weeks, axis=2) / n, np.nan))
        known = ~np.isnan(weekly)
        count = np.maximum(known.sum(axis=1), 1)
        middle = np.where(known, weekly, 0.0).sum(axis=1) / count
        scatter = np.where(known, (weekly - middle[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count - 1, 1)
        now = np.log(np.nansum(clean[:, :RECENT], axis=1) / recent.sum(axis=1))
    able = (recent.sum(axis=1) >= RECENT / 2) & (known.sum(axis=1) >= 4) & np.isfinite(now)
    change = np.where(able, now, 0.0) - np.where(able, middle, 0.0)
    if able.sum() > LEAST_SERIES:
        change = np.where(able, change - np.median(change[able]), 0.0)
    error = np.sqrt(scatter * (7 / RECENT + 1 / count))
    return able & (np.abs(change) > np.fmax(SHIFT, SURE * error))
