"""One connection, a range of business dates: asked and committed by week, newest first, each date replaced whole."""

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from departments.choices import SELLING_TYPES
from departments.models import Connection, Department, Holiday
from departments.sync import store_departments
from departments.timing import connection_today
from runs.ledger import RunFailed, Work
from sales import publish as publishing
from sales.choices import TRUSTED, DayState
from sales.models import DepartmentCutoff, ObservedDay, SalesSummary, SourceDay
from sales.staging import WHOLE_DAY, StagedRow, copy_text
from sources.iiko.client import IikoClient
from sources.iiko.types import SalesRow

log = logging.getLogger(__name__)

DAYS_PER_QUESTION = 7
# A date normally sells when at least two of the last four same weekdays did.
USUAL_WEEKS, USUAL_HITS = 4, 2


@dataclass
class Loaded:
    """What a load came to; sums and names by trouble, so that each trouble becomes one sentence."""

    days: int = 0
    summary_records: int = 0
    hourly_records: int = 0
    total_raw_records: int = 0
    changed_rows: int = 0
    empty_days: list[dt.date] = field(default_factory=list)
    vanished: dict[str, list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    without_hour: dict[dt.date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    overtaken: list[dt.date] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {
            "days": self.days,
            "summary_records": self.summary_records,
            "hourly_records": self.hourly_records,
            "total_raw_records": self.total_raw_records,
            "changed_rows": self.changed_rows,
        }


class Loader:
    """Loads business dates of one connection through a client whose session is open."""

    def __init__(
        self, work: Work, connection: Connection, client: IikoClient, *, only: UUID | None = None, dry_run: bool = False
    ) -> None:
        self.work = work
        self.connection = connection
        self.client = client
        self.dry_run = dry_run
        self.loaded = Loaded()
        self.today = connection_today(connection)
        self._departments_asked = False
        self.links = self._links()
        self.only = None if only is None else {key for key, value in self.links.items() if value == only}
        self.only_department = only

    def _links(self) -> dict[str, UUID | None]:
        rows = self.connection.source_departments.filter(valid_to=None)
        return dict(rows.values_list("external_id", "department"))

    def load(self, first: dt.date, last: dt.date) -> Loaded:
        """Load both dates and all between them. Raises SourceError; what was committed by then stays."""
        total = (last - first).days + 1
        begun = time.monotonic()
        self.work.progress(0, total, "loading_first", source=self.connection.name, date=f"{last:%d.%m.%Y}")
        for start, end in weeks(first, last):
            answer = self.client.sales(start, end)
            rows_of: dict[dt.date, list[SalesRow]] = defaultdict(list)
            for row in answer.rows:
                rows_of[row.date].append(row)
            self._know_departments({row.external_id for row in answer.rows if row.external_id})
            if not self.dry_run or answer.rows:
                self.loaded.total_raw_records += answer.raw_rows
            dates = [end - dt.timedelta(days=back) for back in range((end - start).days + 1)]
            self.commit(dates, rows_of)
            done = self.loaded.days
            eta = round((time.monotonic() - begun) / done * (total - done))
            self.work.progress(
                done,
                total,
                "loading",
                source=self.connection.name,
                date=f"{start:%d.%m.%Y}",
                done=done,
                total=total,
                eta=eta,
            )
        if self.only is None and not self.dry_run:
            update_cutoffs(self.connection)
        return self.loaded

    def _know_departments(self, seen: Iterable[str]) -> None:
        """Sales of a department we do not know: ask for the departments, once."""
        if self._departments_asked or not set(seen) - set(self.links):
            return
        self._departments_asked = True
        try:
            store_departments(self.connection, self.client.departments())
        except RunFailed as failure:
            log.warning("%s: departments: %s", self.connection, failure.code)
        self.links = self._links()

    def commit(self, dates: list[dt.date], rows_of: Mapping[dt.date, list[SalesRow]]) -> None:
        """Replace the units of `dates` in one transaction, behind the fence: all of them or none."""
        self.loaded.days += len(dates)
        staged = {date: self._stage(date, rows_of.get(date, [])) for date in dates}
        with unit_transaction():
            days = self._lock(dates)
            self.work.guard()
            good = []
            for date in dates:
                if days[date].fence > self.work.run.pk:
                    self.loaded.overtaken.append(date)
                elif not staged[date] and self._usually_sells(days[date]):
                    self._distrust(days[date])
                else:
                    good.append(date)
            self.loaded.changed_rows += self._replace([days[date] for date in good], staged)
            if self.only is None:
                for date in good:
                    self._note(days[date], self._state(date), raw_rows=len(rows_of.get(date, [])))
            noted = ["state", "raw_rows", "digest", "fence", "run", "loaded_at"]
            SourceDay.objects.bulk_update(days.values(), noted)
            if self.dry_run:
                transaction.set_rollback(True)

    def _replace(self, days: list[SourceDay], staged: Mapping[dt.date, list[StagedRow]]) -> int:
        """Observations and published sales of the days; returns how many rows changed.

        Observations whose digest is the stored one are the stored ones: they are not even compared.
        """
        if not days:
            return 0
        run, dates = self.work.run.pk, [day.date for day in days]
        keep = self._vanished(dates, staged)
        kept_dates = {date for _external_id, date in keep}
        texts = {date: copy_text(staged[date]) for date in dates}
        other = []
        for day in days:
            digest = blake2b(texts[day.date].encode(), digest_size=16).hexdigest()
            if self.only is not None or day.date in kept_dates:
                digest = ""
            if not digest or digest != day.digest:
                other.append(day.date)
            day.digest = digest
        changes = publishing.NOTHING
        if other:
            changes = publishing.store_observations(
                self.connection,
                other,
                [row for date in other for row in staged[date]],
                run=run,
                text="".join(texts[date] for date in other),
                only=self.only,
                keep=keep,
            )
        changed = changes.written + changes.vanished
        departments = None if self.only_department is None else [self.only_department]
        by_state: dict[str, list[dt.date]] = defaultdict(list)
        for date in dates:
            by_state[self._state(date)].append(date)
        for state, same in by_state.items():
            changed += publishing.publish(
                self.connection, same, run=run, state=state, departments=departments, withdraw=changes.vanished > 0
            )
        for external_id, date in keep:
            if department := self.links[external_id]:
                publishing.mark(self.connection, [date], DayState.SUSPICIOUS, [department])
        return changed

    def _lock(self, dates: list[dt.date]) -> dict[dt.date, SourceDay]:
        """The units, made where they are missing, and nobody else's until the transaction ends."""
        organisation = self.connection.organisation
        fresh = [SourceDay(organisation=organisation, connection=self.connection, date=date) for date in dates]
        found = (
            SourceDay.objects.select_for_update().filter(connection=self.connection, date__in=dates).order_by("date")
        )
        days = {day.date: day for day in found}
        if len(days) < len(dates):
            SourceDay.objects.bulk_create(fresh, ignore_conflicts=True)
            days = {day.date: day for day in found.all()}
        return days

    def _stage(self, date: dt.date, rows: list[SalesRow]) -> list[StagedRow]:
        """Hour rows as they are, and per source id a day row that is their exact sum."""
        staged: list[StagedRow] = []
        by_id: dict[str, list[SalesRow]] = defaultdict(list)
        for row in rows:
            if self.only is None or row.external_id in self.only:
                by_id[row.external_id or ""].append(row)
        for external_id, hours in by_id.items():
            department = self.links.get(external_id)
            if department is None:
                self.loaded.unknown[external_id] += sum((row.revenue for row in hours), Decimal(0))
            staged.append(
                StagedRow(
                    external_id,
                    department,
                    date,
                    WHOLE_DAY,
                    sum((row.revenue for row in hours), Decimal(0)),
                    sum((row.gross for row in hours), Decimal(0)),
                    _sum_known(row.orders for row in hours),
                    _sum_known(row.guests for row in hours),
                )
            )
            for row in hours:
                if row.hour is None:
                    self.loaded.without_hour[date] += row.revenue
                    continue
                staged.append(
                    StagedRow(external_id, department, date, row.hour, row.revenue, row.gross, row.orders, row.guests)
                )
            self.loaded.summary_records += department is not None
            self.loaded.hourly_records += sum(row.hour is not None for row in hours) if department else 0
        return staged

    def _state(self, date: dt.date) -> str:
        if date >= self.today:
            return DayState.OPEN_SHIFT
        return DayState.PARTIAL if date in self.loaded.without_hour else DayState.COMPLETE

    def _usually_sells(self, day: SourceDay) -> bool:
        """Whether an empty answer for this date is hard to believe."""
        date = day.date
        if self.only is not None or date >= self.today:
            return False
        days = ObservedDay.objects.filter(connection=self.connection)
        if days.filter(date=date).exists():
            return True
        if day.state == DayState.COMPLETE:
            return False  # it was empty before: nothing has changed
        if Holiday.objects.filter(
            organisation=self.connection.organisation, date=date, effect=Holiday.Effect.FEAST
        ).exists():
            return False
        before = [date - dt.timedelta(weeks=week) for week in range(1, USUAL_WEEKS + 1)]
        return days.filter(date__in=before).values("date").distinct().count() >= USUAL_HITS

    def _distrust(self, day: SourceDay) -> None:
        self.loaded.empty_days.append(day.date)
        publishing.mark(self.connection, [day.date], DayState.SUSPICIOUS)
        self._note(day, DayState.SUSPICIOUS, raw_rows=0)

    def _vanished(self, dates: list[dt.date], staged: Mapping[dt.date, list[StagedRow]]) -> list[tuple[str, dt.date]]:
        """(source id, date) that had sales and are absent from the answer; kept until a person decides."""
        came = {(row.external_id, row.date) for date in dates for row in staged[date] if row.hour == WHOLE_DAY}
        had = ObservedDay.objects.filter(connection=self.connection, date__in=dates).exclude(department=None)
        found = []
        rows = had.filter(~Q(revenue=0) | ~Q(gross=0)).values_list("external_id", "date", "department__name")
        for external_id, date, name in rows:
            if (external_id, date) not in came and (self.only is None or external_id in self.only):
                found.append((external_id, date))
                self.loaded.vanished[name].append(date)
        return found

    def _note(self, day: SourceDay, state: str, *, raw_rows: int) -> None:
        day.state, day.raw_rows = state, raw_rows
        day.fence, day.run, day.loaded_at = self.work.run.pk, self.work.run, timezone.now()

    def errors(self) -> list[dict[str, Any]]:
        """What a person should know; entries with `warning` do not make the load partial."""
        source, loaded = self.connection.name, self.loaded
        found: list[dict[str, Any]] = []
        if loaded.empty_days:
            found.append({"code": "empty_day", "params": {"source": source, "dates": _few(loaded.empty_days)}})
        for name, dates in loaded.vanished.items():
            params = {"source": source, "department": name, "dates": _few(dates)}
            found.append({"code": "vanished_department", "params": params})
        if loaded.without_hour:
            params = {
                "source": source,
                "sum": f"{sum(loaded.without_hour.values()):.2f}",
                "dates": _few(loaded.without_hour),
            }
            found.append({"code": "no_hour", "params": params})
        for external_id, amount in loaded.unknown.items():
            code = "unknown_department" if external_id else "no_department"
            params = {"source": source, "id": external_id, "sum": f"{amount:.2f}"}
            found.append({"code": code, "params": params, "warning": True})
        for date in loaded.overtaken:
            found.append({"code": "overtaken", "params": {"source": source, "date": f"{date:%d.%m.%Y}"}})
        return found


@contextmanager
def unit_transaction() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk.

    PostgreSQL loses only the newest commits in a crash, never one from the middle: the run's own end is committed
    waiting for the disk, so that a run that is done has all its days on it.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO OFF")
        yield


def weeks(first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    """The range cut into questions of at most a week, newest first."""
    found = []
    end = last
    while end >= first:
        start = max(first, end - dt.timedelta(days=DAYS_PER_QUESTION - 1))
        found.append((start, end))
        end = start - dt.timedelta(days=1)
    return found


def update_cutoffs(connection: Connection) -> None:
    """Per department of the connection: the last date that is complete at the source and trusted at home."""
    days = SourceDay.objects.filter(connection=connection, state=DayState.COMPLETE)
    complete = list(days.order_by("-date").values_list("date", flat=True)[:92])
    departments = Department.objects.filter(authorities__connection=connection, type__in=SELLING_TYPES).distinct()
    doubtful = set(
        SalesSummary.objects.filter(department__in=departments, date__in=complete)
        .exclude(state__in=TRUSTED)
        .values_list("department", "date")
    )
    rows = []
    for department in departments:
        date = next((date for date in complete if (department.pk, date) not in doubtful), None)
        if date is not None:
            rows.append(
                DepartmentCutoff(
                    department=department,
                    organisation_id=department.organisation_id,
                    date=date,
                    updated_at=timezone.now(),
                )
            )
    DepartmentCutoff.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["department"], update_fields=["date", "updated_at"]
    )


def _sum_known(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _few(dates: Iterable[dt.date]) -> str:
    found = sorted(dates)
    return ", ".join(f"{date:%d.%m.%Y}" for date in found[:5]) + (f" (+{len(found) - 5})" if len(found) > 5 else "")
