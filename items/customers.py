"""A customer who asks to be forgotten: the reference goes, what was bought stays."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.api.rendering import dump
from accounts.models import Organisation
from items.choices import JobStatus
from items.locks import lock_lines
from items.models import Delivery, ImportChunk, ImportJob, ItemSource, ReplacedLine, SaleLine

ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)


@dataclass(frozen=True)
class Forgotten:
    """How many lines, former states of lines, kept answers to clients and kept files of imports named the customer.

    `unfinished`: imports under way, whose rows nobody has looked at.
    """

    lines: int = 0
    replaced: int = 0
    answers: int = 0
    files: int = 0
    unfinished: int = 0


@transaction.atomic
def forget_customer(organisation: Organisation, customer: str, *, dry_run: bool = False) -> Forgotten:
    """Clear the reference wherever it is kept: lines, also deleted ones, what imports replaced, answers; files go.

    No sum moves, imports can be undone as before, and the second time there is nothing left. A source that still names
    the customer brings the reference back with its next delivery. Free texts are not searched.
    Raises ValueError for an empty reference.
    """
    if not customer:
        raise ValueError("no customer is named")
    for source in ItemSource.objects.filter(organisation=organisation).order_by("pk"):
        lock_lines(source.pk)
    lines = SaleLine.objects.filter(organisation=organisation, customer=customer)
    replaced = ReplacedLine.objects.filter(organisation=organisation, customer=customer)
    imports = ImportJob.objects.filter(organisation=organisation)
    files = _files_of(imports, lines, replaced)
    answers = list(_answers_naming(organisation, customer))
    forgotten = Forgotten(
        lines.count(),
        replaced.count(),
        len(answers),
        files.values("job").distinct().count(),
        imports.exclude(status__in=ENDED).count(),
    )
    if not dry_run:
        files.delete()  # before the lines, which say whose they are
        lines.update(customer="")
        replaced.update(customer="")
        Delivery.objects.bulk_update(answers, ["answer"], batch_size=100)
    return forgotten


def _files_of(
    imports: QuerySet[ImportJob], lines: QuerySet[SaleLine], replaced: QuerySet[ReplacedLine]
) -> QuerySet[ImportChunk]:
    """The kept pieces of ended imports that brought, replaced or deleted one of these lines."""
    jobs: set[UUID | None] = set(lines.order_by().values_list("job", flat=True).distinct())
    for job, by_job in replaced.order_by().values_list("job", "by_job").distinct():
        jobs |= {job, by_job}
    ended = imports.filter(Q(pk__in=jobs - {None}), status__in=ENDED)
    return ImportChunk.objects.filter(job__in=ended)


def _answers_naming(organisation: Organisation, customer: str) -> list[Delivery]:
    """Kept answers that name the customer, as they are to be kept from now on."""
    rows = Delivery.objects.filter(organisation=organisation, answer__contains=dump(customer).decode()[1:-1])
    found = []
    for row in rows.iterator():
        told = json.loads(row.answer, parse_float=Decimal)
        if _cleared(told, customer):
            row.answer = dump(told).decode()
            found.append(row)
    return found


def _cleared(document: Any, customer: str) -> bool:
    """Take the reference out of records, at any depth; whether there was any."""
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    within = [_cleared(part, customer) for part in parts]
    if isinstance(document, dict) and document.get("customer_id") == customer:
        document["customer_id"] = None
        return True
    return any(within)
