"""From published sales and the calendar to the engine's panel."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from uuid import UUID

import numpy as np
import pandas as pd
from django.db.models import FloatField, Q, TextField
from django.db.models.functions import Cast

from accounts.models import Organisation
from departments.models import Closure, Department, Event, Holiday
from departments.querysets import CalendarQuerySet
from departments.season import out_of_season
from forecasting.engine.panel import Panel, build_panel
from sales.choices import TRUSTED
from sales.models import DepartmentCutoff, SalesByHour, SalesSummary
from sales.querysets import SalesQuerySet

HISTORY_DAYS = 1500
ALIVE_DAYS = 92  # a department without sales for longer is not forecast
AHEAD_DAYS = 35  # a branch that opens, or whose season begins, within so many days is forecast before it
HOURS_LEARNED, HOURS_KNOWN = 364, 182  # days of hours a model is trained on, and shown when it is asked

AT_ONCE = 100_000  # rows of the database that are objects at a time: a night may read many millions

# (series, or None for all of them; first day; last day; strength)
Span = tuple[str | None, dt.date, dt.date, float]


@dataclass(frozen=True, eq=False)
class Series:
    """Departments as the engine's series. `cutoffs`: per series its last complete date, at most `cutoff`."""

    panel: Panel
    departments: dict[str, Department]
    cutoffs: dict[str, dt.date]
    cutoff: dt.date


def latest_cutoff(organisation: Organisation) -> dt.date | None:
    newest = DepartmentCutoff.objects.filter(organisation=organisation).order_by("-date").first()
    return newest.date if newest else None


def forecast_departments(
    organisation: Organisation, cutoff: dt.date, ahead: int = AHEAD_DAYS
) -> dict[str, Department]:
    """Open departments that sold lately or open within `ahead` days, by series id."""
    alive = (
        SalesSummary.objects.filter(organisation=organisation)
        .between(cutoff - dt.timedelta(days=ALIVE_DAYS), cutoff)
        .trusted()
        .order_by()
        .values_list("department", flat=True)
        .distinct()
    )
    seasonal = Q(season_start_date__isnull=False) | Q(season_end_date__isnull=False)
    opening = Q(opened_on__gt=cutoff - dt.timedelta(days=28), opened_on__lte=cutoff + dt.timedelta(days=ahead))
    found = (
        Department.objects.filter(organisation=organisation, is_active=True)
        .selling()
        .filter(Q(pk__in=set(alive)) | opening | seasonal)
        .filter(Q(closed_on=None) | Q(closed_on__gt=cutoff))
        .select_related("organisation")
    )
    lately = set(alive)
    return {
        str(department.pk): department
        for department in found
        if department.pk in lately or not department_rests(department, cutoff, ahead)
    }


def department_rests(department: Department, cutoff: dt.date, within: int = AHEAD_DAYS) -> bool:
    """Whether the silence of a seasonal branch goes on: its season explains it and does not begin soon."""
    if department.season_start_date is None and department.season_end_date is None:
        return False
    silent = any(out_of_season(department, cutoff - dt.timedelta(days=ALIVE_DAYS), cutoff))
    ahead = list(out_of_season(department, cutoff + dt.timedelta(days=1), cutoff + dt.timedelta(days=within)))
    return not silent or len(ahead) == within


def read_series(
    organisation: Organisation,
    *,
    cutoff: dt.date,
    horizon: int,
    known_on: dt.date | None = None,
    covariates: Collection[str] = (),
    calendar: int = 0,
) -> Series:
    """The panel as it stood at `cutoff`, with the calendar of the days ahead.

    Nothing after the cutoff is read, and of events and closures only what was known on `known_on` (default: the
    cutoff). `covariates` names event columns a model expects, whether or not such events are near. The calendar may be
    read for more days than the `horizon`, by `calendar`, so that no day depends on how many are asked for with it.
    Untrusted days are left out: to the engine they are not recorded.
    """
    departments = forecast_departments(organisation, cutoff, max(horizon, AHEAD_DAYS))
    sales = daily_sales(departments.values(), cutoff - dt.timedelta(days=HISTORY_DAYS), cutoff)
    last = cutoff + dt.timedelta(days=max(horizon, calendar))
    first = min(sales["date"].min().date() if len(sales) else cutoff, cutoff)
    frame = _covariates(organisation, departments, sales, first, last, known_on or cutoff)
    for name in covariates:
        if name not in frame:
            frame[name] = 0.0
    known = dict(DepartmentCutoff.objects.filter(department__in=departments.values()).values_list("department", "date"))
    cutoffs = {key: min(known.get(department.pk, cutoff), cutoff) for key, department in departments.items()}
    panel = build_panel(sales, frame, last)
    currency = [departments[key].money for key in panel.series]
    if len(set(currency)) > 1:
        panel = replace(panel, currency=currency)
    return Series(panel, departments, cutoffs, cutoff)


def daily_sales(departments: Iterable[Department], first: dt.date, last: dt.date) -> pd.DataFrame:
    """[series_id, date, y] of the days that are believed."""
    days = SalesSummary.objects.filter(department__in=departments).between(first, last).trusted()
    return _tidy(days.exclude(total_sales=None), "total_sales")


