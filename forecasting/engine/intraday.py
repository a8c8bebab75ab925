"""The rest of today from the hours already sold.

A morning above its forecast tells of the afternoon as far as mornings have told before: the log of rest over expected
rest is regressed on the log of morning over expected morning, by hour, over the last five weeks of all series.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from forecasting.engine.hour_model import TESTED, Shares, recent_shares
from forecasting.engine.windows import trailing_mean, weekday_ewm

LEAST, MOST = 0.2, 5.0  # a morning this far from its expectation says no more than one at the edge
PRIOR = 60  # days of which the regression believes beforehand that mornings tell nothing
LATELY = 7
LEAST_SHARE = 0.01  # of the day expected by now, or in the rest


@dataclass(frozen=True, eq=False)
class Mornings:
    """By hour of the clock: the `power` of the morning's ratio the rest is multiplied by, and how much `uncertainty`
    is left of the day's (1 = all). [24] each."""

    power: np.ndarray
    uncertainty: np.ndarray


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


def rest_of_day(
    mornings: Mornings, yhat: np.ndarray, bounds: dict[str, np.ndarray], shares: np.ndarray, sold: np.ndarray, now: int
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """(hours [series, 24], total [series], bounds of the total) when the hours before `now` (0-24) are sold.

    `yhat` and `bounds` (lo80 ... hi95) [series] are the morning's forecast of the day, `shares` [series, 24] its hours,
    `sold` [series, 24] today's sales (hours from `now` on are not read). Sold hours stay as they are, the total is the
    sum of the hours; where next to nothing was expected by now, the rest stays as it was forecast.
    """
    done = np.arange(24) < now
    shares = shares / np.where(shares.sum(axis=1) > 0, shares.sum(axis=1), 1.0)[:, None]
    so_far, share = np.where(done, sold, 0.0).sum(axis=1), np.where(done, shares, 0.0).sum(axis=1)
    expected = yhat * share
    telling = (share > LEAST_SHARE) & (expected > 0)
    hour = min(now, 23)
    ratio = np.clip(so_far / np.where(telling, expected, 1.0), LEAST, MOST)
    factor = np.where(telling, ratio ** mornings.power[hour], 1.0)
    hours = np.where(done, sold, (yhat * factor)[:, None] * shares)
    total = hours.sum(axis=1)
    # Errors of what is to come grow with the root of its share of the day.
    left = factor * np.sqrt(1 - np.minimum(share, 1.0)) * np.where(telling, mornings.uncertainty[hour], 1.0)
    out = {name: total + (edge - yhat) * left for name, edge in bounds.items()}
    return hours, total, {k: np.fmax(v, so_far) if k.startswith("lo") else v for k, v in out.items()}
