"""Receipts of an iiko server, line by line: which dishes made up what the server's own sums say.

What is published of sales stays what the server says of days and hours; its lines say what was sold, and check it.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from time import sleep
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from departments.clients import iiko_client, note_success
from departments.models import Connection, Department
from departments.sessions import POLL, owned_by
from departments.sync import store_departments
from items.choices import Grain
from items.lines import Line
from items.models import ItemDay, ItemSource, Receipt, SourceProduct
from items.products import resolve
from items.receipt_checks import IN_OTHER_HOURS, Difference, check_receipts
from items.rollup import cleaned_before
from items.sources import source_of
from items.store import Stored, store_lines
from runs.ledger import RunFailed
from runs.models import Run
from sales.models import ObservedDay, SourceDay
from sales.report import few
from sources.errors import SourceError
from sources.iiko.client import IikoClient
from sources.iiko.types import RemoteHead, RemoteLine

T = TypeVar("T")
Day = tuple[UUID, dt.date]
ZERO = Decimal(0)
NAME_LENGTH, NUMBER_LENGTH = 300, 40
BATCH = 500
DAYS_PER_SESSION = 7
BREATH = POLL * 1.2  # seconds; whoever waits for a server looks every POLL
NO_DISH = "-"
"""What a source calls the dish of a line that names none: its money is in the day's, so it must be somewhere."""
HEAD_VALUES = ("department_id", "number", "closed_at", "guests", "revenue", "gross")


