"""Calendar matrices known years ahead: feasts with their eve and morrow, runs of free days, Easter, Ramadan."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CAP = 15  # days beyond which "how far is the next holiday" no longer matters


def easter(year: int) -> pd.Timestamp:
    """Western Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, ch. 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return pd.Timestamp(year, month, day + 1)


def ramadan(hijri_year: int) -> pd.Timestamp:
    """First day of Ramadan by the tabular Islamic calendar (civil epoch); sighting may differ by a day."""
    julian_day = (11 * hijri_year + 3) // 30 + 354 * hijri_year + 30 * 9 - 4 + 1 + 1948440 - 385
    return pd.Timestamp("1970-01-01") + pd.Timedelta(days=julian_day - 2440588)


def days_from(dates: pd.DatetimeIndex, feasts: list[pd.Timestamp], before: int, after: int) -> np.ndarray:
    """[days] signed distance to the feast (0 = its day), NaN outside -before..after."""
    out = np.full(len(dates), np.nan)
    for feast in feasts:
        distance = (dates - feast).days.to_numpy()
        near = (distance >= -before) & (distance <= after)
        out[near] = distance[near]
    return out


@dataclass(frozen=True, eq=False)
class Feasts:
    """`key` [series, days]: 0 on ordinary days, else a number that is the same for the same day of the same feast in
    other years (first day, second day, ..., eve, morrow). `on` the feast itself, `side` -1 eve, +1 morrow, 0.
    Series of one calendar share its memory; `keys` [calendars, days] has it once each, `which` says whose it is."""

    key: np.ndarray
    on: np.ndarray
    side: np.ndarray
    until_next: np.ndarray
    since_last: np.ndarray
    free_run: np.ndarray
    keys: np.ndarray
    which: np.ndarray

    def of(self, key: int) -> tuple[np.ndarray, np.ndarray]:
        """The days on which any series has the `key`, and [those days, series] which have it."""
        days = np.flatnonzero((self.keys == key).any(axis=0))
        return days, (self.keys[:, days] == key)[self.which].T


POSITIONS = 16  # days of one feast told apart, eve and morrow included


def feasts(holiday: np.ndarray, dates: pd.DatetimeIndex) -> Feasts:
    """Feasts of the holiday codes [series, days]."""
    calendars: dict[bytes, int] = {}  # most series have the same one
    if len(holiday) and (holiday == holiday[0]).all():
        calendars[holiday[0].tobytes()] = 0
        which = np.zeros(len(holiday), dtype=np.int64)
    else:
        which = np.array([calendars.setdefault(row.tobytes(), len(calendars)) for row in holiday], dtype=np.int64)
    made = [_one(np.frombuffer(row, dtype=holiday.dtype), dates) for row in calendars]
    stacked = [np.stack(columns) for columns in zip(*made, strict=True)]
    shape = (len(holiday), len(dates))
    shared = [np.broadcast_to(a, shape) if len(a) == 1 else a[which] for a in stacked]
    key, on, side, until_next, since_last, free_run = shared
    return Feasts(key, on, side, until_next, since_last, free_run, stacked[0], which)


def _one(code: np.ndarray, dates: pd.DatetimeIndex) -> tuple[np.ndarray, ...]:
    days = len(code)
    on = code > 0
    position = np.zeros(days, dtype=np.int64)
    for d in range(days):
        if on[d]:
            again = d > 0 and code[d - 1] == code[d]
            position[d] = min(position[d - 1] + 1, POSITIONS - 3) if again else 0
    key = np.where(on, code * POSITIONS + position + 2, 0)
    side = np.zeros(days, dtype=np.int64)
    after = np.r_[False, on[:-1]] & ~on
    key[after] = np.r_[0, code[:-1]][after] * POSITIONS + 1
    side[after] = 1
    before = np.r_[on[1:], False] & ~on
    key[before] = np.r_[code[1:], 0][before] * POSITIONS
    side[before] = -1

    at = np.arange(days)
    last = np.maximum.accumulate(np.where(on, at, -CAP))
    upcoming = np.minimum.accumulate(np.where(on, at, days + CAP)[::-1])[::-1]
    free = on | (dates.day_of_week.to_numpy() >= 5)
    return (key, on, side, np.minimum(upcoming - at, CAP), np.minimum(at - last, CAP), _run_lengths(free))


def _run_lengths(flag: np.ndarray) -> np.ndarray:
    """[days] length of the run of True each day belongs to, 0 outside."""
    edges = np.flatnonzero(np.diff(np.r_[0, flag.astype(np.int8), 0]))
    out = np.zeros(len(flag), dtype=np.int64)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        out[start:end] = end - start
    return out
