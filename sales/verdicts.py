"""A person decides about suspicious days: the source is right, or what was known before is."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import Organisation, User
from departments.models import Connection
from departments.scopes import sees_all
from runs.choices import Trigger
from runs.models import Run
from sales.choices import DayState
from sales.load import update_cutoffs
from sales.models import ObservedDay, SalesSummary, SourceDay, Verdict
from sales.publish import publish
from sales.settling import questions
from sales.sync import LONGEST_RANGE, start_sync

MOST_AT_ONCE = 500


class NothingToDecide(Exception):
    """None of the days is suspicious, or no source is known that said something of them."""


@dataclass
class Question:
    """A suspicious day: `said` by the source (None: nothing), `usual` of its weekday (None: unknown), and why.

    `known`: whether something was known before that can be kept.
    """

    day: SalesSummary
    observed: list[ObservedDay] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        return list(dict.fromkeys(doubt["code"] for row in self.observed if (doubt := row.doubt)))

    @property
    def said(self) -> Decimal | None:
        """What the source says of the whole day: with what it is believed about."""
        return _sum(_said(row) for row in self.observed)

    @property
    def usual(self) -> Decimal | None:
        usual = [row.doubt["usual"] for row in self.observed if row.doubt]
        return None if None in usual else sum(map(Decimal, usual), Decimal(0))

    @property
    def known(self) -> bool:
        return all(row.revenue is not None and row.revenue != _said(row) for row in self.observed)


def _said(row: ObservedDay) -> Decimal | None:
    said = row.doubt and row.doubt["revenue"]
    return Decimal(said) if said else None


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def asked(days: Iterable[SalesSummary], *, lock: bool = False) -> list[Question]:
    """Those of the days that can be decided about, in their order. `lock`: against loads, until the transaction ends."""
    found: dict[tuple[int | None, UUID | None, dt.date], Question] = {
        (day.connection_id, day.department_id, day.date): Question(day) for day in days if day.connection_id
    }
    scope = {"connection__in": {key[0] for key in found}, "date__in": {key[2] for key in found}}
    if lock:
        list(SourceDay.objects.select_for_update().filter(**scope).order_by("connection", "date"))
    rows = ObservedDay.objects.filter(**scope, state=DayState.SUSPICIOUS, doubt__isnull=False)
    for row in rows.filter(department__in={key[1] for key in found}).order_by("external_id"):
        if question := found.get((row.connection_id, row.department_id, row.date)):
            question.observed.append(row)
    return [question for question in found.values() if question.observed]


def believe(day: SalesSummary, *, by: User) -> Run:
    """Take what the source says of a suspicious day for true, and load the date again. Raises NothingToDecide."""
    return believe_all([day], by=by)[1][0]


def believe_all(
    days: Sequence[SalesSummary], *, by: User, trigger: str = Trigger.PAGE
) -> tuple[list[Question], list[Run]]:
    """Remember that what the sources say of suspicious days is true, and load their dates again.

    Returns what was decided and the runs that load. Raises NothingToDecide.
    """
    with transaction.atomic():
        if not (decided := asked(days, lock=True)):
            raise NothingToDecide
        for question in decided:
            for row in question.observed:
                _remember(question.day, row, by=by, keeps=False, said=None)
            SourceDay.objects.filter(connection=question.day.connection_id, date=question.day.date).update(digest="")
    return decided, _load(decided, by, trigger)


def keep_all(days: Sequence[SalesSummary], *, by: User) -> list[Question]:
    """Take what was known of suspicious days before for true, as long as the sources say no third thing.

    Days of which nothing was known before are left out. Returns what was decided. Raises NothingToDecide.
    """
    with transaction.atomic():
        if not (kept := [question for question in asked(days, lock=True) if question.known]):
            raise NothingToDecide
        touched: dict[int, tuple[set[dt.date], set[UUID]]] = defaultdict(lambda: (set(), set()))
        for question in kept:
            for row in question.observed:
                _remember(question.day, row, by=by, keeps=True, said=_said(row))
                ObservedDay.objects.filter(pk=row.pk).update(state=DayState.COMPLETE, doubt=None)
                touched[row.connection_id][0].add(row.date)
                touched[row.connection_id][1].add(question.day.department_id)
        for connection in Connection.objects.filter(pk__in=touched):
            dates, departments = touched[connection.pk]
            publish(connection, sorted(dates), run=None, departments=departments, withdraw=False)
            update_cutoffs(connection)
    return kept


def _remember(day: SalesSummary, row: ObservedDay, *, by: User, keeps: bool, said: Decimal | None) -> None:
    Verdict.objects.update_or_create(
        organisation_id=day.organisation_id,
        connection_id=row.connection_id,
        external_id=row.external_id,
        date=row.date,
        defaults={"by": by, "keeps": keeps, "said": said},
    )


def _load(decided: Sequence[Question], by: User, trigger: str) -> list[Run]:
    """Who sees all loads whole dates, which then may be complete; who sees some departments loads those only."""
    whole: dict[Organisation, bool] = {}
    dates: dict[tuple[Connection, SalesSummary | None], set[dt.date]] = defaultdict(set)
    firsts: dict[UUID, SalesSummary] = {}
    for question in decided:
        day, organisation = question.day, question.day.department.organisation
        if organisation not in whole:
            whole[organisation] = sees_all(by, organisation)
        assert day.connection
        only = None if whole[organisation] else firsts.setdefault(day.department_id, day)
        dates[day.connection, only].add(day.date)
    return [
        start_sync(
            organisation=connection.organisation,
            from_date=first,
            to_date=last,
            connections=[connection],
            department=only.department if only else None,
            trigger=trigger,
            started_by=by,
        )[0]
        for (connection, only), days in dates.items()
        for first, last in questions(days, LONGEST_RANGE)
    ]
