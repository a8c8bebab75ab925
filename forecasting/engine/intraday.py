"""What mornings tell of the rest of their days.

A morning above its forecast tells of the afternoon as far as mornings have told before: the log of rest over expected
rest is regressed on the log of morning over expected morning, by hour, over the last five weeks of all series.
"""

from datetime import date

import numpy as np
import pandas as pd

from forecasting.engine.hour_model import TESTED, Shares, recent_shares
from forecasting.engine.rest import LEAST, LEAST_SHARE, MOST, Mornings
from forecasting.engine.windows import trailing_mean, weekday_ewm

PRIOR = 60  # days of which the regression believes beforehand that mornings tell nothing
LATELY = 7


def learn_mornings(hours: pd.DataFrame, cutoff: date | str | pd.Timestamp, *, seed: int = 7) -> Mornings:
    """What mornings have told up to `cutoff`; `hours` as in hourly.profiles."""
    _, sold, shares = recent_shares(hours, cutoff, seed=seed)
    expected = shares * _expected_days(Shares(hours, cutoff))[:, None]
    actual = sold * _totals(Shares(hours, cutoff))[:, None]
    morning, rest = _ratio(before(actual), before(expected)), _ratio(after(actual), after(expected))
    share = before(shares)
    clear = ~np.isnan(morning * rest) & (share > LEAST_SHARE) & (share < 1 - LEAST_SHARE)
    x, z = np.where(clear, morning, 0.0), np.where(clear, rest, 0.0)
    n = np.maximum(clear.sum(axis=(0, 2)), 1)
    xx, xz, zz = (np.sum(product, axis=(0, 2)) / n for product in (x * x, x * z, z * z))
    belief = n / (n + PRIOR)
    with np.errstate(invalid="ignore", divide="ignore"):
        power = np.where(xx > 0, np.clip(belief * xz / xx, 0.0, 1.0), 0.0)
        explained = np.where(zz > 0, np.clip((2 * power * xz - power**2 * xx) / zz, 0.0, 0.95), 0.0)
    return Mornings(power, np.sqrt(1 - explained))


def _totals(past: Shares) -> np.ndarray:
    return np.where(past.sold, past.total, np.nan)[:, past.last + 1 - TESTED : past.last + 1]


def _expected_days(past: Shares) -> np.ndarray:
    """[series, TESTED] a day's total as one would have expected it the evening before: its weekday, times how the
    last week differed from its weekdays."""
    total = np.where(past.sold, past.total, np.nan)
    usual = np.full(total.shape, np.nan)
    usual[:, 7:] = weekday_ewm(total, 4.0)[:, :-7]
    surprise = np.full(total.shape, np.nan)
    surprise[:, 1:] = trailing_mean(_ratio(total, usual), LATELY)[:, :-1]
    return (usual * np.exp(np.nan_to_num(surprise)))[:, past.last + 1 - TESTED : past.last + 1]


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Log of a / b within LEAST .. MOST, NaN where either is unknown or nothing was expected."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b > 0, np.log(np.clip(a / b, LEAST, MOST)), np.nan)


def before(x: np.ndarray) -> np.ndarray:
    """Sums of the hours before each hour, hours on axis 1."""
    return np.cumsum(x, axis=1) - x


def after(x: np.ndarray) -> np.ndarray:
    """Sums of each hour and those after it."""
    return np.sum(x, axis=1, keepdims=True) - before(x)