def _covariates(
    organisation: Organisation,
    departments: dict[str, Department],
    sales: pd.DataFrame,
    first: dt.date,
    last: dt.date,
    known_on: dt.date,
) -> pd.DataFrame:
    dates, series = pd.date_range(first, last), sorted(departments)
    frame = pd.MultiIndex.from_product([series, dates], names=["series_id", "date"]).to_frame(index=False)
    calendar = Holiday.objects.filter(organisation=organisation, date__range=(first, last)).known_on(known_on)
    named = _named_days(calendar)
    frame["holiday_name"] = np.tile(np.array([named.get(date.date(), "") for date in dates], dtype=object), len(series))
    closed = _closures(departments, last, known_on) + _off_season(departments, sales, first, last)
    frame["closed"] = _marked(series, dates, closed)
    columns: dict[str, list[Span]] = {}
    for date, key in calendar.filter(effect=Holiday.Effect.PERIOD).values_list("date", "key"):
        columns.setdefault(f"period_{key}", []).append((None, date, date, 1.0))
    found = Event.objects.filter(organisation=organisation, first__lte=last, last__gte=first).known_on(known_on)
    for event in found:
        where = str(event.department_id) if event.department_id else None
        columns.setdefault(f"event_{event.kind}", []).append((where, event.first, event.last, event.strength))
    for name, spans in sorted(columns.items()):
        frame[name] = _marked(series, dates, spans)
    return frame


def _named_days(calendar: CalendarQuerySet) -> dict[dt.date, str]:
    """{date: the key of its holiday}. Where two meet, the feast names the day; of two feasts the one that came more often,

    because what it does is known from its other years.
    """
    rank = {Holiday.Effect.FEAST: 2, Holiday.Effect.DAY_OFF: 1}
    rows = list(calendar.exclude(effect=Holiday.Effect.PERIOD).values_list("date", "key", "effect"))
    times = Counter(key for _date, key, _effect in rows)
    return {date: key for date, key, _ in sorted(rows, key=lambda row: (rank.get(row[2], 0), times[row[1]], row[1]))}


def _closures(departments: dict[str, Department], last: dt.date, known_on: dt.date) -> list[Span]:
    closures = Closure.objects.filter(department__in=departments.values(), first__lte=last).known_on(known_on)
    spans: list[Span] = [(str(c.department_id), c.first, c.last or last, 1.0) for c in closures]
    for key, department in departments.items():
        if department.opened_on:
            spans.append((key, dt.date(1900, 1, 1), department.opened_on - dt.timedelta(days=1), 1.0))
        if department.closed_on:
            spans.append((key, department.closed_on, last, 1.0))
    return spans


def _off_season(departments: dict[str, Department], sales: pd.DataFrame, first: dt.date, last: dt.date) -> list[Span]:
    """Days out of season, but for those on which something was sold all the same."""
    spans: list[Span] = []
    for key, department in departments.items():
        resting = list(out_of_season(department, first, last))
        sold = set(sales["date"][sales["series_id"] == key].dt.date) if resting else set()
        spans += [(key, date, date, 1.0) for date in resting if date not in sold]
    return spans


def _marked(series: list[str], dates: pd.DatetimeIndex, spans: Iterable[Span]) -> np.ndarray:
    """[series x dates] the strongest of the spans that cover a day of a series, else 0; series after series."""
    values, place = np.zeros((len(series), len(dates))), {key: row for row, key in enumerate(series)}
    start = dates[0].date()
    for key, first, last, strength in spans:
        if key is not None and key not in place:
            continue  # of a branch that is not forecast
        begin, end = max((first - start).days, 0), max((last - start).days + 1, 0)
        days = values[:, begin:end] if key is None else values[place[key], begin:end]
        np.maximum(days, strength, out=days)
    return values.reshape(-1)


def read_hours(series: Series, days: int) -> pd.DataFrame:
    """[series_id, date, hour, y] of the last `days` days that are believed, each series' up to its own cutoff."""
    first, departments = series.cutoff - dt.timedelta(days=days - 1), series.departments.values()
    sold = SalesByHour.objects.filter(department__in=departments).between(first, series.cutoff)
    hours = _tidy(sold.exclude(sales_amount=None), "sales_amount", "hour")
    summaries = SalesSummary.objects.filter(department__in=departments).between(first, series.cutoff)
    doubted = summaries.exclude(state__in=TRUSTED).values_list("department", "date")
    left_out = [(str(department), pd.Timestamp(date)) for department, date in doubted]
    cutoffs = hours["series_id"].map({key: pd.Timestamp(cutoff) for key, cutoff in series.cutoffs.items()})
    believed = (hours["date"] <= cutoffs).to_numpy()
    if left_out:
        believed = believed & ~pd.MultiIndex.from_frame(hours[["series_id", "date"]]).isin(left_out)
    return hours[believed]


def kinds(departments: dict[str, Department]) -> dict[str, str]:
    """What a series without much of a history is like."""
    return {key: department.segment_type for key, department in departments.items()}


def _tidy(rows: SalesQuerySet, amount: str, *more: str) -> pd.DataFrame:
    """[series_id, date, *more, y] as the database's own numbers and texts: no Decimal or UUID is made per row."""
    found = (
        rows.order_by()
        .annotate(
            series=Cast("department_id", TextField()), day=Cast("date", TextField()), y=Cast(amount, FloatField())
        )
        .values_list("series", "day", *more, "y")
    )
    names, left = ["series_id", "date", *more, "y"], found.iterator(chunk_size=AT_ONCE)
    ids: dict[str, str] = {}
    pieces = []
    while read := list(islice(left, AT_ONCE)):
        piece = pd.DataFrame(read, columns=names)
        codes, keys = pd.factorize(piece["series_id"])
        piece["series_id"] = np.array([ids.setdefault(key, str(UUID(key))) for key in keys], dtype=object)[codes]
        piece["date"] = pd.to_datetime(piece["date"], format="%Y-%m-%d")
        pieces.append(piece.astype({"y": float, **dict.fromkeys(more, int)}))
    if pieces:
        return pd.concat(pieces, ignore_index=True)
    types = {"series_id": object, "date": "datetime64[ns]", **dict.fromkeys(more, int), "y": float}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
