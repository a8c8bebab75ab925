"""How far an answer of a source is to be believed, judged by what the same source said before.

A source that drops a branch, sends half a day or ten times a day is not proof that it sold so: the old figures stay,
the day is suspicious, and a person decides. Only what is new is judged, and nothing on feasts and closures. Silence
that was once accepted, when there was no history to doubt it by, is not new.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from statistics import median
from typing import Any

from django.db.models import Q

from departments.models import Closure, Connection, Holiday
from sales.choices import DayState
from sales.models import ObservedDay, Verdict
from sales.staging import StagedDay

# The same weekday of the last weeks is a day's own history; below LEAST of them nothing is said of its size.
WEEKS, LEAST = 8, 4
COLLAPSED, COLLAPSED_BELOW_LOWEST = Decimal("0.1"), Decimal("0.5")
JUMP, JUMP_ABOVE_HIGHEST = Decimal(5), Decimal(2)
# A day without an answer is missed where each of the same weekdays so many weeks back sold.
MISSED_AFTER = 3
# A date without any answer is hard to believe where at least so many of the last four same weekdays sold.
USUAL_WEEKS, USUAL_HITS = 4, 2

Pair = tuple[str, dt.date]


@dataclass(frozen=True)
class Doubt:
    """Why a day is not believed: what came and what is usual (None: unknown)."""

    code: str  # collapsed, jump, vanished, absent, control
    came: Decimal | None
    usual: Decimal | None

    def text(self) -> str:
        return json.dumps(
            {"code": self.code, "revenue": _text(self.came), "usual": _text(self.usual)}, separators=(",", ":")
        )


@dataclass(frozen=True)
class Judgement:
    """The days to store, the doubts among them by source id and date, and verdicts that were about other figures."""

    days: list[StagedDay]
    doubts: dict[Pair, Doubt]
    outdated: list[int]


class Judge:
    """Knows what a connection said of some dates and of the same weekdays before them. Needs a transaction."""

    def __init__(
        self,
        connection: Connection,
        dates: Collection[dt.date],
        *,
        accepted: Collection[dt.date],
        only: Collection[str] | None,
        today: dt.date,
    ) -> None:
        """`accepted`: the dates whose silence the last load of them took for true."""
        self.connection, self.dates, self.only, self.today = connection, list(dates), only, today
        self.accepted = set(accepted)
        self.old = self._old(connection)
        self.history = self._history(connection)

    def _old(self, connection: Connection) -> dict[Pair, ObservedDay]:
        days = ObservedDay.objects.filter(connection=connection, date__in=self.dates)
        if self.only is not None:
            days = days.filter(external_id__in=self.only)
        return {(day.external_id, day.date): day for day in days}

    def _history(self, connection: Connection) -> dict[str, dict[dt.date, Decimal]]:
        before = {date - dt.timedelta(weeks=week) for date in self.dates for week in range(1, WEEKS + 1)}
        rows = ObservedDay.objects.filter(connection=connection, date__in=before, state=DayState.COMPLETE)
        found: dict[str, dict[dt.date, Decimal]] = defaultdict(dict)
        for external_id, date, revenue in rows.values_list("external_id", "date", "revenue"):
            if revenue is not None:
                found[external_id][date] = revenue
        return found

    @cached_property
    def feasts(self) -> set[dt.date]:
        feasts = Holiday.objects.filter(organisation=self.connection.organisation_id, effect=Holiday.Effect.FEAST)
        return set(feasts.filter(date__in=self.dates).values_list("date", flat=True))

    @cached_property
    def verdicts(self) -> dict[Pair, int]:
        verdicts = Verdict.objects.filter(connection=self.connection, date__in=self.dates)
        return {(external_id, date): pk for pk, external_id, date in verdicts.values_list("pk", "external_id", "date")}

    def _believed_silence(self, pair: Pair) -> bool:
        """Whether a person took it for true that nothing was sold: not where figures were believed, and stored since."""
        old = self.old.get(pair)
        return pair in self.verdicts and not (
            old and old.state != DayState.SUSPICIOUS and _sold(old.revenue, old.gross)
        )

    def doubted_before(self, pair: Pair, doubt: Doubt) -> bool:
        """Whether the last load had the very same doubt."""
        old = self.old.get(pair)
        return old is not None and old.doubt == json.loads(doubt.text())

    @cached_property
    def closures(self) -> list[tuple[Any, dt.date, dt.date]]:
        rows = Closure.objects.filter(Q(last=None) | Q(last__gte=min(self.dates)), first__lte=max(self.dates))
        return [(pk, first, last or dt.date.max) for pk, first, last in rows.values_list("department", "first", "last")]

    def usually_sells(self, date: dt.date, links: Mapping[str, Any]) -> bool:
        """Whether an empty answer for the whole date is hard to believe of the branches that are not closed on it.

        `links`: source id to department.
        """
        if self.only is not None or date >= self.today or date in self.feasts:
            return False
        if any(
            day.date == date and _sold(day.revenue, day.gross) and not self._believed_silence((day.external_id, date))
            for day in self.old.values()
        ):
            return True
        if date in self.accepted:
            return False
        sellers = self._sellers(date, links)
        return len(set().union(*sellers.values())) >= USUAL_HITS

    def _sellers(self, date: dt.date, links: Mapping[str, Any]) -> dict[str, set[dt.date]]:
        """Source ids that nobody knows to be closed on the date: on which of the last same weekdays they sold."""
        before = {date - dt.timedelta(weeks=week) for week in range(1, USUAL_WEEKS + 1)}
        return {
            external_id: sold
            for external_id, known in self.history.items()
            if (sold := {day for day in before & known.keys() if known[day]})
            and (external_id, date) not in self.verdicts
            and not self._off(links.get(external_id), date)
        }

    def judge(
        self,
        staged: Mapping[dt.date, Sequence[StagedDay]],
        links: Mapping[str, Any],
        uncontrolled: Mapping[Pair, tuple[Decimal, Decimal]],
    ) -> Judgement:
        """What of `staged` is stored as it came, and what is doubted and keeps its old figures.

        `links`: source id to department. `uncontrolled`: source ids and dates whose sum (first) is not the one of the
        control question (second).
        """
        days: list[StagedDay] = []
        doubts: dict[Pair, Doubt] = {}
        outdated: list[int] = []
        for date in self.dates:
            came = {day.external_id: day for day in staged[date]}
            for external_id, day in came.items():
                pair = external_id, date
                doubt = self._doubt_size(day)
                if pair in uncontrolled:
                    doubt = Doubt("control", *uncontrolled[pair])
                if doubt is None or pair in self.verdicts:
                    days.append(day)
                else:
                    doubts[pair] = doubt
                    days.append(self._kept(pair, doubt) or day._replace(state=DayState.SUSPICIOUS, doubt=doubt.text()))
            lost = {external_id for external_id, day in uncontrolled if day == date}
            missed = self._missed(date, links)
            if not came and not missed and self.usually_sells(date, links):
                # No branch is missed for itself, yet all of them together are: then each of them is asked about.
                missed = {external_id for external_id in self._sellers(date, links) if links.get(external_id)}
            for external_id in sorted((missed | lost) - came.keys()):
                pair = external_id, date
                old = self.old.get(pair)
                code = "vanished" if old and _sold(old.revenue, old.gross) else "absent"
                doubt = Doubt(code, None, self._usual(external_id, date))
                if pair in uncontrolled:
                    doubt = Doubt("control", *uncontrolled[pair])
                if self._believed_silence(pair):
                    continue
                if pair in self.verdicts:
                    outdated.append(self.verdicts[pair])
                doubts[pair] = doubt
                days.append(self._kept(pair, doubt) or _unknown(pair, links.get(external_id), doubt))
        return Judgement(days, doubts, outdated)

    def _doubt_size(self, day: StagedDay) -> Doubt | None:
        if day.state != DayState.COMPLETE or day.department is None or day.revenue is None:
            return None
        old = self.old.get((day.external_id, day.date))
        if old and old.revenue == day.revenue and not (old.doubt and old.doubt["revenue"] == _text(day.revenue)):
            return None
        known = self._known(day.external_id, day.date)
        if len(known) < LEAST or (usual := median(known)) <= 0:
            return None
        collapsed = day.revenue < COLLAPSED * usual and day.revenue < COLLAPSED_BELOW_LOWEST * min(known)
        jumped = day.revenue > JUMP * usual and day.revenue > JUMP_ABOVE_HIGHEST * max(known)
        if not (collapsed or jumped) or self._off(day.department, day.date):
            return None
        return Doubt("collapsed" if collapsed else "jump", day.revenue, usual)

    def _missed(self, date: dt.date, links: Mapping[str, Any]) -> set[str]:
        """Source ids of which an answer for the date is due."""
        had = {
            external_id
            for (external_id, day), old in self.old.items()
            if day == date and old.department_id and _sold(old.revenue, old.gross)
        }
        usual: set[str] = set()
        if date < self.today:
            before = {date - dt.timedelta(weeks=week) for week in range(1, MISSED_AFTER + 1)}
            usual = {
                external_id
                for external_id, known in self.history.items()
                if all(known.get(day) for day in before)
                and (date not in self.accepted or (external_id, date) in self.old)
                and links.get(external_id)
                and (self.only is None or external_id in self.only)
                and not self._off(links[external_id], date)
            }
        return had | usual

    def _off(self, department: Any, date: dt.date) -> bool:
        return date in self.feasts or any(
            department == closed and first <= date <= last for closed, first, last in self.closures
        )

    def _known(self, external_id: str, date: dt.date) -> list[Decimal]:
        known = self.history.get(external_id)
        if not known:
            return []
        days = (date - dt.timedelta(weeks=week) for week in range(1, WEEKS + 1))
        return [known[day] for day in days if day in known]

    def _usual(self, external_id: str, date: dt.date) -> Decimal | None:
        known = self._known(external_id, date)
        return median(known) if known else None

    def _kept(self, pair: Pair, doubt: Doubt) -> StagedDay | None:
        """The old day, suspicious now; None if there is none that was ever believed."""
        old = self.old.get(pair)
        if old is None or old.revenue is None or old.state == DayState.OPEN_SHIFT:
            return None
        if old.doubt and old.doubt["revenue"] == _text(old.revenue):
            return None  # it was doubted itself
        return StagedDay(
            old.external_id,
            old.department_id,
            old.date,
            DayState.SUSPICIOUS,
            old.revenue,
            old.gross,
            old.orders,
            old.guests,
            json.dumps(old.hours, separators=(",", ":")),
            doubt.text(),
        )


def _unknown(pair: Pair, department: Any, doubt: Doubt) -> StagedDay:
    external_id, date = pair
    return StagedDay(external_id, department, date, DayState.SUSPICIOUS, None, None, None, None, "[]", doubt.text())


def _sold(revenue: Decimal | None, gross: Decimal | None) -> bool:
    return bool(revenue or gross)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.4f}"
