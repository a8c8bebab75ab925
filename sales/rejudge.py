"""What people enter into the calendar afterwards explains days that were doubted: those are judged again by themselves."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import Organisation, User
from departments.changes import Noted
from departments.models import Closure, Connection, Department, Holiday
from departments.scopes import sees_all
from departments.timing import organisation_today
from runs.choices import Trigger
from sales.choices import DayState
from sales.models import SalesSummary, SourceDay
from sales.settling import questions
from sales.sync import start_sync

WHEN_IT_SELLS = ("season_start_date", "season_end_date", "opened_on", "closed_on")
# One load asks for at most so many days; what is older than the newest loads comes with the next night.
DAYS_PER_LOAD, MOST_LOADS = 31, 12


def judge_again(noted: Sequence[Noted], by: User | None, **kwargs: Any) -> None:
    """Receiver of `people_changed`: forget what keeps the doubts of those dates, and load them once that is committed.

    Whatever the source said is judged anew with the calendar as it is now.
    """
    explained: dict[Organisation, Q] = defaultdict(Q)
    for change in noted:
        if not change.gone and (days := _days_of(change)) is not None:
            explained[change.row.organisation] |= days
    for organisation, days in explained.items():
        doubted = SalesSummary.objects.filter(days, organisation=organisation, state=DayState.SUSPICIOUS)
        dates: dict[int, set[dt.date]] = defaultdict(set)
        for connection, date in doubted.exclude(connection=None).values_list("connection", "date").distinct():
            dates[connection].add(date)
        for connection, some in dates.items():
            # A night looks for days that are not settled, however old they are.
            SourceDay.objects.filter(connection=connection, date__in=some).update(digest="", is_settled=False)
        if dates:
            transaction.on_commit(partial(_load, organisation, dict(dates), by))


def _days_of(change: Noted) -> Q | None:
    """The days of sales that the row explains, if it does."""
    row = change.row
    if isinstance(row, Holiday):
        return Q(date=row.date)
    if isinstance(row, Closure):
        upto = Q(date__lte=row.last) if row.last else Q()
        return Q(department=row.department_id, date__gte=row.first) & upto
    if isinstance(row, Department) and change.before and change.moved(WHEN_IT_SELLS):
        return Q(department=row.pk)
    return None


def _load(organisation: Organisation, dates: dict[int, set[dt.date]], by: User | None) -> None:
    """The loads are the person's own where all they tell of is the person's to see."""
    known, today = Connection.objects.in_bulk(dates), organisation_today(organisation)
    for pk, some in dates.items():
        for first, last in questions([date for date in some if date <= today], DAYS_PER_LOAD)[:MOST_LOADS]:
            start_sync(
                organisation=organisation,
                from_date=first,
                to_date=last,
                connections=[known[pk]],
                trigger=Trigger.PAGE,
                started_by=by if by and sees_all(by, organisation) else None,
            )
