"""Errors of branches that sell in several currencies, on one scale.

Money of two currencies is never added, and the shares missed by a whole chain would be those of the currency with the largest
figures. Where errors are pooled each currency's money is divided by what a branch of it sells on an average day, so that
days count and not the size of their figures. A chain of one currency is measured in its own money, to the bit.
"""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pandas as pd

from accounts.models import Organisation
from departments.models import Department
from forecasting.engine.panel import Panel
from forecasting.series import Series

YEAR = 364  # newest days of a panel that tell what an average day is
MONEY = ["y", "yhat", "lo80", "hi80", "lo95", "hi95"]


def currencies(organisation: Organisation) -> dict[UUID, str]:
    """What each branch sells in."""
    own = Department.objects.filter(organisation=organisation).values_list("pk", "currency")
    return {pk: currency or organisation.currency for pk, currency in own}


def at_par(rows: pd.DataFrame, currency: pd.Series, money: list[str]) -> pd.DataFrame:
    """Rows with sales `y`, their columns `money` over the mean of `y` of the row's `currency`."""
    if currency.nunique() < 2:
        return rows
    unit = rows["y"].abs().groupby(currency).transform("mean")
    unit = unit.where(unit > 0, 1.0)
    return rows.assign(**{name: rows[name] / unit for name in money})


def panel_at_par(series: Series, *frames: pd.DataFrame) -> tuple[Panel, *tuple[pd.DataFrame, ...]]:
    """The panel and forecasts of its series, in MONEY of one scale."""
    panel = series.panel
    currency = np.array([series.departments[key].money for key in panel.series])
    codes, of = np.unique(currency, return_inverse=True)
    if len(codes) < 2:
        return panel, *frames
    end = panel.index(series.cutoff) + 1
    sold = np.abs(panel.y[:, max(end - YEAR, 0) : end])
    n = np.bincount(of, weights=(~np.isnan(sold)).sum(axis=1))
    mean = np.bincount(of, weights=np.nansum(sold, axis=1)) / np.maximum(n, 1)
    unit = np.where(mean > 0, mean, 1.0)[of]
    by_row = pd.Series(unit, panel.series)

    def over(frame: pd.DataFrame) -> pd.DataFrame:
        each = frame["series_id"].map(by_row)
        return frame.assign(**{name: frame[name] / each for name in MONEY if name in frame})

    return replace(panel, y=panel.y / unit[:, None]), *map(over, frames)
