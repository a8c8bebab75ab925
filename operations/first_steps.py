"""The way from an empty installation to the first forecast: what is done, what comes next, how that goes."""

import datetime as dt
from typing import Any

from django.db.models import Count, Max, Min
from django.http import HttpRequest

from accounts.models import Organisation
from departments.check import KIND as CHECK
from departments.choices import Kind
from departments.findings import findings
from departments.models import Connection, Department
from departments.timing import organisation_today
from forecasting.choices import LEAST_DAYS
from forecasting.models import ForecastIssue
from runs.choices import State
from runs.models import Run
from runs.pages import box_of, latest_boxes
from sales.choices import TRUSTED
from sales.models import SalesSummary

HISTORY = dt.timedelta(days=730)
STEPS = {"check": CHECK, "departments": "sync_departments", "load": "sync_sales", "train": "train"}


def first_steps(request: HttpRequest, organisation: Organisation) -> dict[str, Any] | None:
    """What the start page shows until there is a first forecast; None from then on."""
    if ForecastIssue.objects.filter(organisation=organisation).exists():
        return None
    connected = list(Connection.objects.filter(organisation=organisation, is_active=True).exclude(kind=Kind.ONEC))
    tills = [connection for connection in connected if connection.kind == Kind.IIKO]
    boxes = _boxes(request, organisation) if request.user.has_perm("runs.view_run") else {}
    checks = [_check(till, boxes.get("check", [])) for till in tills]
    departments = (
        Department.objects.selling().filter(organisation=organisation, sources__connection__in=tills).distinct().count()
    )
    sold = SalesSummary.objects.filter(organisation=organisation, state__in=TRUSTED).aggregate(
        first=Min("date"), last=Max("date"), days=Count("date", distinct=True)
    )
    yesterday = organisation_today(organisation) - dt.timedelta(days=1)
    fed = bool(sold["days"])  # by pushes, or before somebody changed a connection: no step is to be taken again
    done = {
        "connect": bool(connected) or fed,
        "check": any(check["good"] for check in checks) or fed,
        "departments": bool(departments) or fed,
        "load": sold["days"] >= LEAST_DAYS,
        "train": False,
    }
    now = next(step for step, is_done in done.items() if not is_done)
    busy = {step for step, shown in boxes.items() if any(not box["run"].finished for box in shown)}
    # A model that was refused has too little to learn from, as a rule.
    more = now == "train" and any(box["run"].state == State.FAILED for box in boxes.get("train", []))
    offered = ({now} | ({"load"} if more else set())) - busy
    return {
        "done": done,
        "now": now,
        "offered": offered if tills else offered - {"departments", "load"},
        "more": more,
        "connected": connected,
        "checks": checks,
        "departments": departments,
        "sold": sold,
        "least": LEAST_DAYS,
        "from_date": yesterday - HISTORY,
        "to_date": yesterday,
        "boxes": boxes,
    }


def _check(till: Connection, boxes: list[dict[str, Any]]) -> dict[str, Any]:
    told = findings(till)
    return {
        "till": till,
        "good": bool(told) and not any(finding.tone == "danger" for finding in told),
        "bad": [finding for finding in told if finding.tone != "success"],
        "busy": any(box["run"].unit == str(till.pk) and not box["run"].finished for box in boxes),
    }


def _boxes(request: HttpRequest, organisation: Organisation) -> dict[str, list[dict[str, Any]]]:
    """{step: boxes of its newest run} of those that work and of those that did not end well."""
    runs = Run.objects.visible_to(request.user).filter(organisation=organisation)
    shown = {"check": [box for box in latest_boxes(request, CHECK) if box["run"].state != State.DONE]}
    for step, kind in STEPS.items():
        newest = runs.roots().filter(kind=kind).order_by("-id").first() if kind != CHECK else None
        if newest is not None:
            shown[step] = [box_of(request, newest)] if newest.state != State.DONE else []
    return shown
