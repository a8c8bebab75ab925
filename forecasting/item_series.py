"""From what was sold of each product to the engine's item panel."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import pandas as pd
from django.db.models import FloatField, Max, Q, TextField
from django.db.models.functions import Cast

from accounts.models import Organisation
from departments.models import Department
from forecasting.engine.item_features import LOOK_BACK, MEMORY
from forecasting.engine.item_panel import COLUMNS, ItemPanel, build_item_panel
from forecasting.models import Forecast
from forecasting.series import Series, read_series
from items.models import ItemDay, Product, ProductDay
from sales.choices import TRUSTED
from sales.models import SalesSummary

LATE_DAYS = 7  # by which items may lag behind the department's sales; older ones are forecast no more
SHARE_DAYS = 28


@dataclass(frozen=True, eq=False)
class ItemSeries:
    """Departments whose items are known. `cutoffs`: per department the last day whose items are complete, at most `cutoff`."""

    items: ItemPanel
    series: Series
    cutoffs: dict[str, dt.date]

    @property
    def departments(self) -> dict[str, Department]:
        return {key: self.series.departments[key] for key in self.cutoffs}


def read_items(organisation: Organisation, *, cutoff: dt.date, horizon: int, known_on: dt.date) -> ItemSeries | None:
    """The panel as it stood at `cutoff`; None where no department's items are known. Nothing after the cutoff is read.

    A day that is not believed is left out with its items: to the engine it is not recorded.
    """
    series = read_series(organisation, cutoff=cutoff, horizon=horizon, known_on=known_on)
    cutoffs = _cutoffs(series)
    if not cutoffs:
        return None
    first = cutoff - dt.timedelta(days=MEMORY + LOOK_BACK)
    sold = [_sold(series.departments[key], first, last) for key, last in sorted(cutoffs.items())]
    frame = pd.concat(sold, ignore_index=True) if sold else pd.DataFrame(columns=list(COLUMNS))
    if frame.empty:
        return None
    groups = {
        str(pk): str(category or group or "")
        for pk, category, group in Product.objects.filter(organisation=organisation).values_list(
            "pk", "category", "group"
        )
    }
    return ItemSeries(build_item_panel(series.panel, frame, groups), series, cutoffs)


def _cutoffs(series: Series) -> dict[str, dt.date]:
    """Of departments whose items are known lately: the last day that is complete and whose items are there."""
    since = series.cutoff - dt.timedelta(days=LATE_DAYS)
    days = ItemDay.objects.filter(department__in=series.departments.values()).counted().between(since, series.cutoff)
    newest = {}
    for key, cutoff in series.cutoffs.items():
        mine = days.filter(department=series.departments[key].pk, date__lte=cutoff)
        last = mine.aggregate(last=Max("date"))["last"]
        if last and last > since:
            newest[key] = last
    return newest


def _sold(department: Department, first: dt.date, last: dt.date) -> pd.DataFrame:
    """[department, product, date, y, money] of the days that are believed; a department at a time, to bound memory."""
    doubted = SalesSummary.objects.filter(department=department).between(first, last).exclude(state__in=TRUSTED)
    rows = (
        ProductDay.objects.filter(department=department)
        .between(first, last)
        .exclude(date__in=set(doubted.values_list("date", flat=True)))
        .order_by()
        .annotate(
            item=Cast("product_id", TextField()),
            day=Cast("date", TextField()),
            units=Cast("quantity", FloatField()),
            brought=Cast("revenue", FloatField()),
        )
        .values_list("item", "day", "units", "brought")
    )
    frame = pd.DataFrame(rows, columns=["product", "date", "y", "money"])
    frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
    codes, keys = pd.factorize(frame["product"])
    names = np.array([str(UUID(key)) for key in keys], dtype=object)  # SQLite stores ids without hyphens
    frame["product"] = names[codes] if len(frame) else frame["product"].astype(object)
    frame.insert(0, "department", str(department.pk))
    return frame.astype({"y": float, "money": float})


def shares(found: ItemSeries) -> dict[str, float]:
    """{department: which part of its sales of the last four weeks its items brought}, where both are known in money."""
    out = {}
    for key, cutoff in found.cutoffs.items():
        first = cutoff - dt.timedelta(days=SHARE_DAYS - 1)
        mine = Q(department=found.series.departments[key])
        of_items = dict(ItemDay.objects.filter(mine).counted().between(first, cutoff).values_list("date", "revenue"))
        days = SalesSummary.objects.filter(mine).between(first, cutoff).trusted().values_list("date", "total_sales")
        both = [(of_items[date], total) for date, total in days if total and of_items.get(date) is not None]
        whole = sum(float(total) for _items, total in both)
        if whole > 0:
            out[key] = sum(float(items) for items, _total in both) / whole
    return out


def wanted_money(found: ItemSeries, share: dict[str, float], horizon: int, morning: dt.date) -> np.ndarray:
    """[departments of the panel, horizon] what the items are expected to bring: their share of what was forecast then."""
    names = found.items.whole.series
    out = np.full((len(names), horizon), np.nan)
    first, last = found.series.cutoff + dt.timedelta(days=1), found.series.cutoff + dt.timedelta(days=horizon)
    departments = [found.series.departments[key] for key in share]
    rows = Forecast.objects.filter(department__in=departments).between(first, last).known_on(morning)
    for department, date, amount in rows.values_list("department", "date", "predicted_sales"):
        key = str(department)
        out[names.index(key), (date - first).days] = float(amount) * share[key]
    return out
