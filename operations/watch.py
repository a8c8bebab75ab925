"""The rules of alarms: what stands wrong now, per organisation. Whatever no longer stands is over.

A rule looks at the database and the clock, and at the alarms that stand already: what was told is awaited until it is
there, even when midnight has made it the day before yesterday.
"""

import datetime as dt
import logging
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import Organisation
from departments.calendar import empty_year
from departments.models import Closure, Connection, Holiday
from departments.timing import connection_today, organisation_today
from items.expected import clients_of, refusals, silences
from operations import health
from operations.night import passing
from runs import clock
from runs.alarms import end_alarm, raise_alarm
from runs.choices import Severity, State
from runs.heartbeat import SILENT_ROUNDS
from runs.models import Alarm, Run
from runs.outages import PASSING
from sales.choices import DayState
from sales.models import SalesSummary
from sales.report import few
from sales.waiting import Waiting, waiting
from sources.errors import PERMANENT, TRANSIENT

log = logging.getLogger(__name__)

# A date that was told of as missing is awaited for so long, as long as nights ask for it.
AWAITED_DAYS = 92
# More branches of one source than this in doubt are one trouble of the source.
MANY = 3
LEAST_FREE_BYTES = 500 * 2**20
# Of a source that cannot be loaded; not of one that another load is asking.
FAULTS = (TRANSIENT | PERMANENT) - {"busy"}
# The second question comes at a round of the keeper and takes its time: so many rounds after it is due.
RETRY_MAY_BE_LATE = 5
# A disk that was nearly full is not told to be well before it has this much more than the limit.
ROOM_AGAIN = 1.2
_began = time.monotonic()


@dataclass(frozen=True)
class Trouble:
    """`covers`: keys of other alarms that are part of this one. They are not raised beside it, nor are they over."""

    key: str
    code: str
    severity: str = Severity.WARNING
    params: dict[str, Any] = field(default_factory=dict)
    department: UUID | None = None
    covers: frozenset[str] = frozenset()


Standing = Mapping[str, Alarm]


def watch_all() -> None:
    """Of a chain whose last source was taken away nothing stands any more."""
    watched = Q()
    for rows in (
        Alarm.objects.filter(ended_at=None),
        Connection.objects.tills(),
        clients_of(Organisation.objects.all()),
    ):
        watched |= Q(pk__in=rows.values("organisation"))
    for organisation in Organisation.objects.filter(watched):
        watch(organisation)


def watch(organisation: Organisation) -> None:
    """Open an alarm for what is new, end those whose trouble is over. A rule that fails changes nothing."""
    standing = {alarm.key: alarm for alarm in Alarm.objects.filter(organisation=organisation, ended_at=None)}
    for rule, codes in RULES.items():
        try:
            found = list(rule(organisation, standing))
        except PASSING:
            raise
        except Exception:
            log.exception("the rule of %s failed; its alarms stay as they are", ", ".join(codes))
            continue
        for trouble in found:
            _raise(organisation, trouble, standing.get(trouble.key))
        stands = {trouble.key for trouble in found}.union(*(trouble.covers for trouble in found))
        for key, alarm in standing.items():
            if alarm.code in codes and key not in stands:
                end_alarm(organisation, key)


def _raise(organisation: Organisation, trouble: Trouble, known: Alarm | None) -> None:
    if known and (known.params, known.severity) == (trouble.params, trouble.severity):
        return
    raise_alarm(
        organisation,
        trouble.code,
        trouble.key,
        params=trouble.params,
        severity=trouble.severity,
        department=trouble.department,
    )


def _tills(organisation: Organisation) -> QuerySet[Connection]:
    return Connection.objects.filter(organisation=organisation).tills().select_related("organisation")


def _due(connection: Connection, hour: int) -> dt.date:
    """The last business date of which something is due `hour` hours after its midnight, in the latest zone."""
    return connection_today(connection, clock.now() - dt.timedelta(hours=hour)) - dt.timedelta(days=1)


