"""Who changed what, and when: a row per change a person makes to a department or to the calendar."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder

from departments.models import Change, Department
from departments.signals import people_changed

if TYPE_CHECKING:
    from accounts.models import User
    from departments.models import Closure, Event, Holiday

    Kept = Department | Holiday | Closure | Event

# What the database itself writes.
SILENT = {"id", "organisation_id", "created_at", "updated_at", "synced_at", "created_by_id"}


def as_kept(row: Kept) -> dict[str, Any]:
    """The columns of a row as JSON keeps them."""
    values = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname not in SILENT
    }
    return json.loads(json.dumps(values, cls=DjangoJSONEncoder))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Noted:
    """What a person did to a row: `before` is None where it is new, `gone` says that it was deleted."""

    row: Kept
    before: dict[str, Any] | None = None
    gone: bool = False

    def moved(self, names: Sequence[str]) -> bool:
        """Whether one of the columns is not what it was."""
        before, after = self.before or {}, as_kept(self.row)
        return any(before.get(name) != after[name] for name in names)


def note(row: Kept, *, before: dict[str, Any] | None, by: User | None, gone: bool = False) -> Change | None:
    """Keep what `row` was (`before`: None if it is new) and is (`gone`: it was deleted); nothing if both are equal."""
    made = note_all([Noted(row, before, gone)], by=by)
    return made[0] if made else None


def note_all(noted: Sequence[Noted], *, by: User | None) -> list[Change]:
    """`note` of many rows in one statement."""
    found = [_change(each.row, before=each.before, by=by, gone=each.gone) for each in noted]
    changes = Change.objects.bulk_create([change for change in found if change], batch_size=500)
    if changes:
        people_changed.send(sender=Change, noted=noted, by=by)
    return changes


def _change(row: Kept, *, before: dict[str, Any] | None, by: User | None, gone: bool = False) -> Change | None:
    after = None if gone else as_kept(row)
    if before and after:
        moved = [name for name in after if before.get(name) != after[name]]
        if not moved:
            return None
        before, after = ({name: values.get(name) for name in moved} for values in (before, after))
    whole = before is None or after is None
    return Change(
        organisation_id=row.organisation_id,
        kind=row._meta.model_name or "",
        row=str(row.pk),
        department_id=_whose(row, gone),
        name=str(row)[:300],
        what=(Change.What.ADDED if after else Change.What.DELETED) if whole else Change.What.CHANGED,
        before=before,
        after=after,
        by=by,
    )


def _whose(row: Kept, gone: bool) -> Any:
    if isinstance(row, Department):
        return None if gone else row.pk
    return getattr(row, "department_id", None)
