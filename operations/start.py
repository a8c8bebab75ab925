"""The start page: how the night went, yesterday against its forecast, what comes, what needs a hand."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.pages import page_organisation, signed_in
from departments.check import KIND as CHECK
from departments.models import Department
from departments.timing import organisation_today
from forecasting.compare import Comparison, by_currency, compare
from forecasting.pages import shown_row, totals_by_currency
from operations import health
from operations.alarms import alarms_for, place_of
from operations.first_steps import first_steps
from runs.choices import SEVERITY_TONES, Severity, State
from runs.models import Run
from runs.pages import box_of
from runs.timetable import NIGHT, next_start
from sales.choices import TONES, DayState
from sales.freshness import freshness

WEEK = 7
MOST_ALARMS = 8
TROUBLE_DAYS = 2  # how long a failed run stays on the start page


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold's index shows; somebody who belongs to no organisation sees a sentence instead of figures."""
    try:
        organisation = page_organisation(request)
    except PermissionDenied:
        return {**context, "belongs_nowhere": True}
    user = signed_in(request)
    today = organisation_today(organisation)
    zone = ZoneInfo(organisation.time_zone)
    night = next_start(NIGHT)
    last = today + dt.timedelta(days=WEEK - 1)
    steps = first_steps(request, organisation)
    rows = compare(
        departments=Department.objects.visible_to(user).filter(organisation=organisation),
        first=today - dt.timedelta(days=1),
        last=last,
        today=today,
    )
    return {
        **context,
        "title": organisation.name,
        "today": today,
        "steps": steps,
        "sources": sources(organisation),
        "alarms": standing_alarms(user) if user.has_perm("runs.view_alarm") else [],
        # Alarms are raised by a worker: that there is none, only the page can tell.
        "nobody_works": user.has_perm("runs.view_alarm") and health.worker() == "silent",
        "yesterday": yesterday(rows, today),
        "ahead": ahead(rows, today),
        "work": [box_of(request, run) for run in unsettled_runs(user)]
        if user.has_perm("runs.view_run") and not steps
        else [],
        "next_night": night.astimezone(zone) if night else None,
        "zone": zone.key,
    }


def standing_alarms(user: User) -> list[dict[str, Any]]:
    return [
        {
            "alarm": alarm,
            "place": place_of(alarm),
            "tone": SEVERITY_TONES[Severity(alarm.severity)],
            "severity": alarm.get_severity_display(),
            "give": "waiting" in alarm.params and user.has_perm("departments.change_sourcedepartment"),
        }
        for alarm in alarms_for(user).standing().select_related("seen_by")[:MOST_ALARMS]
    ]


def sources(organisation: Organisation) -> list[dict[str, Any]]:
    return [
        {
            "source": source,
            "state": DayState(source.state).label,
            "tone": TONES[DayState(source.state)],
        }
        for source in freshness(organisation)
    ]


def yesterday(rows: Sequence[Comparison], today: dt.date) -> dict[str, Any]:
    """Those of yesterday, the largest miss first, and what they add up to."""
    date = today - dt.timedelta(days=1)
    rows = [row for row in rows if row.date == date]
    return {
        "date": date,
        "rows": sorted((shown_row(row, today) for row in rows), key=_by_miss),
        "totals": totals_by_currency(rows),
    }


def _by_miss(row: dict[str, Any]) -> tuple[bool, Decimal, str]:
    error = row["row"].error
    return error is None, -abs(error or Decimal(0)), row["row"].department_name


def ahead(rows: Sequence[Comparison], today: dt.date) -> list[dict[str, Any]]:
    """[{"date", "sums"}] of today and the days after it; empty without any forecast.

    A day's `sums` are {"currency", "sum", "share" (percent of the best day)}, one for each currency.
    """
    days: dict[dt.date, list[dict[str, Any]]] = {}
    for code, own in by_currency([row for row in rows if row.date >= today and row.predicted is not None]):
        sums: dict[dt.date, Decimal] = {}
        for row in own:
            sums[row.date] = sums.get(row.date, Decimal(0)) + (row.predicted or Decimal(0))
        most = max(sums.values())
        for date, total in sums.items():
            share = round(100 * total / most) if most else 0
            days.setdefault(date, []).append({"currency": code, "sum": total, "share": share})
    return [{"date": date, "sums": sums} for date, sums in sorted(days.items())]


def unsettled_runs(user: User) -> list[Run]:
    """What works now, and what failed lately, or was a night somebody cancelled, and was not done since."""
    runs = Run.objects.visible_to(user).roots()
    working = list(runs.unfinished()[:10])
    since = timezone.now() - dt.timedelta(days=TROUBLE_DAYS)
    lacking = Q(state__in=[State.FAILED, State.PARTIAL]) | Q(state=State.CANCELLED, kind="nightly")
    failed = runs.filter(lacking, finished_at__gte=since)
    # Work that is done makes up for all that failed of its kind; of a connection the last check says how it is.
    checked = Q(kind=CHECK, state__in=[State.FAILED, State.PARTIAL])
    later = runs.filter(Q(state=State.DONE) | checked, finished_at__gte=since).order_by("id")
    last = {_about(kind, unit): pk for kind, unit, pk in later.values_list("kind", "unit", "id")}
    return working + [run for run in failed[:20] if last.get(_about(run.kind, run.unit), 0) <= run.pk][:5]


def _about(kind: str, unit: str) -> tuple[str, str]:
    return kind, unit if kind == CHECK else ""
