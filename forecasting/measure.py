"""The accuracy log: each promise beside what was sold, written as days settle, written again when they change."""

import datetime as dt
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Department
from departments.timing import organisation_today
from forecasting.choices import MOST_DAYS_BEFORE
from forecasting.engine import metrics
from forecasting.engine.panel import Panel, build_panel
from forecasting.models import Accuracy, Forecast
from forecasting.series import daily_sales
from runs.ledger import open_run
from runs.models import Run
from sales.choices import TRUSTED
from sales.models import SalesSummary
from sales.money import CENT

UNSETTLED_DAYS = 40  # how far back a day that may still change is looked at again
SCALE_DAYS = 730
DATES_AT_ONCE = 14  # bounds the memory
_KEY = ["department_id", "date", "horizon"]
_PROMISE = [
    "version_id", "origin", "rule", "cutoff", "predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95",
]  # fmt: skip
_FACTS = ["actual", "naive", "scale", "state", "is_settled"]


def start_measuring(*, organisation: Organisation, trigger: str) -> tuple[Run, bool]:
    """Open a run that brings the accuracy log up to date."""
    return open_run("measure", organisation=organisation, trigger=trigger)


def due_dates(organisation: Organisation) -> list[dt.date]:
    """Past dates with a promise that was not measured yet, that may not have settled, or whose day changed since."""
    today = organisation_today(organisation)
    first = Accuracy.objects.filter(organisation=organisation, horizon=1)  # there is one wherever there is any
    day = SalesSummary.objects.filter(department=OuterRef("department"), date=OuterRef("date"))
    known = first.annotate(changed=Subquery(day.values("updated_at")[:1]))
    moving = Q(is_settled=False, date__gte=today - dt.timedelta(days=UNSETTLED_DAYS))
    vanished = Q(changed=None) & ~Q(state="")
    again = known.filter(Q(changed__gt=F("measured_at")) | vanished | moving)
    promised = Forecast.objects.filter(issue__organisation=organisation, lead_days__gte=1, date__lt=today)
    new = promised.exclude(date__in=first.values("date"))
    found = {date for rows in (again, new) for date in rows.order_by().values_list("date", flat=True).distinct()}
    return sorted(found)


