"""A day's forecast by the hour: recent shares of the series' weekday, and a split that loses no coin."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

HALF_LIFE = 28.0  # days after which a day's shares count half
OWN_DAYS = 1.0  # weighted days of the own weekday that weigh as much as what it is shrunk to
MEMORY = 364


def profiles(
    hours: pd.DataFrame,
    cutoff: date | str | pd.Timestamp,
    series: Sequence[str] | None = None,
    half_life: float = HALF_LIFE,
    kinds: Mapping[str, str] | None = None,
) -> dict[str, np.ndarray]:
    """Shares of the day by hour, [7 weekdays, 24] per series (default: those in `hours`), each row adding up to 1.

    `hours` is [series_id, date, hour, y]; rows after `cutoff` are not used, negative hours (returns) count as nothing.
    The weekday's shares are shrunk to the series' own over all weekdays, those to the series' of its kind (by `kinds`,
    default: all are alike), those to all series'.
    """
    day = pd.to_datetime(hours["date"])
    cutoff = pd.Timestamp(cutoff)
    keep = (day <= cutoff) & (day > cutoff - pd.Timedelta(days=MEMORY))
    frame, day = hours[keep], day[keep]
    series = sorted(hours["series_id"].astype(str).unique()) if series is None else list(series)
    s = pd.Index(series).get_indexer(frame["series_id"].astype(str))
    known = s >= 0
    s, hour = s[known], frame["hour"].to_numpy(dtype=np.int64)[known]
    value = np.fmax(np.nan_to_num(frame["y"].to_numpy(dtype=np.float64)[known]), 0.0)
    age = (cutoff - day).dt.days.to_numpy()[known]
    weekday = (cutoff.day_of_week - age) % 7

    count = len(series)
    total = np.bincount(s * MEMORY + age, value, minlength=count * MEMORY)
    faded = 0.5 ** (np.arange(MEMORY) / half_life)
    share = np.where(value > 0, value / np.where(value > 0, total[s * MEMORY + age], 1.0), 0.0) * faded[age]
    by_weekday = np.bincount((s * 7 + weekday) * 24 + hour, share, minlength=count * 168).reshape(count, 7, 24)
    sold = np.flatnonzero(total > 0)
    cell = sold // MEMORY * 7 + (cutoff.day_of_week - sold % MEMORY) % 7
    seen = np.bincount(cell, faded[sold % MEMORY], minlength=count * 7).reshape(count, 7)

    own, days = by_weekday.sum(axis=1), seen.sum(axis=1)
    everyone = own.sum(axis=0)
    everyone = everyone / everyone.sum() if everyone.sum() > 0 else np.full(24, 1 / 24)
    kind, names = pd.factorize(np.array([(kinds or {}).get(name, "") for name in series], dtype=object))
    alike, n = np.zeros((len(names), 24)), np.bincount(kind, days, minlength=len(names))
    np.add.at(alike, kind, own)
    alike = (alike + OWN_DAYS * everyone) / (n[:, None] + OWN_DAYS)
    own = (own + OWN_DAYS * alike[kind]) / (days[:, None] + OWN_DAYS)
    out = (by_weekday + OWN_DAYS * own[:, None]) / (seen[:, :, None] + OWN_DAYS)
    return {name: out[i] / out[i].sum(axis=1, keepdims=True) for i, name in enumerate(series)}


def split(coins: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """int64 [rows, parts]: `coins` [rows], whole numbers, over the `shares` [rows, parts], adding up to them exactly.

    Largest remainder; shares need not add up to 1, all zero (or unknown) means evenly.
    """
    weights = np.where(shares > 0, shares, 0.0)
    whole = weights.sum(axis=1, keepdims=True)
    weights = np.where(whole > 0, weights / np.where(whole > 0, whole, 1.0), 1 / weights.shape[1])
    exact = np.abs(coins)[:, None] * weights
    parts = np.floor(exact).astype(np.int64)
    # Earlier hours win ties, so that the split does not depend on the order of a sort.
    order = np.argsort(parts - exact, axis=1, kind="stable")
    left = np.abs(coins) - parts.sum(axis=1)
    np.put_along_axis(
        parts, order, np.take_along_axis(parts, order, 1) + (np.arange(parts.shape[1]) < left[:, None]), 1
    )
    # Beyond 2^53 coins floats are whole numbers no more.
    parts[np.arange(len(parts)), parts.argmax(axis=1)] += np.abs(coins) - parts.sum(axis=1)
    return np.sign(coins)[:, None] * parts
