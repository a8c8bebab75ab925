"""The rest of today from the hours already sold, as what mornings have told (`intraday.learn_mornings`) has it.

Needs nothing but numpy: it is asked for by whoever looks at today.
"""

from dataclasses import dataclass

import numpy as np

LEAST, MOST = 0.2, 5.0  # a morning this far from its expectation says no more than one at the edge
LEAST_SHARE = 0.01  # of the day expected by now, or in the rest


@dataclass(frozen=True, eq=False)
class Mornings:
    """By hour of the clock: the `power` of the morning's ratio the rest is multiplied by, and how much `uncertainty`
    is left of the day's (1 = all). [24] each."""

    power: np.ndarray
    uncertainty: np.ndarray


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
    expected = np.where(telling, expected, 1.0)
    # Before they are divided: next to nothing may be less than any number times what was sold.
    ratio = np.clip(so_far, LEAST * expected, MOST * expected) / expected
    factor = np.where(telling, ratio ** mornings.power[hour], 1.0)
    hours = np.where(done, sold, (yhat * factor)[:, None] * shares)
    total = hours.sum(axis=1)
    # Errors of what is to come grow with the root of its share of the day.
    left = factor * np.sqrt(1 - np.minimum(share, 1.0)) * np.where(telling, mornings.uncertainty[hour], 1.0)
    out = {name: total + (edge - yhat) * left for name, edge in bounds.items()}
    return hours, total, {k: np.fmax(v, so_far) if k.startswith("lo") else v for k, v in out.items()}
