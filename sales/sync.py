"""Starting a load of a range of business dates."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from accounts.models import Organisation, User
from departments.models import Connection, Department
from departments.timing import organisation_today
from runs.ledger import open_run
from runs.models import Run

LONGEST_RANGE = 1100  # days


class BadRange(ValueError):
    """The range of dates cannot be loaded; `code` and `params` say why."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def settled_range(organisation: Organisation) -> tuple[dt.date, dt.date]:
    """Yesterday and the settling window before it."""
    yesterday = organisation_today(organisation) - dt.timedelta(days=1)
    return yesterday - dt.timedelta(days=max(settings.SETTLING_DAYS - 1, 0)), yesterday


def night_range(night: dt.date) -> tuple[dt.date, dt.date]:
    """What a night reads again: the settling window, and once a week the longer one."""
    days = max(settings.SETTLING_DAYS, 1)
    if night.isoweekday() == settings.LONG_SETTLING_WEEKDAY:
        days = max(days, settings.LONG_SETTLING_DAYS)
    return night - dt.timedelta(days=days), night - dt.timedelta(days=1)


def check_range(organisation: Organisation, first: dt.date, last: dt.date) -> None:
    """Raise BadRange for a range nobody can mean."""
    today = organisation_today(organisation)
    if first > last:
        raise BadRange("range_reversed", first=f"{first:%d.%m.%Y}", last=f"{last:%d.%m.%Y}")
    if last > today:
        raise BadRange("range_in_future", last=f"{last:%d.%m.%Y}", today=f"{today:%d.%m.%Y}")
    if (last - first).days >= LONGEST_RANGE:
        raise BadRange("range_too_long", days=(last - first).days + 1, most=LONGEST_RANGE)


def start_sync(
    *,
    organisation: Organisation,
    from_date: dt.date | None = None,
    to_date: dt.date | None = None,
    connections: Sequence[Connection] | None = None,
    department: Department | None = None,
    trigger: str,
    started_by: User | None = None,
    dry_run: bool = False,
    night: dt.date | None = None,
    parent: Run | None = None,
    log_as: str = "",
    force: bool = False,
) -> tuple[Run, bool]:
    """Open a run that loads both dates and all between them; no dates: yesterday and the settling window.

    Without `to_date` up to yesterday, without `from_date` the one date. `department` limits the load, which then
    completes nothing. `log_as` names the type under which `auto_sync_log` gets a line. `force` compares every date anew.
    Raises BadRange.
    """
    if from_date is None and to_date is None:
        from_date, to_date = settled_range(organisation)
    yesterday = organisation_today(organisation) - dt.timedelta(days=1)
    first = from_date or to_date or yesterday
    last = to_date or max(first, yesterday)
    check_range(organisation, first, last)
    ids = sorted(connection.pk for connection in connections or [])
    params = {
        "connections": ids,
        "department": str(department.pk) if department else None,
        "dry_run": dry_run,
        "log_as": log_as,
        "force": force,
    }
    limits = [",".join(map(str, ids)), str(department.pk) if department else "", "dry" * dry_run, "force" * force]
    unit = " ".join([f"{first}..{last}", *filter(None, limits)])
    return open_run(
        "sync_sales",
        organisation=organisation,
        unit=unit,
        night=night,
        parent=parent,
        trigger=trigger,
        started_by=started_by,
        from_date=first,
        to_date=last,
        params=params,
    )
