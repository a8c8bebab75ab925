"""Branches that sell in several currencies, on one scale.

Money of two currencies is never added. Where levels of branches are compared, as the engine does when it learns, or errors
are pooled, each currency's money is divided by what a branch of it sells on an average day, so that days count and not the
size of their figures. A chain of one currency is forecast and measured in its own money, to the bit.
"""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pandas as pd

from accounts.models import Organisation
from departments.models import Department
from forecasting.engine.panel import Panel, units
from forecasting.engine.windows import known

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


def panel_at_par(panel: Panel, *frames: pd.DataFrame) -> tuple[Panel, *tuple[pd.DataFrame, ...]]:
    """The panel and forecasts of its series, in MONEY of one scale."""
    if panel.currency is None:
        return panel, *frames
    unit = known(units(panel.y, panel.currency))
    by_row = pd.Series(np.where(unit > 0, unit, 1.0), panel.series)

    def over(frame: pd.DataFrame) -> pd.DataFrame:
        each = frame["series_id"].map(by_row)
        return frame.assign(**{name: frame[name] / each for name in MONEY if name in frame})

    return replace(panel, y=panel.y / by_row.to_numpy()[:, None], currency=None), *map(over, frames)
