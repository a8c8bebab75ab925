"""Forecasts for a series with little or no history of its own: own level, weekday profile borrowed from the others."""

import numpy as np

from forecasting.engine.history import SHORT, History

OWN_WEEKS = 3.0  # weeks of the own weekday that weigh as much as the pooled profile
OWN_DAYS = 5.0  # days of own sales that weigh as much as the pooled level


class Pool:
    """What the series with history have in common at an origin day: level and weekday profile."""

    def __init__(self, history: History, origin: int) -> None:
        self.history, self.origin = history, origin
        past = history.weekday[8.0][:, max(origin - 6, 0) : origin + 1]
        level = history.level[:, origin]
        grown = (history.records[:, origin] >= SHORT) & (level > 0)
        share = np.full((7, 1), 1.0)
        if grown.any() and past.shape[1] == 7:
            shares = (past / level[:, None])[grown]
            known = ~np.isnan(shares).all(axis=0)
            middle = np.ones(7)
            middle[known] = np.nanmedian(shares[:, known], axis=0)
            share = middle[np.argsort((history.at[origin - 6 : origin + 1]) % 7, kind="stable")][:, None]
        self.share = share[:, 0] if share.shape[0] == 7 else np.ones(7)  # by (day index mod 7)
        self.level = float(np.median(level[grown])) if grown.any() else float("nan")

    def without_history(self, t: np.ndarray) -> np.ndarray:
        """The median series' weekday, for days `t`; 0 when no series has a history."""
        return np.nan_to_num(self.level) * self.share[t % 7] * self._feast(t)

    def short(self, values: np.ndarray, days: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Forecast for days `t` from the few records `values` made on `days`: weekday means shrunk to level x profile."""
        profile = self.share
        level = float((values / np.maximum(profile[days % 7], 0.1)).mean())
        if not np.isnan(self.level) and len(values) < 3:
            level = (level * len(values) + self.level) / (len(values) + 1)
        out = np.empty(len(t))
        for weekday in range(7):
            mine = values[days % 7 == weekday]
            expected = level * profile[weekday]
            out[t % 7 == weekday] = (mine.sum() + OWN_WEEKS * expected) / (len(mine) + OWN_WEEKS)
        return np.fmax(out, 0.0) * self._feast(t)

    def _feast(self, t: np.ndarray) -> np.ndarray:
        """Pooled effect of feasts on days `t`, as a factor."""
        pooled = self.history.feast["pooled"][:, t]
        n = (~np.isnan(pooled)).sum(axis=0)
        mean = np.where(n > 0, np.nan_to_num(pooled).sum(axis=0) / np.maximum(n, 1), 0.0)
        return np.exp(np.clip(mean, -2, 2))
