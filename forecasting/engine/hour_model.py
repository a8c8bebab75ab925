"""The shape of a day by the hour, learned: shares of the day from recent shares, weekday, hour and day of the month.

Unlike the profiles of hourly.py it sees that a pattern follows the date or is changing. The daily forecast gives the
total; only shares come from here.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import lightgbm as lgb
import numpy as np
import pandas as pd

from forecasting.engine.hourly import MEMORY, profiles
from forecasting.engine.windows import take, trailing_mean, weekday_ewm

HALF_LIVES = (1.5, 4.0, 12.0)  # weeks
MEANS = (3, 7, 14, 28, 91)
HORIZON = 28
TESTED = 35  # days on which shares are compared with what was sold
LEAST_DAYS = 28  # with fewer a series has the profile shrunk to its likes
ROWS, TREES, FADES = 40_000, 120, 120.0  # FADES: days after which a day's shares count half in learning
LEAST_SHARE = 0.005  # an hour of which nothing is expected may sell something all the same
AT_ONCE = 250  # series whose statistics are in memory together
PARAMETERS = {
    "objective": "regression_l1", "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 40,
    "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "max_bin": 63,
    "deterministic": True, "force_row_wise": True, "verbose": -1,
}  # fmt: skip


class Shares:
    """Statistics of hourly shares, matrices [series x 24 hours, days], blind after `cutoff`; `hours` as in profiles."""

    def __init__(self, hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, ahead: int = 0) -> None:
        last, day = pd.Timestamp(cutoff), pd.to_datetime(hours["date"])
        keep = (day <= last) & (day > last - pd.Timedelta(days=MEMORY))
        frame, day = hours[keep], day[keep]
        self.series = sorted(frame["series_id"].astype(str).unique())
        self.dates = pd.date_range(last - pd.Timedelta(days=MEMORY - 1), last + pd.Timedelta(days=ahead))
        self.last = MEMORY - 1
        amount = np.zeros((len(self.series), 24, len(self.dates)))
        s = pd.Index(self.series).get_indexer(frame["series_id"].astype(str))
        at = (day - self.dates[0]).dt.days.to_numpy()
        value = np.fmax(np.nan_to_num(frame["y"].to_numpy(dtype=np.float64)), 0.0)
        np.add.at(amount, (s, frame["hour"].to_numpy(dtype=np.int64), at), value)
        self.total = amount.sum(axis=1)
        self.sold = self.total > 0
        share = np.where(self.sold[:, None], amount / np.where(self.sold, self.total, 1.0)[:, None], np.nan)
        self.share = share.reshape(-1, len(self.dates))
        self.by_weekday = [weekday_ewm(self.share, hl) for hl in HALF_LIVES]
        self.means = [trailing_mean(self.share, n) for n in MEANS]
        shaped = self.by_weekday[1].reshape(share.shape)
        self.beside = [np.roll(shaped, way, axis=1).reshape(self.share.shape) for way in (1, -1)]
        used = np.nan_to_num(self.means[-1][:, self.last]) > 0
        self.used = used.reshape(-1, 24) & (self.sold.sum(axis=1) >= LEAST_DAYS)[:, None]

    def rows(self, r: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """float32 [rows, features] of the share of series-hour `r` on day `o + h` as known on day `o`."""
        t = o + h
        b = t - 7 * -(-h // 7)
        dates = self.dates
        out = [r % 24, dates.day_of_week.to_numpy()[t], np.minimum(h, HORIZON), dates.day.to_numpy()[t]]
        out.append((dates.days_in_month - dates.day).to_numpy()[t])
        out += [take(x, r, b) for x in (*self.by_weekday, *self.beside)]
        out += [take(x, r, o) for x in self.means]
        out += [take(self.share, r, b - 7 * k) for k in range(3)] + [take(self.share, r, o - k) for k in range(2)]
        return np.stack([np.asarray(c, dtype=np.float32) for c in out], axis=1)

    def learned(self, booster: lgb.Booster, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """[series, 24, days] shares of the days `o + h`, NaN for series too short for the model."""
        r = np.flatnonzero(self.used.reshape(-1))
        out = np.full((len(self.series) * 24, len(o)), np.nan)
        out[r] = 0.0
        rows = self.rows(np.repeat(r, len(o)), np.tile(o, len(r)), np.tile(h, len(r)))
        if len(r):
            out[r] = np.fmax(booster.predict(rows, num_threads=1), 0.0).reshape(len(r), len(o))
        shares = out.reshape(-1, 24, len(o))
        able = self.used.any(axis=1)
        shares[able] = np.nan_to_num(shares[able])
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1.0), np.nan)


def train_hours(hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, *, seed: int = 7) -> lgb.Booster | None:
    """The model of shares on hours up to `cutoff`; None where no series has sold on LEAST_DAYS days."""
    past = Shares(hours, cutoff)
    return _train(past, past.sold, seed)


def _train(past: Shares, wanted: np.ndarray, seed: int) -> lgb.Booster | None:
    """The model of the shares of the `wanted` [series, days]."""
    draw = np.random.default_rng(seed)
    s, t = np.nonzero(wanted & (np.arange(len(past.dates)) >= 28))
    pick, hour = np.nonzero(past.used[s])
    r, t = s[pick] * 24 + hour, t[pick]
    if not len(r):
        return None
    repeats = int(np.clip(ROWS // len(r), 1, 7))
    r, t = np.tile(r, repeats), np.tile(t, repeats)
    if len(r) > ROWS:
        keep = np.sort(draw.choice(len(r), ROWS, replace=False))
        r, t = r[keep], t[keep]
    h = draw.integers(1, HORIZON + 1, len(r))
    h = np.where(draw.random(len(r)) < 0.5, (h - 1) % 7 + 1, h)  # half of them a week ahead at most
    h = np.minimum(h, t)
    size = past.total / np.fmax(trailing_mean(np.where(past.sold, past.total, np.nan), 28), 1e-9)
    weight = size[r // 24, t] * 0.5 ** ((past.last - t) / FADES)
    data = lgb.Dataset(past.rows(r, t - h, h), past.share[r, t], weight=weight, params={"max_bin": 63, "verbose": -1})
    booster = lgb.train({**PARAMETERS, "seed": seed, "num_threads": 1}, data, num_boost_round=TREES)
    return lgb.Booster(model_str=booster.model_to_string())


def hour_shares(
    booster: lgb.Booster | None, hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, ahead: int,
    series: Sequence[str], kinds: Mapping[str, str] | None = None,
) -> np.ndarray:  # fmt: skip
    """[series, ahead, 24] shares of the days after `cutoff`, each day adding up to 1.

    A series too short for the model gets its profile, shrunk to those of its kind and to all; hours unsold for a
    quarter stay empty.
    """
    known = profiles(hours, cutoff, series, kinds=kinds)
    first = (pd.Timestamp(cutoff).day_of_week + 1) % 7
    weekdays = (first + np.arange(ahead)) % 7
    out = np.stack([known[name][weekdays] for name in series]) if len(series) else np.zeros((0, ahead, 24))
    if booster is None or not len(hours):
        return out
    place = pd.Index(series).get_indexer(hours["series_id"].astype(str))
    for begin in range(0, len(series), AT_ONCE):
        mine = hours[(place >= begin) & (place < begin + AT_ONCE)]
        _learn(out[begin : begin + AT_ONCE], booster, Shares(mine, cutoff, ahead), series[begin : begin + AT_ONCE])
    return out


def _learn(out: np.ndarray, booster: lgb.Booster, past: Shares, series: Sequence[str]) -> None:
    """Put the learned shares into `out` [series, ahead, 24] where there are any."""
    ahead = out.shape[1]
    learned = past.learned(booster, np.full(ahead, past.last), np.arange(1, ahead + 1))
    row = pd.Index(past.series).get_indexer(list(series))
    able = np.flatnonzero(row >= 0)
    able = able[~np.isnan(learned[row[able]]).any(axis=(1, 2))]
    out[able] = learned[row[able]].transpose(0, 2, 1)


def recent_shares(
    hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, *, seed: int = 7
) -> tuple[list[str], np.ndarray, np.ndarray]:  # fmt: skip
    """Series, sold and forecast shares [series, 24, TESTED] of the last days, by models that did not learn their weeks.

    Two models, each without every other week: one that ends before all of them would be staler than the one that
    serves. NaN on days without sales, and for series too short for the model.
    """
    past = Shares(hours, cutoff)
    t = np.arange(past.last + 1 - TESTED, past.last + 1)
    sold = past.share.reshape(len(past.series), 24, -1)[:, :, t]
    h = (t - t[0]) % 7 + 1
    learned = np.full(sold.shape, np.nan)
    for turn in range(2):
        mine = (t - t[0]) // 7 % 2 == turn
        others = past.sold.copy()
        others[:, t[mine]] = False
        booster = _train(past, others, seed)
        if booster is not None:
            learned[:, :, mine] = past.learned(booster, (t - h)[mine], h[mine])
    return past.series, sold, learned


def hour_misses(
    hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, series: Sequence[str], levels: Sequence[float],
    *, seed: int = 7,
) -> np.ndarray:  # fmt: skip
    """[levels, series, 24] how many `hour_unit`s of sales an hour misses its share of the day by on that part of all
    days, NaN if unknown."""
    names, sold, learned = recent_shares(hours, cutoff, seed=seed)
    past = Shares(hours, cutoff)
    day = np.where(past.sold, past.total, np.nan)[:, None, past.last + 1 - TESTED : past.last + 1]
    out = np.full((len(levels), len(series), 24), np.nan)
    missed = np.abs(sold - learned) * day / hour_unit(learned, day)
    row = pd.Index(names).get_indexer(list(series))
    able = (row >= 0) & np.isin(row, np.flatnonzero(~np.isnan(missed).all(axis=(1, 2))))
    out[:, able] = np.nan_to_num(np.nanquantile(missed[row[able]], levels, axis=2))
    return out


def hour_unit(share: np.ndarray, day: np.ndarray) -> np.ndarray:
    """What an hour with a `share` of a `day`'s sales scatters by: as counts do, by the root of its size."""
    return np.sqrt((share + LEAST_SHARE) * day)
