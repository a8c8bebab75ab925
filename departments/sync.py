"""The tree of departments as the sources name it. Nothing is ever deleted; an empty list changes nothing."""

import uuid
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from departments.choices import SELLING_TYPES
from departments.models import Authority, Connection, Department, SourceDepartment
from departments.signals import departments_synced
from runs.ledger import RunFailed, open_run
from runs.models import Run
from sources.iiko.types import RemoteDepartment

# Nodes of the tree at which nobody sells and nothing is planned.
IGNORED_TYPES = ("STORE", "CENTRALSTORE")


@dataclass
class Synced:
    """What a synchronisation came to. `orphans`: names of departments whose parent the source does not name."""

    found: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    orphans: list[str] = field(default_factory=list)


def start_sync(
    *,
    organisation: Organisation,
    connections: list[Connection] | None = None,
    trigger: str,
    started_by: User | None = None,
) -> tuple[Run, bool]:
    """Open a run that synchronises the departments of these connections (none given: of all active ones)."""
    ids = sorted(connection.pk for connection in connections or [])
    return open_run(
        "sync_departments",
        organisation=organisation,
        unit=",".join(map(str, ids)),
        trigger=trigger,
        started_by=started_by,
        params={"connections": ids},
    )


@transaction.atomic
def store_departments(connection: Connection, remote: list[RemoteDepartment]) -> Synced:
    """Bring our tree in line with what the source sent, in any order. Raises RunFailed on an empty list."""
    if not remote:
        raise RunFailed("empty_department_list", source=connection.name)
    now = timezone.now()
    result = Synced(found=len(remote))
    known = {
        row.external_id: row
        for row in SourceDepartment.objects.filter(connection=connection, valid_to=None).select_related("department")
    }
    new_ids: list[str] = []
    for item in remote:
        row = known.get(item.external_id)
        if row is None:
            row = SourceDepartment(
                organisation=connection.organisation, connection=connection, external_id=item.external_id
            )
            known[item.external_id] = row
        row.name, row.type, row.code = item.name, item.type, item.code
        row.taxpayer_id, row.external_parent_id = item.taxpayer_id, item.parent_id or ""
        row.seen_at = now
        if row.department is None and item.type not in IGNORED_TYPES:
            row.department, created = _department_for(connection, item)
            result.created += created
            new_ids.append(item.external_id)
        row.save()

    owners = dict(
        Authority.objects.filter(organisation=connection.organisation).values_list("department", "connection")
    )
    for item in remote:
        department = known[item.external_id].department
        if department is None:
            continue
        if item.type in SELLING_TYPES and department.pk not in owners:
            Authority.objects.create(organisation=connection.organisation, department=department, connection=connection)
            owners[department.pk] = connection.pk
        parent_row = known.get(item.parent_id) if item.parent_id else None
        if item.parent_id and parent_row is None:
            result.orphans.append(item.name)
        if owners.get(department.pk, connection.pk) == connection.pk:
            _take_over(department, item, parent_row, new=item.external_id in new_ids, result=result)
    Department.objects.filter(sources__connection=connection, sources__seen_at=now).update(synced_at=now)
    transaction.on_commit(
        lambda: departments_synced.send(sender=Connection, connection=connection, new_ids=new_ids), robust=True
    )
    return result


def _department_for(connection: Connection, item: RemoteDepartment) -> tuple[Department, bool]:
    """Our department for a node: the source's UUID if that is free, else one of our own."""
    try:
        wanted = uuid.UUID(item.external_id)
    except ValueError:
        wanted = uuid.uuid4()
    if standing := Department.objects.filter(pk=wanted).first():
        # The same UUID on a second server of the chain is the same department, shown on both.
        if standing.organisation_id == connection.organisation_id:
            return standing, False
        wanted = uuid.uuid4()
    return Department.objects.create(
        pk=wanted, organisation=connection.organisation, name=item.name, type=item.type
    ), True


def _take_over(
    department: Department,
    item: RemoteDepartment,
    parent_row: SourceDepartment | None,
    *,
    new: bool,
    result: Synced,
) -> None:
    """Names and places come from the source; what people add to a department, or keep otherwise, stays theirs."""
    wanted = {"name": item.name, "type": item.type, "code": item.code, "taxpayer_id_number": item.taxpayer_id}
    if parent_row is not None and parent_row.department_id != department.pk:
        wanted["parent_id"] = parent_row.department_id  # type: ignore[assignment]
    elif not item.parent_id:
        wanted["parent_id"] = None  # type: ignore[assignment]
    kept = {"parent_id" if name == "parent" else name for name in department.overridden}
    changed = [name for name, value in wanted.items() if name not in kept and getattr(department, name) != value]
    for name in changed:
        setattr(department, name, wanted[name])
    if changed:
        department.save()
    if not new:
        result.changed += bool(changed)
        result.unchanged += not changed