def measure(
    organisation: Organisation,
    dates: Collection[dt.date] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Bring the log of `dates` (default: all that are due) in line with the sales; returns how many rows changed.

    A promise that is in the log stays as it was made; only what is known of the day follows the sales.
    """
    wanted = sorted(due_dates(organisation) if dates is None else dates)
    changed = 0
    for done in range(0, len(wanted), DATES_AT_ONCE):
        changed += _measure(organisation, wanted[done : done + DATES_AT_ONCE])
        if progress:
            progress(min(done + DATES_AT_ONCE, len(wanted)), len(wanted))
    return changed


def _measure(organisation: Organisation, dates: list[dt.date]) -> int:
    now = timezone.now()
    logged = Accuracy.objects.filter(organisation=organisation, date__in=dates)
    before = pd.DataFrame(
        list(logged.order_by().values(*_KEY, *_PROMISE, *_FACTS)), columns=[*_KEY, *_PROMISE, *_FACTS]
    )
    promises = _promised(organisation, dates)
    new = ~pd.MultiIndex.from_frame(promises[_KEY]).isin(pd.MultiIndex.from_frame(before[_KEY]))
    rows = pd.concat([before[[*_KEY, *_PROMISE]].astype(object), promises[new]], ignore_index=True)
    if rows.empty:
        return 0
    facts = _facts(rows, dates)
    # Equal rows are not written again: most nights change nothing but the newest date.
    same = [
        number < len(before) and was == now_is
        for number, (was, now_is) in enumerate(
            zip([*_records(before, _FACTS), *[None] * int(new.sum())], _records(facts, _FACTS), strict=True)
        )
    ]
    written = [
        Accuracy(organisation=organisation, measured_at=now, **promise, **fact)
        for promise, fact, equal in zip(_records(rows, [*_KEY, *_PROMISE]), _records(facts, _FACTS), same, strict=True)
        if not equal
    ]
    with transaction.atomic():
        logged.update(measured_at=now)
        Accuracy.objects.bulk_create(
            written,
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["department", "date", "horizon"],
            update_fields=[*_FACTS, "measured_at"],
        )
    return len(written)


def _records(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    found = frame[columns].astype(object)
    return list(found.where(found.notna(), None).to_dict("records"))


def _promised(organisation: Organisation, dates: list[dt.date]) -> pd.DataFrame:
    """[*_KEY, *_PROMISE]: for each department, date and number of days before it the newest forecast made by then."""
    issued = Forecast.objects.filter(issue__organisation=organisation, date__in=dates, lead_days__gte=1)
    fields = ["department_id", "date", "lead_days", "version_id", "origin", *_PROMISE[2:]]
    found = issued.order_by("-issue__made_at", "-issue_id").values_list(
        "department_id", "date", "lead_days", "issue__version_id", "issue__origin", *_PROMISE[2:]
    )
    frame = pd.DataFrame(list(found), columns=fields, dtype=object)
    # Newest first, a forecast answers for the days before that no newer one has reached.
    lead = frame["lead_days"].astype(int).clip(upper=MOST_DAYS_BEFORE)
    reached = lead.groupby([frame["department_id"], frame["date"]]).cummax()
    newer = reached.groupby([frame["department_id"], frame["date"]]).shift(fill_value=0).astype(int)
    times = (lead - newer).clip(lower=0).to_numpy()
    out = frame.loc[np.repeat(frame.index.to_numpy(), times)].reset_index(drop=True)
    nth = np.arange(len(out)) - np.repeat(np.cumsum(times) - times, times)
    out["horizon"] = (np.repeat(newer.to_numpy(), times) + nth + 1).astype(object)
    return out[[*_KEY, *_PROMISE]]


def _facts(rows: pd.DataFrame, dates: list[dt.date]) -> pd.DataFrame:
    """[rows, _FACTS] what is known of the days by now."""
    departments = list(Department.objects.filter(pk__in=set(rows["department_id"])))
    days = {
        (department, date): (total if state in TRUSTED else None, state, settled)
        for department, date, total, state, settled in SalesSummary.objects.filter(
            department__in=departments, date__in=dates
        )
        .with_settled()
        .order_by()
        .values_list("department_id", "date", "total_sales", "state", "settled")
    }
    known = [days.get(key, (None, "", False)) for key in zip(rows["department_id"], rows["date"], strict=True)]
    out = pd.DataFrame(known, columns=["actual", "state", "is_settled"], dtype=object)
    first, last = min(rows["cutoff"]), max(rows["cutoff"])
    sales = daily_sales(departments, first - dt.timedelta(days=SCALE_DAYS), last)
    naive, scale = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if len(sales):
        panel = build_panel(sales)
        place = pd.Index(panel.series).get_indexer(rows["department_id"].astype(str))
        for cutoff in sorted(set(rows["cutoff"])):
            mine = (rows["cutoff"] == cutoff).to_numpy() & (place >= 0)
            ahead = np.array([(date - cutoff).days for date in rows["date"][mine]], dtype=int)
            week, change = _known_at(panel, cutoff)
            naive[mine] = week[place[mine], (ahead - 1) % 7]
            scale[mine] = change[place[mine]]
    out["naive"] = [None if np.isnan(x) else Decimal(repr(float(x))).quantize(CENT) for x in naive]
    out["scale"] = [None if np.isnan(x) else round(float(x), 2) for x in scale]
    return out


def _known_at(panel: Panel, cutoff: dt.date) -> tuple[np.ndarray, np.ndarray]:
    """[series, 7] the last same weekday's sales for the seven days after `cutoff`, and [series] the scale of MASE."""
    if panel.index(cutoff) < 0:
        nothing = np.full(len(panel.series), np.nan)
        return np.full((len(nothing), 7), np.nan), nothing
    week = metrics.seasonal_naive(panel, cutoff, 7)["yhat"].to_numpy().reshape(-1, 7)
    return week, metrics.mase_scale(panel, cutoff, SCALE_DAYS)
