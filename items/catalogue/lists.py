"""The short lists of a server: groups, categories, units and stores, each told as a whole.

What a list no longer names, or names as deleted, is deactivated; nothing is ever deleted. A list without a single row
deactivates nothing and is told as a doubt.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from departments.models import Connection, SourceDepartment
from items.catalogue.counted import Counted
from items.choices import CategoryKind
from items.models import Category, Named, ProductGroup, Store, Unit
from sources.iiko.types import RemoteCategory, RemoteGroup, RemoteStore, RemoteUnit

BATCH = 500
Values = dict[str, Any]


@transaction.atomic
def store_units(connection: Connection, remote: Sequence[RemoteUnit]) -> Counted:
    counted = Counted()
    _store(connection, Unit, {row.external_id: _named(row) for row in remote}, counted, what="units")
    return counted


@transaction.atomic
def store_categories(connection: Connection, remote: Sequence[RemoteCategory]) -> Counted:
    """Each kind is a list of its own: one may be empty while the others are not."""
    counted = Counted()
    for kind in CategoryKind:
        told = {row.external_id: _named(row) for row in remote if row.kind == kind}
        _store(connection, Category, told, counted, what=kind, kind=kind)
    return counted


@transaction.atomic
def store_groups(connection: Connection, remote: Sequence[RemoteGroup]) -> Counted:
    """In any order. A group whose parent is not listed, or lies below it, stands at the top and is told."""
    counted = Counted()
    told = {row.external_id: _named(row) for row in remote}
    written = _store(connection, ProductGroup, told, counted, what="groups")
    parents, lost, bitten = _tree({row.external_id: row.parent_id for row in remote})
    names = {row.external_id: row.name for row in remote}
    rows = {row.external_id: row for row in ProductGroup.objects.filter(connection=connection, external_id__in=told)}
    moved = []
    for external_id, row in rows.items():
        parent = rows[parents[external_id]].pk if external_id in parents else None
        if row.parent_id != parent:
            row.parent_id = parent
            moved.append(row)
    write_changed(moved, ["parent"])
    only_moved = sum(row.external_id not in written for row in moved)
    counted.changed += only_moved
    counted.unchanged -= only_moved
    counted.note_names("catalogue_groups_without_parent", [names[one] for one in lost], source=connection.name)
    counted.note_names("catalogue_groups_in_a_circle", [names[one] for one in bitten], source=connection.name)
    return counted


@transaction.atomic
def store_stores(connection: Connection, remote: Sequence[RemoteStore]) -> Counted:
    """A store belongs to the department it lies under, unless a person said whose it is."""
    counted = Counted()
    known = SourceDepartment.objects.filter(connection=connection, valid_to=None).exclude(department=None)
    departments = dict(known.values_list("external_id", "department"))
    told = {
        row.external_id: {**_named(row), "department_id": departments.get(row.parent_id or "")}
        | {"additional_info": row.extra | ({"parentId": row.parent_id} if row.parent_id else {})}
        for row in remote
    }
    by_hand = Store.objects.filter(connection=connection, is_matched_by_hand=True).values_list("external_id", flat=True)
    for external_id in by_hand:
        told.get(external_id, {}).pop("department_id", None)
    _store(connection, Store, told, counted, what="stores")
    lost = [row.name for row in remote if told[row.external_id].get("department_id", row) is None]
    counted.note_names("catalogue_stores_of_nobody", lost, source=connection.name)
    return counted


def _named(row: RemoteUnit | RemoteCategory | RemoteGroup | RemoteStore) -> Values:
    return {
        "name": clipped(Named, "name", row.name or row.external_id),
        "code": clipped(Named, "code", row.code),
        "is_active": not getattr(row, "deleted", False),
        "additional_info": row.extra,
    }


def write_changed(rows: Sequence[Any], names: Iterable[str]) -> None:
    """Write these fields of rows that stand, as one upsert per batch.

    `bulk_update` says each value as a case of its own: thousands of rows would keep SQLite's only writer for a minute.
    """
    if rows:
        type(rows[0])._default_manager.bulk_create(
            rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=sorted(names)
        )


def clipped(model: Any, name: str, text: str) -> str:
    """What of the text its column holds."""
    return text[: model._meta.get_field(name).max_length]


def _store(
    connection: Connection,
    model: type[Named],
    told: Mapping[str, Values],
    counted: Counted,
    *,
    what: str,
    **only: Any,
) -> set[str]:
    """Write {external_id: values}, the whole of a list, by the server's ids; returns the ids of what was not equal."""
    rows = model._default_manager.filter(connection=connection, **only)
    known = {row.external_id: row for row in rows}
    if not told:
        if any(row.is_active for row in known.values()):
            counted.note(f"catalogue_empty_{what}", warning=False, source=connection.name)
        return set()
    fresh, moved, names = [], [], set()
    for external_id, values in told.items():
        row = known.get(external_id)
        if row is None:
            own = {"organisation_id": connection.organisation_id, "connection": connection}
            fresh.append(model(external_id=external_id, **own, **only, **values))
            continue
        differing = [name for name, value in values.items() if getattr(row, name) != value]
        counted.deactivated += row.is_active and not values["is_active"]
        for name in differing:
            setattr(row, name, values[name])
        if differing:
            moved.append(row)
            names |= set(differing)
    gone = [row for external_id, row in known.items() if external_id not in told and row.is_active]
    for row in gone:
        row.is_active = False
    model._default_manager.bulk_create(fresh, batch_size=BATCH)
    write_changed(moved, {name.removesuffix("_id") for name in names})
    rows.filter(pk__in=[row.pk for row in gone]).update(is_active=False)
    rows.filter(external_id__in=told).update(synced_at=timezone.now())
    counted.count(told, new=fresh, moved=moved)
    counted.changed += len(gone)
    counted.deactivated += len(gone)
    return {row.external_id for row in (*fresh, *moved)}


def _tree(parents: Mapping[str, str | None]) -> tuple[dict[str, str], list[str], list[str]]:
    """({child: parent} without a circle, those whose parent is not listed, those that would close a circle)."""
    found: dict[str, str] = {}
    lost, bitten = [], []
    for child, parent in sorted(parents.items()):
        if not parent:
            continue
        if parent not in parents:
            lost.append(child)
            continue
        above: str | None = parent
        while above is not None and above != child:
            above = found.get(above)
        if above is None:
            found[child] = parent
        else:
            bitten.append(child)
    return found, lost, bitten
