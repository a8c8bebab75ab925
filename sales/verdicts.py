"""A person decides about a suspicious day."""

from django.db import transaction

from accounts.models import User
from departments.scopes import sees_all
from runs.choices import Trigger
from runs.models import Run
from sales.choices import DayState
from sales.models import ObservedDay, SalesSummary, SourceDay, Verdict
from sales.sync import start_sync


class NothingToDecide(Exception):
    """The day is not suspicious, or no source is known that said something of it."""


def believe(day: SalesSummary, *, by: User) -> Run:
    """Take what the source says of a suspicious day for true: remember it, and load the date again.

    Raises NothingToDecide.
    """
    with transaction.atomic():
        observed = ObservedDay.objects.filter(
            connection=day.connection_id, department=day.department_id, date=day.date, state=DayState.SUSPICIOUS
        )
        ids = list(observed.values_list("external_id", flat=True))
        if day.connection is None or not ids:
            raise NothingToDecide
        for external_id in ids:
            Verdict.objects.update_or_create(
                organisation_id=day.organisation_id,
                connection=day.connection,
                external_id=external_id,
                date=day.date,
                defaults={"by": by},
            )
        SourceDay.objects.filter(connection=day.connection, date=day.date).update(digest="")
    organisation = day.department.organisation
    run, _created = start_sync(
        organisation=organisation,
        from_date=day.date,
        to_date=day.date,
        connections=[day.connection],
        department=None if sees_all(by, organisation) else day.department,
        trigger=Trigger.PAGE,
        started_by=by,
    )
    return run
