"""Sales whose department nobody knows: they are observed, published nowhere, and wait for a person to say whose they are."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Max, Min, Q

from accounts.models import Organisation, User
from departments.edit import Refused, create_department
from departments.models import Authority, Connection, Department, SourceDepartment
from sales.load import update_cutoffs
from sales.models import ObservedDay
from sales.money import MoneySum
from sales.publish import adopt


@dataclass(frozen=True)
class Waiting:
    """What one source said of one id (empty: of none at all). `name`: of the source, if it ever told one."""

    connection: Connection
    external_id: str
    name: str
    revenue: Decimal
    days: int
    first: dt.date
    last: dt.date


def waiting(organisation: Organisation) -> list[Waiting]:
    """The most money first."""
    rows = ObservedDay.objects.filter(organisation=organisation, department=None).exclude(
        Q(revenue=0) | Q(revenue=None), Q(gross=0) | Q(gross=None)
    )
    sums = rows.values("connection_id", "external_id").annotate(
        sum=MoneySum("revenue"), days=Count("date"), first=Min("date"), last=Max("date")
    )
    found = list(sums)
    connections = Connection.objects.in_bulk({row["connection_id"] for row in found})
    called = SourceDepartment.objects.filter(connection__in=connections, valid_to=None)
    names = {(one, text): name for one, text, name in called.values_list("connection", "external_id", "name")}
    lines = [
        Waiting(
            connections[row["connection_id"]],
            row["external_id"],
            names.get((row["connection_id"], row["external_id"]), ""),
            row["sum"] or Decimal(0),
            row["days"],
            row["first"],
            row["last"],
        )
        for row in found
    ]
    return sorted(lines, key=lambda line: (-abs(line.revenue), line.connection.name, line.external_id))


@transaction.atomic
def give(line: Waiting, department: Department) -> int:
    """From now on, and for all that waits, the id means `department`. Returns the published rows that changed.

    Raises Refused where another source has the say over the department: nobody would see the money there.
    """
    organisation = line.connection.organisation
    department = Department.objects.select_for_update().get(pk=department.pk, organisation=organisation)
    newest = Authority.objects.filter(department=department).order_by("-from_date").select_related("connection").first()
    if newest is None:
        Authority.objects.create(organisation=organisation, department=department, connection=line.connection)
    elif newest.connection_id != line.connection.pk:
        raise Refused("another_has_the_say", department=department.name, source=newest.connection.name)
    SourceDepartment.objects.update_or_create(
        organisation=organisation,
        connection=line.connection,
        external_id=line.external_id,
        valid_to=None,
        defaults={"department": department},
        create_defaults={"department": department, "name": line.name},
    )
    changed = adopt(line.connection, [line.external_id])
    update_cutoffs(line.connection)
    return changed


@transaction.atomic
def give_to_new(line: Waiting, name: str, *, by: User) -> int:
    """As `give`, to a branch that is made for it. Raises Django's ValidationError for a name that makes no sense."""
    organisation = line.connection.organisation
    return give(line, create_department(organisation, {"name": name.strip()}, by=by))
