"""How far an answer of a source is to be believed, judged by what the same source said before.

A source that drops a branch, sends half a day or ten times a day is not proof that it sold so: the old figures stay,
the day is suspicious, and a person decides. Only what is new is judged, and nothing on feasts, in closures and out of
season. Silence that was once accepted, when there was no history to doubt it by, is not new.
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

from departments.models import Connection
from sales.choices import DayState
from sales.early import stops_early
from sales.models import ObservedDay, Verdict
from sales.off_days import OffDays
from sales.staging import StagedDay

# The same weekday of the last weeks is a day's own history; below LEAST of them nothing is said of its size.
WEEKS, LEAST = 8, 4
COLLAPSED, COLLAPSED_BELOW_LOWEST = Decimal("0.1"), Decimal("0.5")
JUMP, JUMP_ABOVE_HIGHEST = Decimal(5), Decimal(2)
# Of two public chains 0 of 1,025 true days were doubted for ending early, and 9 of 10 that lost their second half.
EARLY = Decimal("0.75")
# A day without an answer is missed where each of the same weekdays so many weeks back sold.
MISSED_AFTER = 3
# A date without any answer is hard to believe where at least so many of the last four same weekdays sold.
USUAL_WEEKS, USUAL_HITS = 4, 2

Pair = tuple[str, dt.date]


@dataclass(frozen=True)
class Doubt:
    """Why a day is not believed: what came and what is usual (None: unknown)."""

    code: str  # collapsed, jump, early, vanished, absent, control
    came: Decimal | None
    usual: Decimal | None

    def text(self) -> str:
        return json.dumps(
            {"code": self.code, "revenue": _text(self.came), "usual": _text(self.usual)}, separators=(",", ":")
        )


@dataclass(frozen=True)
class Judgement:
    """The days to store, the doubts among them by source id and date, and verdicts that were about other figures.

    `as_sent`: whether the days are what the source sent.
    """

    days: list[StagedDay]
    doubts: dict[Pair, Doubt]
    outdated: list[int]
    as_sent: bool


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
        self.calendar = OffDays(connection.organisation, self.dates)
        self.old = self._old(connection)
        self.history = self._history(connection)

    def _old(self, connection: Connection) -> dict[Pair, ObservedDay]:
        days = ObservedDay.objects.filter(connection=connection, date__in=self.dates)
        if self.only is not None:
            days = days.filter(external_id__in=self.only)
        return {(day.external_id, day.date): day for day in days}

    def _history(self, connection: Connection) -> dict[str, dict[dt.date, Decimal]]:
        before = {same for date in self.dates for same in _weeks_before(date)}
        rows = ObservedDay.objects.filter(connection=connection, date__in=before, state=DayState.COMPLETE)
        found: dict[str, dict[dt.date, Decimal]] = defaultdict(dict)
        for external_id, date, revenue in rows.values_list("external_id", "date", "revenue"):
            if revenue is not None:
                found[external_id][date] = revenue
        return found

    @cached_property
    def _decided(self) -> dict[Pair, Verdict]:
        verdicts = Verdict.objects.filter(connection=self.connection, date__in=self.dates)
        return {(verdict.external_id, verdict.date): verdict for verdict in verdicts}

    @cached_property
    def verdicts(self) -> dict[Pair, int]:
        """Where a person believed the source."""
        return {pair: verdict.pk for pair, verdict in self._decided.items() if not verdict.keeps}

    def _kept_by_hand(self, pair: Pair, said: Decimal | None) -> StagedDay | None:
        """The old day, where a person knows better than the source and the source still says what it said then."""
        verdict = self._decided.get(pair)
        return self._kept(pair, None) if verdict and verdict.keeps and verdict.said == said else None

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

    def usually_sells(self, date: dt.date, links: Mapping[str, Any]) -> bool:
        """Whether an empty answer for the whole date is hard to believe of the branches that are not closed on it.

        `links`: source id to department.
        """
        if self.only is not None or date >= self.today or date in self.calendar.feasts:
            return False
        for pair, old in self.old.items():
            decided = self._believed_silence(pair) or self._kept_by_hand(pair, None)
            if old.date == date and _sold(old.revenue, old.gross) and not decided:
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
            and not self._kept_by_hand((external_id, date), None)
            and not self.calendar.is_off(links.get(external_id), date)
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
        as_sent = True
        for date in self.dates:
            came = {day.external_id: day for day in staged[date]}
            for external_id, day in came.items():
                pair = external_id, date
                doubt = self._doubt_size(day)
                if pair in uncontrolled:
                    doubt = Doubt("control", *uncontrolled[pair])
                if doubt and (kept := self._kept_by_hand(pair, doubt.came)):
                    as_sent = False
                    days.append(kept)
                    continue
                if pair in self._decided and pair not in self.verdicts:
                    outdated.append(self._decided[pair].pk)
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
                if kept := self._kept_by_hand(pair, doubt.came):
                    as_sent = False
                    days.append(kept)
                    continue
                if pair in self._decided:
                    outdated.append(self._decided[pair].pk)
                doubts[pair] = doubt
                days.append(self._kept(pair, doubt) or _unknown(pair, links.get(external_id), doubt))
        return Judgement(days, doubts, outdated, as_sent and not doubts)

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
        if collapsed or jumped:
            unusual = self.calendar.is_off(day.department, day.date)
            return None if unusual else Doubt("collapsed" if collapsed else "jump", day.revenue, usual)
        if day.revenue < EARLY * usual and self._stops_early(day):
            return Doubt("early", day.revenue, usual)
        return None

    def _stops_early(self, day: StagedDay) -> bool:
        before = _weeks_before(day.date)
        calendar = OffDays(self.connection.organisation, [*before, day.date])
        if day.date >= self.today or calendar.may_end_early(day.department, day.date):
            return False
        rows = ObservedDay.objects.filter(connection=self.connection, external_id=day.external_id)
        usual = [date for date in before if not calendar.may_end_early(day.department, date)]
        rows = rows.filter(date__in=usual, state=DayState.COMPLETE)
        known = [_by_hour(hours) for hours in rows.values_list("hours", flat=True)]
        return len(known) >= LEAST and stops_early(_by_hour(json.loads(day.hours)), known)

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
                and not self.calendar.is_off(links[external_id], date)
            }
        return had | usual

    def _known(self, external_id: str, date: dt.date) -> list[Decimal]:
        known = self.history.get(external_id)
        if not known:
            return []
        return [known[day] for day in _weeks_before(date) if day in known]

    def _usual(self, external_id: str, date: dt.date) -> Decimal | None:
        known = self._known(external_id, date)
        return median(known) if known else None

    def _kept(self, pair: Pair, doubt: Doubt | None) -> StagedDay | None:
        """The old day, suspicious now (without a doubt: complete); None if there is none that was ever believed."""
        old = self.old.get(pair)
        if old is None or old.revenue is None or old.state == DayState.OPEN_SHIFT:
            return None
        if old.doubt and old.doubt["revenue"] == _text(old.revenue):
            return None  # it was doubted itself
        return StagedDay(
            old.external_id,
            old.department_id,
            old.date,
            DayState.SUSPICIOUS if doubt else DayState.COMPLETE,
            old.revenue,
            old.gross,
            old.orders,
            old.guests,
            json.dumps(old.hours, separators=(",", ":")),
            doubt.text() if doubt else None,
        )


def _weeks_before(date: dt.date) -> list[dt.date]:
    return [date - dt.timedelta(weeks=week) for week in range(1, WEEKS + 1)]


def _by_hour(hours: list[list[Any]]) -> list[tuple[int, Decimal]]:
    return [(hour, Decimal(revenue)) for hour, revenue, *_others in hours]


def _unknown(pair: Pair, department: Any, doubt: Doubt) -> StagedDay:
    external_id, date = pair
    return StagedDay(external_id, department, date, DayState.SUSPICIOUS, None, None, None, None, "[]", doubt.text())


def _sold(revenue: Decimal | None, gross: Decimal | None) -> bool:
    return bool(revenue or gross)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.4f}"
