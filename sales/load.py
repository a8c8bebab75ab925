"""One connection, a range of business dates: asked and committed by week, newest first, each date replaced whole."""

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from hashlib import blake2b
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from departments.choices import SELLING_TYPES
from departments.models import Connection, Department
from departments.sync import store_departments
from departments.timing import connection_today
from departments.work import as_error
from runs.ledger import RunFailed, Work
from sales.choices import TRUSTED, DayState
from sales.control import uncontrolled
from sales.models import DepartmentCutoff, ObservedDay, SalesSummary, SourceDay, Verdict
from sales.observe import store_observations
from sales.publish import disagreeing, publish
from sales.report import Loaded
from sales.settling import LOOK_BACK, RECENT, Shifts, questions, read_shifts
from sales.staging import StagedDay, copy_text, hours_text
from sales.trust import Judge, Pair
from sources.iiko.client import IikoClient
from sources.iiko.types import SalesRow

log = logging.getLogger(__name__)

DAYS_PER_QUESTION = 7
ZERO = Decimal(0)


class Loader:
    """Loads business dates of one connection through a client whose session is open.

    `only` limits the load to one department, which then completes nothing. `force` compares and publishes every date,
    whatever the last load remembers of it. `deep` also reads older dates whose shifts are open or were just closed,
    and those that no load completed or that nights which failed never read for the last time.
    """

    def __init__(
        self,
        work: Work,
        connection: Connection,
        client: IikoClient,
        *,
        only: UUID | None = None,
        dry_run: bool = False,
        force: bool = False,
        deep: bool = False,
    ) -> None:
        self.work = work
        self.connection = connection
        self.client = client
        self.dry_run, self.force, self.deep = dry_run, force, deep
        self.loaded = Loaded()
        self.today = connection_today(connection)
        self.shifts = Shifts()
        self._departments_asked = False
        self.names: dict[str, str] = {}
        self.links = self._links()
        self.only = None if only is None else {key for key, value in self.links.items() if value == only}
        self.only_department = only

    def _links(self) -> dict[str, UUID | None]:
        """Source id to department; `names` on the way."""
        known = self.connection.source_departments.filter(valid_to=None)
        rows = list(known.values_list("external_id", "department", "department__name"))
        self.names = {external_id: name for external_id, _department, name in rows if name}
        return {external_id: department for external_id, department, _name in rows}

    def load(self, first: dt.date, last: dt.date) -> Loaded:
        """Load both dates and all between them. Raises SourceError; what was committed by then stays."""
        asked = questions([first + dt.timedelta(days=n) for n in range((last - first).days + 1)], DAYS_PER_QUESTION)
        self.work.progress(
            0, (last - first).days + 1, "loading_first", source=self.connection.name, date=f"{last:%d.%m.%Y}"
        )
        if last > self.today - dt.timedelta(days=RECENT):
            since = min(first, self.today - dt.timedelta(days=LOOK_BACK)) if self.deep else first
            self.shifts = read_shifts(self.client, since, last, self.today)
            if self.shifts.unreadable:
                self.loaded.shifts_unreadable = as_error(self.shifts.unreadable, self.connection)
            if self.deep:
                older = {date for date in self.shifts.moving if date < first} | self._missed(since, first)
                asked += questions(older, DAYS_PER_QUESTION)
        total = sum((end - start).days + 1 for start, end in asked)
        begun = time.monotonic()
        for start, end in asked:
            self._load_question(start, end)
            done = self.loaded.days
            self.work.progress(
                done,
                total,
                "loading",
                source=self.connection.name,
                date=f"{start:%d.%m.%Y}",
                done=done,
                total=total,
                eta=round((time.monotonic() - begun) / done * (total - done)),
            )
        if self.only is None and not self.dry_run:
            self.loaded.completed = update_cutoffs(self.connection)
        return self.loaded

    def _missed(self, since: dt.date, first: dt.date) -> set[dt.date]:
        """Dates between that nights should have read and did not, as they failed.

        Never loaded to the end though the connection is known for longer, not settled yet, or open the last time.
        """
        known = self.connection.days.exclude(loaded_at=None)
        begin = known.order_by("date").values_list("date", flat=True).first()
        if begin is None:
            return set()
        since = max(since, begin)
        ended = Q(state=DayState.COMPLETE, is_settled=True) | Q(state=DayState.PARTIAL)
        good = set(known.filter(ended, date__gte=since, date__lt=first).values_list("date", flat=True))
        left_open = ObservedDay.objects.filter(
            connection=self.connection, date__in=good, state=DayState.OPEN_SHIFT
        ).values_list("date", flat=True)
        return {since + dt.timedelta(days=n) for n in range((first - since).days)} - (good - set(left_open))

    def _load_question(self, start: dt.date, end: dt.date) -> None:
        answer = self.client.sales(start, end)
        doubted = uncontrolled(answer, self.client.day_totals(start, end), self._is_open)
        if doubted:  # something was sold or corrected between the two questions, as a rule
            answer = self.client.sales(start, end)
            doubted = uncontrolled(answer, self.client.day_totals(start, end), self._is_open)
        rows_of: dict[dt.date, list[SalesRow]] = defaultdict(list)
        for row in answer.rows:
            rows_of[row.date].append(row)
        self._know_departments({row.external_id for row in answer.rows if row.external_id})
        self.loaded.total_raw_records += answer.raw_rows
        self.commit([end - dt.timedelta(days=back) for back in range((end - start).days + 1)], rows_of, doubted)

    def _is_open(self, external_id: str, date: dt.date) -> bool:
        return date >= self.today or self.shifts.is_open(external_id, date)

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

    def commit(
        self,
        dates: list[dt.date],
        rows_of: Mapping[dt.date, list[SalesRow]],
        doubted: Mapping[Pair, tuple[Decimal, Decimal]],
    ) -> None:
        """Replace the units of `dates` in one transaction, behind the fence: all of them or none."""
        self.loaded.days += len(dates)
        staged = {date: self._stage(date, rows_of.get(date, [])) for date in dates}
        with unit_transaction():
            days = self._lock(dates)
            self.work.guard()
            self.loaded.overtaken += [date for date in dates if days[date].fence > self.work.run.pk]
            mine = [days[date] for date in dates if days[date].fence <= self.work.run.pk]
            self.loaded.changed_rows += self._replace(mine, staged, doubted)
            if self.only is None:
                for day in mine:
                    self._note(day, raw_rows=len(rows_of.get(day.date, [])))
            SourceDay.objects.bulk_create(
                days.values(),
                update_conflicts=True,
                unique_fields=["organisation", "connection", "date"],
                update_fields=["state", "is_settled", "raw_rows", "digest", "fence", "run", "loaded_at"],
            )
            if self.dry_run:
                transaction.set_rollback(True)

    def _replace(
        self,
        days: list[SourceDay],
        staged: Mapping[dt.date, list[StagedDay]],
        doubted: Mapping[Pair, tuple[Decimal, Decimal]],
    ) -> int:
        """Observations and published sales of the days; returns how many rows changed.

        Dates whose answer has the digest of the last one are not even judged or compared again.
        """
        new: list[dt.date] = []
        texts = {day.date: copy_text(staged[day.date]) for day in days}
        for day in days:
            digest = blake2b(texts[day.date].encode(), digest_size=16).hexdigest()
            distrusted = any(date == day.date for _external_id, date in doubted)
            if self.force or self.only is not None or distrusted or not staged[day.date] or digest != day.digest:
                new.append(day.date)
            day.digest = "" if self.only is not None or distrusted else digest
        same = [day.date for day in days if day.date not in new]
        return self._bring(days, new, staged, texts, doubted) + self._mend(same)

    def _bring(
        self,
        days: list[SourceDay],
        new: list[dt.date],
        staged: Mapping[dt.date, list[StagedDay]],
        texts: Mapping[dt.date, str],
        doubted: Mapping[Pair, tuple[Decimal, Decimal]],
    ) -> int:
        if not new:
            return 0
        accepted = {day.date for day in days if day.loaded_at and day.state in (DayState.COMPLETE, DayState.PARTIAL)}
        judge = Judge(self.connection, new, accepted=accepted, only=self.only, today=self.today)
        for day in days:
            if day.date not in new:
                continue
            # A till may be slow to tell of yesterday; what was as hard to believe before is for a person to decide.
            soon = day.state != DayState.SUSPICIOUS or day.date >= self.today - dt.timedelta(days=1)
            day.state = DayState.OPEN_SHIFT if day.date >= self.today else DayState.COMPLETE
            if not staged[day.date] and day.state == DayState.COMPLETE and judge.usually_sells(day.date, self.links):
                day.state = DayState.SUSPICIOUS
                self.loaded.empty_days[day.date] = soon
        judgement = judge.judge(staged, self.links, doubted)
        for (external_id, date), doubt in judgement.doubts.items():
            name = self.names.get(external_id, external_id)
            if date in self.loaded.empty_days:
                continue
            if date < self.today - dt.timedelta(days=1) and judge.doubted_before((external_id, date), doubt):
                self.loaded.undecided[name].append(date)
            else:
                self.loaded.doubtful[doubt.code, name].append(date)
        Verdict.objects.filter(pk__in=judgement.outdated).delete()
        text = "".join(texts[date] for date in new) if judgement.as_sent else None
        changes = store_observations(
            self.connection, new, judgement.days, run=self.work.run.pk, text=text, only=self.only
        )
        return changes.rows + publish(
            self.connection,
            new,
            run=self.work.run.pk,
            departments=self._departments(),
            withdraw=self.force or not changes.fresh,
        )

    def _mend(self, same: list[dt.date]) -> int:
        """Dates of which the source says what it said: what is published must still say it, too."""
        if not same:
            return 0
        doubtful = ObservedDay.objects.filter(
            connection=self.connection, date__in=same, state=DayState.SUSPICIOUS
        ).exclude(department=None)
        for name, date in doubtful.values_list("department__name", "date"):
            self.loaded.undecided[name].append(date)
        wrong = disagreeing(self.connection, same, self._departments())
        return publish(self.connection, wrong, run=self.work.run.pk, departments=self._departments())

    def _departments(self) -> list[UUID] | None:
        return None if self.only_department is None else [self.only_department]

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

    def _stage(self, date: dt.date, rows: list[SalesRow]) -> list[StagedDay]:
        """Per source id its hours as they are, and their exact sum as the day."""
        by_id: dict[str, list[SalesRow]] = {}
        for row in rows:
            if self.only is None or row.external_id in self.only:
                by_id.setdefault(row.external_id or "", []).append(row)
        return [self._stage_one(external_id, date, hours) for external_id, hours in sorted(by_id.items())]

    def _stage_one(self, external_id: str, date: dt.date, rows: list[SalesRow]) -> StagedDay:
        department = self.links.get(external_id)
        state = DayState.OPEN_SHIFT if self._is_open(external_id, date) else DayState.COMPLETE
        revenue, gross = sum([row.revenue for row in rows], ZERO), sum([row.gross for row in rows], ZERO)
        if department is None:
            self.loaded.unknown[external_id] += revenue
        elif revenue != self.shifts.paid.get((external_id, date), revenue):
            self.loaded.shift_totals[self.names[external_id]].append(date)
        hours = [(row.hour, row.revenue, row.gross, row.orders, row.guests) for row in rows if row.hour is not None]
        hours.sort()
        if len(hours) < len(rows):
            self.loaded.without_hour[date] += sum((row.revenue for row in rows if row.hour is None), ZERO)
            state = DayState.PARTIAL if state == DayState.COMPLETE else state
        if department:
            self.loaded.summary_records += 1
            self.loaded.hourly_records += len(hours)
        return StagedDay(
            external_id,
            department,
            date,
            state,
            revenue,
            gross,
            _sum_known([row.orders for row in rows]),
            _sum_known([row.guests for row in rows]),
            hours_text(hours),
        )

    def _note(self, day: SourceDay, *, raw_rows: int) -> None:
        if day.date in self.loaded.without_hour and day.state == DayState.COMPLETE:
            day.state = DayState.PARTIAL
        window = self.today - dt.timedelta(days=settings.SETTLING_DAYS)
        day.is_settled = day.state == DayState.COMPLETE and day.date <= window and day.date not in self.shifts.moving
        day.raw_rows = raw_rows
        day.fence, day.run, day.loaded_at = self.work.run.pk, self.work.run, timezone.now()


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


def update_cutoffs(connection: Connection) -> int:
    """Per department of the connection: the last date that is complete at the source and trusted at home.

    Returns for how many departments it has moved.
    """
    days = SourceDay.objects.filter(connection=connection, state=DayState.COMPLETE)
    complete = list(days.order_by("-date").values_list("date", flat=True)[:92])
    departments = Department.objects.filter(authorities__connection=connection, type__in=SELLING_TYPES).distinct()
    doubtful = set(
        SalesSummary.objects.filter(department__in=departments, date__in=complete)
        .exclude(state__in=TRUSTED)
        .values_list("department", "date")
    )
    known = dict(DepartmentCutoff.objects.filter(department__in=departments).values_list("department", "date"))
    rows = []
    for department in departments:
        date = next((date for date in complete if (department.pk, date) not in doubtful), None)
        if date is not None and date != known.get(department.pk):
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
    return len(rows)


def _sum_known(values: list[int | None]) -> int | None:
    """A sum with an unknown part is unknown."""
    return None if None in values else sum(values)  # type: ignore[arg-type]