def sources(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    """Of each source one of: the night could not load it, or what follows of that when the night was not to blame."""
    for connection in _tills(organisation):
        told = {f"yesterday:{connection.pk}", f"failing:{connection.pk}"} & standing.keys()
        down = None if told else _down(connection, standing)
        if down:
            yield down
        else:
            yield from _no_yesterday(connection, standing)
            yield from _failing(connection)


def _down(connection: Connection, standing: Standing) -> Trouble | None:
    """The night's newest load ended by the source's fault, when patience with it had been in vain."""
    key, last = f"down:{connection.pk}", _ended(connection).first()
    if last is None or not (last.params.get("deep") or key in standing):
        return None
    why = _reason(last)
    if last.state not in (State.FAILED, State.PARTIAL) or why["code"] not in FAULTS:
        return None
    return Trouble(key, "source_down", Severity.CRITICAL, {"source": connection.name, "why": why, "run": last.pk})


def _no_yesterday(connection: Connection, standing: Standing) -> Iterator[Trouble]:
    """Yesterday is not there at ALARM_HOUR. A source that was never loaded before has nothing to miss yet."""
    due, key = _due(connection, settings.ALARM_HOUR), f"yesterday:{connection.pk}"
    days = connection.days.exclude(loaded_at=None)
    if not days.filter(date__lt=due).exists():
        return
    told = standing[key].params["missing"] if key in standing else []
    oldest = due - dt.timedelta(days=AWAITED_DAYS)
    awaited = {due} | {date for date in map(dt.date.fromisoformat, told) if oldest < date < due}
    there = days.filter(date__in=awaited, state__in=[DayState.COMPLETE, DayState.PARTIAL])
    missing = sorted(awaited.difference(there.values_list("date", flat=True)))
    if missing and (key in standing or not _may_heal(connection)):
        params = {
            "source": connection.name,
            "dates": few(missing),
            "missing": [str(date) for date in missing],
            **_why(connection, missing[-1]),
        }
        yield Trouble(key, "no_yesterday", Severity.CRITICAL, params)


def _loads(connection: Connection) -> QuerySet[Run]:
    """Whole loads of the connection, newest first."""
    loads = Run.objects.filter(organisation=connection.organisation_id, kind="load_connection")
    return loads.filter(unit=str(connection.pk), params__department=None).order_by("-id")


def _ended(connection: Connection) -> QuerySet[Run]:
    return _loads(connection).exclude(finished_at=None).exclude(state=State.CANCELLED)


def _may_heal(connection: Connection) -> bool:
    """What a load of the night found doubtful is asked for a second time before anybody is told."""
    loads = list(_loads(connection).filter(params__deep=True).exclude(started_at=None)[:3])
    in_vain = [passing(run) for run in loads if run.finished_at][:2]
    under_way = bool(loads) and loads[0].finished_at is None
    if in_vain == [True, True] or not (under_way or in_vain[:1] == [True]):
        return False
    # Nobody waits for a load that does not come to an end.
    soon = dt.timedelta(seconds=settings.RETRY_SECONDS + RETRY_MAY_BE_LATE * settings.RUN_SWEEP_SECONDS)
    since = loads[0].finished_at or loads[0].started_at
    return since is not None and clock.now() - since < soon


def _why(connection: Connection, date: dt.date) -> dict[str, Any]:
    """What the last load that asked for the date said, and which run that was."""
    loads = _loads(connection).filter(from_date__lte=date, to_date__gte=date)
    last = loads.exclude(finished_at=None).first()
    nights = Run.objects.filter(organisation=connection.organisation_id, kind="nightly", night__gt=date)
    night = nights.filter(state=State.CANCELLED).order_by("-id").first()
    if night and (last is None or last.pk < night.pk or last.state == State.CANCELLED):
        return {"why": {"code": "night_cancelled"}, "run": night.pk}
    if last:
        return {"why": _reason(last), "run": last.pk}
    return {"why": {"code": "asked_now" if loads.exists() else "never_asked"}}


def _reason(run: Run) -> dict[str, Any]:
    reasons = [error for error in run.errors if not error.get("warning")]
    return {name: reasons[0].get(name) for name in ("code", "params")} if reasons else {"code": "never_asked"}


def _failing(connection: Connection) -> Iterator[Trouble]:
    wanted = settings.ALARM_FAILURES_IN_A_ROW
    last = list(_ended(connection)[:wanted])
    if len(last) == wanted and all(run.state == State.FAILED for run in last):
        params = {"source": connection.name, "times": wanted, "why": _reason(last[0]), "run": last[0].pk}
        yield Trouble(f"failing:{connection.pk}", "failing", Severity.CRITICAL, params)


@dataclass(frozen=True)
class Doubtful:
    """Days in `state` that stand `after` hours past their midnight, told by branch, or by source if they are MANY.

    `days`: so many days back; then it is history.
    """

    state: DayState
    key: str
    by_branch: str
    by_source: str
    source_severity: Severity
    after: int
    days: int = 35


def doubtful_days(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    kinds = (
        Doubtful(
            DayState.SUSPICIOUS, "suspicious", "suspicious_days", "suspicious_source", Severity.CRITICAL, after=-24
        ),
        # A shift of yesterday that is open still at noon was forgotten, not late.
        Doubtful(DayState.OPEN_SHIFT, "open", "left_open", "left_open_source", Severity.WARNING, after=12),
        Doubtful(
            DayState.PARTIAL, "partial", "partial_days", "partial_source", Severity.WARNING, after=settings.ALARM_HOUR
        ),
    )
    for connection in _tills(organisation):
        may_heal = _may_heal(connection)
        for kind in kinds:
            for trouble in _doubtful(connection, kind):
                told = standing.keys() & {trouble.key, *trouble.covers}
                if told or not may_heal or kind.state != DayState.SUSPICIOUS:
                    yield trouble


def _doubtful(connection: Connection, kind: Doubtful) -> Iterator[Trouble]:
    last = _due(connection, kind.after)
    days = SalesSummary.objects.filter(
        connection=connection, state=kind.state, date__lte=last, date__gt=last - dt.timedelta(days=kind.days)
    )
    if kind.state == DayState.OPEN_SHIFT:
        days = days.exclude(pk__in=_on_closures(days).values("pk"))
    found: dict[tuple[UUID, str], list[dt.date]] = defaultdict(list)
    for department, name, date in days.order_by("date").values_list("department", "department__name", "date"):
        found[department, name].append(date)
    branches = [
        Trouble(
            f"{kind.key}:{department}",
            kind.by_branch,
            params={"department": name, "dates": few(dates), "day": str(dates[-1])},
            department=department,
        )
        for (department, name), dates in found.items()
    ]
    if len(branches) <= MANY:
        yield from branches
        return
    params = {"source": connection.name, "branches": len(branches), "state": kind.state}
    covers = frozenset(trouble.key for trouble in branches)
    yield Trouble(f"{kind.key}:{connection.pk}", kind.by_source, kind.source_severity, params, covers=covers)


def _on_closures(days: QuerySet[SalesSummary]) -> QuerySet[SalesSummary]:
    """Those on which their branch is known to be closed."""
    closures = Closure.objects.filter(department__in=days.values("department"))
    closed = Q(pk__in=[])
    for department, first, last in closures.values_list("department", "first", "last"):
        closed |= Q(department=department, date__gte=first, date__lte=last or dt.date.max)
    return days.filter(closed)


def unknown_sales(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    """Money that waits for a person to say whose it is, told by id, or by source if there are MANY."""
    by_source: dict[Connection, list[Waiting]] = defaultdict(list)
    for line in waiting(organisation):
        by_source[line.connection].append(line)
    for connection, lines in by_source.items():
        common = {"source": connection.name, "waiting": True}
        if len(lines) > MANY:
            total = sum(line.revenue for line in lines)
            params = {**common, "ids": len(lines), "sum": f"{total:.2f}"}
            yield Trouble(f"unknown:{connection.pk}", "unknown_sales_source", params=params)
            continue
        for line in lines:
            params = {**common, "name": line.name or line.external_id or "—", "sum": f"{line.revenue:.2f}"}
            params["dates"] = " – ".join(f"{date:%d.%m.%Y}" for date in dict.fromkeys((line.first, line.last)))
            yield Trouble(f"unknown:{connection.pk}:{line.external_id}", "unknown_sales", params=params)


def service(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    """Beat and the workers. After a pause of the whole house both need a moment: until then nothing new is said."""
    awake = time.monotonic() - _began > SILENT_ROUNDS * settings.RUN_SWEEP_SECONDS
    if health.beat() == "silent" and (awake or "beat" in standing):
        yield Trouble("beat", "beat_silent")
    if health.worker() == "stuck" and (awake or "worker" in standing):
        yield Trouble("worker", "work_stuck", Severity.CRITICAL)


def disk(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    """A disk that is full, as the work under way tells of it, and one that soon will be."""
    told = standing["disk_full"].params["run"] if "disk_full" in standing else None
    # Between two attempts the same work has other things to say.
    waiting = Run.objects.unfinished().filter(Q(message_code="disk_full") | Q(pk=told), organisation=organisation)
    if run := waiting.order_by("id").first():
        yield Trouble("disk_full", "disk_full", Severity.CRITICAL, {"run": run.pk}, covers=frozenset({"disk"}))
        return
    enough = ROOM_AGAIN if "disk" in standing else 1
    for usage in map(shutil.disk_usage, health.folders()):
        if usage.free < enough * max(usage.total * settings.ALARM_FREE_PERCENT / 100, LEAST_FREE_BYTES):
            yield Trouble("disk", "disk_nearly_full", Severity.CRITICAL, {"free": f"{usage.free / 2**30:.1f}"})
            return


def calendar(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    """Forecasts of a year without holidays take its feasts for ordinary days. A chain that keeps none misses none."""
    year = empty_year(organisation, organisation_today(organisation))
    if year and Holiday.objects.filter(organisation=organisation).exists():
        yield Trouble(f"calendar:{year}", "calendar_empty", params={"year": year})


def deliveries(organisation: Organisation, standing: Standing) -> Iterator[Trouble]:
    """Clients that push item sales: those who are late, and those who are refused again and again."""
    for silence in silences(organisation):
        client = silence.source
        params = {"source": client.connection.name, "client": client.pk, "dates": few([silence.due])}
        yield Trouble(f"silent:{client.pk}", "client_silent", params=params)
    for refused in refusals(organisation):
        client = refused.source
        params = {"source": client.connection.name, "client": client.pk, "times": refused.times, "why": refused.why}
        yield Trouble(f"refused:{client.pk}", "client_refused", params=params)


RULES: dict[Callable[[Organisation, Standing], Iterator[Trouble]], frozenset[str]] = {
    sources: frozenset({"source_down", "no_yesterday", "failing"}),
    doubtful_days: frozenset(
        {"suspicious_days", "suspicious_source", "left_open", "left_open_source", "partial_days", "partial_source"}
    ),
    unknown_sales: frozenset({"unknown_sales", "unknown_sales_source"}),
    deliveries: frozenset({"client_silent", "client_refused"}),
    service: frozenset({"beat_silent", "work_stuck"}),
    disk: frozenset({"disk_full", "disk_nearly_full"}),
    calendar: frozenset({"calendar_empty"}),
}
