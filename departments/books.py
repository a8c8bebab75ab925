"""What the 1C service holds: its objects as it names them, and what they carry into departments matched with them."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from departments.changes import as_kept, note
from departments.models import Connection, Department, SourceDepartment
from runs.ledger import RunFailed
from sources.onec.types import OnecObject

OBJECT = "OBJECT"
FIELDS = ["name", "type", "code", "external_parent_id", "taxpayer_id", "company", "seen_at"]


@dataclass
class StoredObjects:
    """`changed`: departments into which something new was carried."""

    objects: int = 0
    changed: int = 0


@transaction.atomic
def store_objects(connection: Connection, remote: list[OnecObject]) -> StoredObjects:
    """Keep the list as the service sent it, in any order; nothing is deleted. Raises RunFailed on an empty list."""
    if not remote:
        raise RunFailed("empty_object_list", source=connection.name)
    now = timezone.now()
    rows = SourceDepartment.objects.filter(connection=connection, valid_to=None).select_related("department")
    known = {row.external_id: row for row in rows}
    new, old = [], []
    for item in remote:
        row = known.get(item.code)
        if row is None:
            row = SourceDepartment(
                organisation=connection.organisation, connection=connection, external_id=item.code[:80]
            )
            new.append(row)
        else:
            old.append(row)
        row.name, row.type, row.code = item.name[:300], OBJECT, item.code[:60]
        row.external_parent_id, row.taxpayer_id = (item.parent_code or "")[:80], item.bin[:20]
        row.company, row.seen_at = item.company[:300], now
    SourceDepartment.objects.bulk_create(new, batch_size=500)
    SourceDepartment.objects.bulk_update(old, FIELDS, batch_size=200)
    changed = sum(carry(row, row.department, by=None) for row in old if row.department)
    return StoredObjects(len(remote), changed)


def carry(row: SourceDepartment, department: Department, *, by: User | None) -> bool:
    """Code, legal entity and BIN of a matched object go to its department; says whether that changed anything.

    A till that names another BIN is overruled from then on: the books are the truth for it.
    """
    before = as_kept(department)
    department.code_tco = row.external_id[:60]
    department.company = row.company or department.company
    if row.taxpayer_id and row.taxpayer_id != department.taxpayer_id_number:
        department.taxpayer_id_number = row.taxpayer_id
        department.overridden = sorted({*department.overridden, "taxpayer_id_number"})
    if note(department, before=before, by=by) is None:
        return False
    department.save()
    return True
