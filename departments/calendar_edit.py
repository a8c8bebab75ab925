"""A person adds, changes or deletes a single holiday, closure or event."""

from typing import Any, TypeVar

from django.db import transaction

from accounts.models import Organisation, User
from departments.changes import as_kept, note
from departments.edit import Refused
from departments.models import Closure, Event, Holiday
from departments.scopes import sees_all

Row = TypeVar("Row", Holiday, Closure, Event)


@transaction.atomic
def add_row(model: type[Row], organisation: Organisation, values: dict[str, Any], *, by: User) -> Row:
    """Raises Django's ValidationError, and Refused for a row of the whole chain by who sees a part of it."""
    row = model(organisation=organisation, **values)
    if isinstance(row, Event):
        row.created_by = by
    _check(row, by)
    row.save()
    note(row, before=None, by=by)
    return row


@transaction.atomic
def change_row(row: Row, values: dict[str, Any], *, by: User) -> Row:
    """Set the fields named in `values`. Raises as `add_row`."""
    stored = type(row)._default_manager.select_for_update().get(pk=row.pk)
    before = as_kept(stored)
    _check_reach(stored, by)
    for name, value in values.items():
        setattr(stored, name, value)
    _check(stored, by)
    stored.save()
    note(stored, before=before, by=by)
    return stored


@transaction.atomic
def delete_row(row: Holiday | Closure | Event, *, by: User) -> None:
    """Raises Refused for a row of the whole chain by who sees a part of it."""
    _check_reach(row, by)
    note(row, before=as_kept(row), by=by, gone=True)
    row.delete()


def _check(row: Holiday | Closure | Event, by: User) -> None:
    _check_reach(row, by, field=None if isinstance(row, Holiday) else "department")
    row.full_clean()


def _check_reach(row: Holiday | Closure | Event, by: User, field: str | None = None) -> None:
    if getattr(row, "department_id", None) is None and not sees_all(by, row.organisation):
        raise Refused("row_of_the_chain", field=field)
