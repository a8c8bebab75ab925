"""A day's forecast by the hour: recent shares of the series' weekday, and a split that loses no coin."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_FLOOR, Decimal

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
) -> dict[str, np.ndarray]:
    """Shares of the day by hour, [7 weekdays, 24] per series (default: those in `hours`), each row adding up to 1.

    `hours` is [series_id, date, hour, y]; rows after `cutoff` are not used, negative hours (returns) count as nothing.
    The weekday's shares are shrunk to the series' own over all weekdays, those to all series' shares.
    """
    day = pd.to_datetime(hours["date"])
    cutoff = pd.Timestamp(cutoff)
    keep = (day <= cutoff) & (day > cutoff - pd.Timedelta(days=MEMORY))
    frame, day = hours[keep], day[keep]
    series = sorted(hours["series_id"].astype(str).unique()) if series is None else list(series)
    s = pd.Index(series).get_indexer(frame["series_id"].astype(str))
    frame, day, s = frame[s >= 0], day[s >= 0], s[s >= 0]
    hour = frame["hour"].to_numpy(dtype=np.int64)
    value = np.fmax(np.nan_to_num(frame["y"].to_numpy(dtype=np.float64)), 0.0)
    age = (cutoff - day).dt.days.to_numpy()

    shape = (len(series), MEMORY, 24)
    amount = np.zeros(shape)
    np.add.at(amount, (s, age, hour), value)
    total = amount.sum(axis=2, keepdims=True)
    share = np.where(total > 0, amount / np.where(total > 0, total, 1.0), 0.0)
    weight = np.where(total[:, :, 0] > 0, 0.5 ** (np.arange(MEMORY) / half_life), 0.0)
    by_weekday = np.zeros((len(series), 7, 24))
    seen = np.zeros((len(series), 7))
    for back in range(7):
        d = (cutoff.day_of_week - back) % 7
        by_weekday[:, d] = (share[:, back::7] * weight[:, back::7, None]).sum(axis=1)
        seen[:, d] = weight[:, back::7].sum(axis=1)

    everyone = by_weekday.sum(axis=0)
    pooled_day = everyone.sum(axis=0)
    pooled_day = pooled_day / pooled_day.sum() if pooled_day.sum() > 0 else np.full(24, 1 / 24)
    own = (by_weekday.sum(axis=1) + OWN_DAYS * pooled_day) / (seen.sum(axis=1)[:, None] + OWN_DAYS)
    out = (by_weekday + OWN_DAYS * own[:, None]) / (seen[:, :, None] + OWN_DAYS)
    return {name: out[i] / out[i].sum(axis=1, keepdims=True) for i, name in enumerate(series)}


def split(total: Decimal, shares: Sequence[float] | np.ndarray, places: int = 2) -> list[Decimal]:
    """`total` over the shares, each with `places` decimals, adding up to it exactly (largest remainder).

    Shares need not add up to 1; all zero means evenly. `total` is first rounded to `places`.
    """
    unit = Decimal(1).scaleb(-places)
    total = total.quantize(unit)
    weights = [Decimal(repr(float(x))) if x > 0 else Decimal(0) for x in shares]
    whole = sum(weights)
    if not whole:
        weights, whole = [Decimal(1)] * len(weights), Decimal(len(weights))
    sign = -1 if total < 0 else 1
    exact = [abs(total) * w / whole for w in weights]
    parts = [x.quantize(unit, rounding=ROUND_FLOOR) for x in exact]
    left = int((abs(total) - sum(parts)) / unit)
    # Earlier hours win ties, so that the split does not depend on the order of a sort.
    for i in sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))[:left]:
        parts[i] += unit
    return [sign * p for p in parts]