@dataclass
class Brought:
    """What a load of receipts came to; troubles by what they are about, so that each becomes one sentence."""

    days: int = 0
    receipts: int = 0
    stored: Stored = field(default_factory=Stored)
    changed_receipts: int = 0
    products: int = 0
    kept: dict[str, list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[str, dict[dt.date, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    unnamed: dict[dt.date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    lacking: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {
            "days": self.days,
            "receipts": self.receipts,
            "lines": self.stored.inserted + self.stored.updated + self.stored.unchanged,
            "inserted": self.stored.inserted,
            "updated": self.stored.updated,
            "unchanged": self.stored.unchanged,
            "deleted": self.stored.deleted,
            "changed_receipts": self.changed_receipts,
            "products": self.products,
            "differences": len(self.differences),
        }

    def errors(self, source: str) -> list[dict[str, Any]]:
        """For the run: whatever is not marked as a warning makes it partial."""
        found: list[dict[str, Any]] = []

        def tell(code: str, *, warning: bool = False, **params: Any) -> None:
            found.append(
                {"code": code, "params": {"source": source, **params}} | ({"warning": True} if warning else {})
            )

        for name, dates in self.kept.items():
            tell("receipts_vanished", department=name, dates=few(dates))
        for external_id, sums in self.unknown.items():
            code = "receipts_of_unknown" if external_id else "receipts_of_nobody"
            tell(code, id=external_id, sum=f"{sum(sums.values(), ZERO):.2f}", dates=few(sums))
        if self.unnamed:
            total = sum(self.unnamed.values(), ZERO)
            tell("receipts_unnamed", warning=True, sum=f"{total:.2f}", dates=few(self.unnamed))
        if self.lacking:
            tell("receipts_lacking", warning=True, fields=", ".join(sorted(self.lacking)))
        by_figure: dict[tuple[str, str], list[Difference]] = defaultdict(list)
        for one in self.differences:
            by_figure[one.department, one.code].append(one)
        for (name, code), differences in sorted(by_figure.items()):
            tell(
                code,
                warning=code == IN_OTHER_HOURS,
                department=name,
                dates=few(one.date for one in differences),
                lines=_readable(sum((one.lines for one in differences), ZERO)),
                server=_readable(sum((one.server for one in differences), ZERO)),
            )
        return found


def _readable(figure: Decimal) -> str:
    return f"{figure:.2f}" if figure % 1 else f"{figure:.0f}"


def receipt_source(connection: Connection) -> ItemSource:
    """What an iiko connection knows of item sales; made if missing."""
    return source_of(connection, grain=Grain.LINE, creates_products=True)


def load_receipts(
    connection: Connection,
    first: dt.date,
    last: dt.date,
    *,
    run: Run | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int, dt.date], None] = lambda done, total, date: None,
    guard: Callable[[], None] = lambda: None,
) -> Brought:
    """Replace the receipts of both dates and all between them by what the server says now, newest first, date by date.

    `progress` is told before each date; `guard` may raise before a date is committed. Raises SourceError, and RunFailed
    for dates whose lines were cleaned up; what was committed by then stays. After each week the server is free for a
    while: a load of sales that waits for it gets its turn.
    """
    if (kept_from := cleaned_before(connection.organisation_id)) and first < kept_from:
        raise RunFailed("receipts_cleaned", date=f"{kept_from:%d.%m.%Y}")
    client = iiko_client(connection, owner=owned_by(run) if run else "")
    load = _Load(connection, client, run, dry_run, guard)
    dates = [last - dt.timedelta(days=back) for back in range((last - first).days + 1)]
    for begun in range(0, len(dates), DAYS_PER_SESSION):
        if begun:
            sleep(BREATH)
        with client.session():
            note_success(connection)
            for done, date in enumerate(dates[begun : begun + DAYS_PER_SESSION], begun):
                progress(done, len(dates), date)
                load.load(date)
    if not dry_run:
        load.brought.differences = check_receipts(connection, dates)
    return load.brought


class _Load:
    def __init__(
        self,
        connection: Connection,
        client: IikoClient,
        run: Run | None,
        dry_run: bool,
        guard: Callable[[], None],
    ) -> None:
        self.connection, self.client, self.run = connection, client, run
        self.dry_run, self.guard = dry_run, guard
        self.brought = Brought()
        self._asked = False
        self._know_departments()

    def _know_departments(self) -> None:
        links = self.connection.source_departments.filter(valid_to=None).exclude(department=None)
        rows = list(links.select_related("department__organisation"))
        self.departments: dict[str, Department] = {row.external_id: row.department for row in rows if row.department}
        self.zones = {one.pk: ZoneInfo(one.zone_name) for one in self.departments.values()}
        self.names = {one.pk: one.name for one in self.departments.values()}

    def load(self, date: dt.date) -> None:
        lines = list(self.client.receipt_lines(date, date))
        told = self._if_known(lambda: self.client.receipt_heads(date)) if lines else None
        heads = {head.order: head for head in told or ()}
        self._ask_for_departments({line.department_id for line in lines if line.department_id})
        names = self._names_of_new(lines, date)
        ours = [line for line in lines if line.department_id in self.departments]
        for line in lines:
            if line.department_id not in self.departments:
                self.brought.unknown[line.department_id or ""][date] += line.revenue
            elif line.product_id is None:
                self.brought.unnamed[date] += line.revenue
        with transaction.atomic():
            source = receipt_source(self.connection)
            products = resolve(source, [line.product_id or NO_DISH for line in ours], by="id", names=names)
            stored = self._lines(ours, products)
            whole = self._whole(date, {line.department for line in stored})
            self.brought.stored += store_lines(source, stored, run=self.run, whole=whole)
            self.brought.changed_receipts += self._store_heads(date, stored, heads, {one for one, _date in whole})
            self.guard()
            if self.dry_run:
                transaction.set_rollback(True)
        self.brought.days += 1
        self.brought.receipts += len({line.transaction_id for line in stored} - {""})

    def _if_known(self, ask: Callable[[], T]) -> T | None:
        """An answer that receipts can do without, where the server lacks a field of the question."""
        try:
            return ask()
        except SourceError as error:
            if error.code != "unknown_field":
                raise
            self.brought.lacking.add(str(error.params["fields"]))
            return None

    def _ask_for_departments(self, seen: Collection[str]) -> None:
        """Receipts of a department we do not know: ask for the departments, once."""
        if self._asked or self.dry_run or not set(seen) - set(self.departments):
            return
        self._asked = True
        try:
            store_departments(self.connection, self.client.departments())
        except RunFailed:  # an empty list: nobody has become known
            return
        self._know_departments()

    def _names_of_new(self, lines: Iterable[RemoteLine], date: dt.date) -> dict[str, str]:
        """What dishes are called that were never seen; the question for it is only asked if there are any."""
        ids = {line.product_id or NO_DISH for line in lines}
        known = SourceProduct.objects.filter(connection=self.connection, external_id__in=ids)
        new = ids - set(known.values_list("external_id", flat=True))
        self.brought.products += len(new)
        if not new:
            return {}
        with translation.override(settings.LANGUAGE_CODE):
            names = {NO_DISH: _("Item without a name")}
        if new - {NO_DISH}:
            dishes = self._if_known(lambda: self.client.dishes(date, date)) or {}
            names |= {id: dishes[id].name[:NAME_LENGTH] for id in new if id in dishes and dishes[id].name}
        return names

    def _lines(self, lines: Iterable[RemoteLine], products: dict[str, UUID]) -> list[Line]:
        """In an order that makes the same of the same: a dish that a receipt names twice is numbered."""
        found = []
        seen: Counter[str] = Counter()
        for line in sorted(lines, key=_order):
            department = self.departments[line.department_id or ""]
            word = f"{line.order} {line.product_id or NO_DISH}"
            seen[word] += 1
            found.append(
                Line(
                    external_id=word if seen[word] == 1 else f"{word} {seen[word]}",
                    department=department.pk,
                    product=products[line.product_id or NO_DISH],
                    date=line.date,
                    sold_at=line.closed_at and line.closed_at.replace(tzinfo=self.zones[department.pk]),
                    hour=line.hour,
                    quantity=line.quantity,
                    gross=line.gross,
                    discount=line.gross - line.revenue,
                    total=line.revenue,
                    transaction_id=line.order,
                )
            )
        return found

    def _whole(self, date: dt.date, came: Collection[UUID]) -> set[Day]:
        """Of whom these lines are all there is. Whose lines vanished is believed if the server's sums vanished as well."""
        had = set(ItemDay.objects.filter(connection=self.connection, date=date).values_list("department", flat=True))
        gone = had - set(came)
        sold = ObservedDay.objects.filter(connection=self.connection, date=date, department__in=gone)
        selling = set(sold.exclude(revenue=0, gross=0).values_list("department", flat=True))
        if not SourceDay.objects.filter(connection=self.connection, date=date).exclude(loaded_at=None).exists():
            selling = gone
        for department in gone & selling:
            self.brought.kept[self._name(department)].append(date)
        return {(department, date) for department in {*came, *(gone - selling)}}

    def _name(self, department: UUID) -> str:
        return self.names.get(department) or Department.objects.get(pk=department).name

    def _store_heads(
        self, date: dt.date, lines: Iterable[Line], heads: dict[str, RemoteHead], whole: Collection[UUID]
    ) -> int:
        """Write the receipts that differ and delete those that are gone; returns how many."""
        wanted: dict[str, Receipt] = {}
        for line in lines:
            if not line.transaction_id:
                continue
            row = wanted.get(line.transaction_id)
            if row is None:
                head = heads.get(line.transaction_id)
                wanted[line.transaction_id] = row = Receipt(
                    organisation_id=self.connection.organisation_id,
                    connection_id=self.connection.pk,
                    department_id=line.department,
                    date=date,
                    external_id=line.transaction_id,
                    number=head.number[:NUMBER_LENGTH] if head else "",
                    guests=head.guests if head else None,
                    revenue=ZERO,
                    gross=ZERO,
                    run=self.run,
                )
            assert row.revenue is not None
            assert row.gross is not None
            row.revenue += line.total or ZERO
            row.gross += line.gross or ZERO
            row.closed_at = max(filter(None, (row.closed_at, line.sold_at)), default=None)
        standing = Receipt.objects.filter(connection=self.connection, date=date)
        stood = {row[0]: row[1:] for row in standing.values_list("external_id", *HEAD_VALUES)}
        changed = [row for id, row in wanted.items() if stood.get(id) != tuple(getattr(row, n) for n in HEAD_VALUES)]
        gone = [id for id, (department, *_rest) in stood.items() if department in whole and id not in wanted]
        old = [*gone, *(row.external_id for row in changed if row.external_id in stood)]
        for start in range(0, len(old), BATCH):
            standing.filter(external_id__in=old[start : start + BATCH]).delete()
        Receipt.objects.bulk_create(changed, batch_size=BATCH)
        return len(changed) + len(gone)


def _order(line: RemoteLine) -> tuple[Any, ...]:
    return str(line.closed_at or ""), line.order, line.product_id or "", line.revenue, line.quantity
