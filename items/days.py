"""From lines that changed to everything that follows from them: roll-ups, then observed and published sales."""

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from accounts.models import Organisation
from items.locks import lock_lines, lock_rollups
from items.models import ItemSource, StaleDay
from items.observe import left_open, observe
from items.rollup import refresh_rollups
from runs.models import Run

Day = tuple[UUID, dt.date]


@transaction.atomic
def refresh_days(source: ItemSource, days: Collection[Day] | None = None, *, run: Run | None = None) -> int:
    """Bring roll-ups and published sales of these (department, date)s in line with the lines of `source`.

    None: of all days that `store_lines(..., refresh=False)` left behind. Returns changed rows.
    """
    lock_lines(source.pk)
    if days is None:
        days = StaleDay.objects.filter(connection=source.pk).values_list("department", "date")
    days = frozenset(days)
    if source.is_observed:
        days |= left_open(source)
    if not days:
        return 0
    lock_rollups(source.organisation_id)
    changed = refresh_rollups(source.organisation_id, days, connection=source.pk)
    _forget_stale(source)
    return changed + (observe(source, days, run=run, staged=True) if source.is_observed else 0)


def _forget_stale(source: ItemSource) -> None:
    """The days that were added up just now are stale no more."""
    with database.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {StaleDay._meta.db_table} WHERE connection_id = %s"
            " AND (department_id, date) IN (SELECT department_id, date FROM touched_days)",
            [source.pk],
        )


def mark_stale(source: ItemSource, days: Collection[Day]) -> None:
    """Remember days for `refresh_days`."""
    rows = [StaleDay(connection_id=source.pk, department_id=department, date=date) for department, date in days]
    StaleDay.objects.bulk_create(rows, ignore_conflicts=True)


def refresh_stale(organisation: Organisation) -> int:
    """Refresh every day of the organisation that a delivery left behind, as one that was interrupted; changed rows."""
    sources = ItemSource.objects.filter(organisation=organisation, pk__in=StaleDay.objects.values("connection"))
    return sum(refresh_days(source) for source in sources.select_related("connection"))
