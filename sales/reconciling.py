"""Runs that compare a range with its sources, list what differs, and repair it if asked."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Sequence
from time import sleep
from typing import Any

from django.db import transaction

from accounts.models import Organisation, User
from departments.clients import iiko_client
from departments.models import Connection
from departments.sessions import POLL, owned_by
from departments.timing import connection_today, organisation_today
from departments.work import as_error
from runs.alarms import end_alarm, raise_alarm
from runs.choices import State, Trigger
from runs.ledger import RunFailed, Work, open_run
from runs.models import Alarm, Run
from runs.registry import Outcome, Wait
from sales.choices import Where
from sales.load import DAYS_PER_QUESTION
from sales.models import Difference
from sales.reconcile import Comparison, compare
from sales.report import few
from sales.settling import questions
from sales.sync import check_range
from sources.errors import SourceError

# Differences of so many runs are kept; the newest.
KEPT_RUNS = 30
SAMPLE_DAYS, SAMPLE_FROM = 3, 400
BREATH = POLL * 1.2  # seconds; whoever waits for a server looks every POLL
# A load repairs neither what a person is asked about nor what the source itself contradicts.
NOT_REPAIRED = (Where.KEPT, Where.SOURCE)


class NothingToRepair(Exception):
    """The comparison found nothing that loading again could repair."""


def start_reconcile(
    *,
    organisation: Organisation,
    from_date: dt.date,
    to_date: dt.date,
    connections: Sequence[Connection] | None = None,
    repair: bool = False,
    trigger: str,
    started_by: User | None = None,
) -> tuple[Run, bool]:
    """Open a run that compares both dates and all between them with their sources. Raises BadRange."""
    check_range(organisation, from_date, to_date)
    ids = sorted(connection.pk for connection in connections or [])
    return open_run(
        "reconcile",
        organisation=organisation,
        unit=" ".join([f"{from_date}..{to_date}", ",".join(map(str, ids)), "repair" * repair]).strip(),
        trigger=trigger,
        started_by=started_by,
        from_date=from_date,
        to_date=to_date,
        params={"connections": ids, "repair": repair},
    )


def start_repair(comparison: Run, *, started_by: User) -> tuple[Run, bool]:
    """Open a run that compares again only the dates on which `comparison` found what a load can repair, and repairs it.

    Raises NothingToRepair.
    """
    found = Difference.objects.filter(run=comparison).exclude(where__in=NOT_REPAIRED)
    dates: dict[str, set[str]] = {}
    for connection, date in found.values_list("connection", "date"):
        dates.setdefault(str(connection), set()).add(str(date))
    if not dates:
        raise NothingToRepair
    every = sorted(dt.date.fromisoformat(text) for texts in dates.values() for text in texts)
    return open_run(
        "reconcile",
        organisation=comparison.organisation,
        unit=f"repair of {comparison.pk}",
        trigger=Trigger.PAGE,
        started_by=started_by,
        from_date=every[0],
        to_date=every[-1],
        params={
            "connections": sorted(map(int, dates)),
            "repair": True,
            "dates": {connection: sorted(texts) for connection, texts in dates.items()},
        },
    )


def start_samples() -> list[int]:
    """Open tonight's comparison of a few dates of every organisation that has tills; returns the new runs' ids."""
    organisations = Organisation.objects.filter(pk__in=Connection.objects.tills().values("organisation"))
    opened = []
    for organisation in organisations:
        night = organisation_today(organisation)
        run, created = open_run(
            "reconcile",
            organisation=organisation,
            unit="sample",
            night=night,
            trigger=Trigger.SCHEDULE,
            params={"sample": str(night)},
        )
        opened += [run.pk] if created else []
    return opened


def reconcile(work: Work) -> Outcome | Wait:
    """Called again after the repair, if one was asked for: then what was repaired is compared once more."""
    run = work.run
    tills = Connection.objects.filter(organisation=run.organisation).tills().select_related("organisation")
    if ids := run.params.get("connections"):
        tills = tills.filter(pk__in=ids)
    if not (connections := list(tills)):
        raise RunFailed("no_connections")
    again = "repaired" in run.params
    days, errors = _compare_all(work, connections)
    if again:  # what the first comparison could not do stays undone
        days, errors = run.params["days"], [*run.params["errors"], *errors]
    elif not days and not errors and not run.params.get("sample"):
        raise RunFailed("nothing_compared")
    _forget_old(run)
    if run.params.get("sample"):
        _end_orphaned_alarms(run.organisation, connections)
    found = Difference.objects.filter(run=run)
    if run.params.get("repair") and not again and found.exclude(where__in=NOT_REPAIRED).exists():
        return _repair(work, connections, days, errors)
    for connection in connections:
        errors += _errors(run, connection)
    counts = {
        "days": days,
        "differences": found.exclude(where=Where.KEPT).count(),
        "kept": found.filter(where=Where.KEPT).count(),
    }
    if again:
        left = found.exclude(where__in=NOT_REPAIRED).count()
        counts["repaired"] = max(run.params["found"] - left, 0)
        if left:
            errors += [error for child in run.children.exclude(state=State.DONE) for error in child.errors]
    agrees = all(error.get("warning") for error in errors)
    return Outcome(State.DONE if agrees else State.PARTIAL if days else State.FAILED, counts, errors)


def _compare_all(work: Work, connections: Sequence[Connection]) -> tuple[int, list[dict[str, Any]]]:
    """Compare what is due of each connection; returns how many days were, and what went wrong on the way.

    Between two questions the server is free for a while: a load that waits for it gets its turn.
    """
    run, errors = work.run, list[dict[str, Any]]()
    asked = {connection.pk: _ranges(run, connection) for connection in connections}
    total, done, days = sum(len(ranges) for ranges in asked.values()), 0, 0
    for connection in connections:
        ranges, compared = asked[connection.pk], list[dt.date]()
        client = iiko_client(connection, owner=owned_by(run))
        still_open, unsteady = 0, list[dt.date]()
        try:
            for first, last in ranges:
                if compared:
                    sleep(BREATH)
                work.progress(done, total, "comparing", source=connection.name, date=f"{last:%d.%m.%Y}")
                with client.session():
                    comparison = compare(connection, client, first, last)
                _keep(work, connection, first, last, comparison)
                compared += _dates(first, last)
                still_open += comparison.still_open
                unsteady += comparison.unsteady
                done += 1
        except SourceError as error:
            left = [date for first, last in ranges for date in _dates(first, last) if date not in compared]
            errors += [as_error(error, connection), _error("not_compared", connection, dates=few(left))]
        days += len(compared)
        if still_open:
            errors.append(_error("still_open", connection, days=still_open) | {"warning": True})
        if unsteady:
            errors.append(_error("unsteady", connection, dates=few(unsteady)) | {"warning": True})
        _watch(run, connection, compared)
    return days, errors


def _dates(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _ranges(run: Run, connection: Connection) -> list[tuple[dt.date, dt.date]]:
    """Questions of at most a week: the dates that were named, a sample of the past, or the range up to yesterday."""
    yesterday = connection_today(connection) - dt.timedelta(days=1)
    named = run.params.get("repaired", run.params.get("dates"))
    if named is not None:
        dates = [dt.date.fromisoformat(text) for text in named.get(str(connection.pk), [])]
    elif sample := run.params.get("sample"):
        begin = yesterday - dt.timedelta(days=SAMPLE_FROM - 1)
        past = sorted(connection.days.filter(date__range=(begin, yesterday)).values_list("date", flat=True))
        chance = random.Random(f"{sample} {connection.pk}")
        dates = [*chance.sample(past, min(SAMPLE_DAYS, len(past))), *_alarmed(connection)]
    else:
        assert run.from_date and run.to_date
        dates = _dates(run.from_date, min(run.to_date, yesterday))
    return questions(set(dates), DAYS_PER_QUESTION)


def _keep(work: Work, connection: Connection, first: dt.date, last: dt.date, comparison: Comparison) -> None:
    """What was found of the dates takes the place of what stood there, behind the fence."""
    run = work.run
    with transaction.atomic():
        work.guard()
        Difference.objects.filter(run=run, connection=connection, date__range=(first, last)).delete()
        Difference.objects.bulk_create(
            (
                Difference(
                    organisation_id=run.organisation_id,
                    run=run,
                    connection=connection,
                    external_id=one.external_id,
                    department_id=one.department,
                    date=one.date,
                    hour=one.hour,
                    where=one.where,
                    what=one.what,
                    ours=one.ours,
                    theirs=one.theirs,
                )
                for one in comparison.found
            ),
            batch_size=500,
        )


def _errors(run: Run, connection: Connection) -> list[dict[str, Any]]:
    """A sentence per kind of difference that the run found of the connection."""
    dates: dict[str, set[dt.date]] = {}
    figures: dict[str, int] = {}
    for where, date in Difference.objects.filter(run=run, connection=connection).values_list("where", "date"):
        code = {Where.KEPT: "kept_days", Where.SOURCE: "contradictions"}.get(Where(where), "differences")
        dates.setdefault(code, set()).add(date)
        figures[code] = figures.get(code, 0) + 1
    return [_error(code, connection, n=figures[code], dates=few(dates[code])) for code in sorted(dates)]


def _error(code: str, connection: Connection, **params: Any) -> dict[str, Any]:
    return {"code": code, "params": {"source": connection.name, **params}}


def _watch(run: Run, connection: Connection, compared: Collection[dt.date]) -> None:
    """Nights raise an alarm; it stands until each date that it names was compared again and agrees, in whatever run."""
    standing = set(_alarmed(connection))
    wrong = set(
        Difference.objects.filter(run=run, connection=connection)
        .exclude(where=Where.KEPT)
        .values_list("date", flat=True)
    )
    dates = (standing - set(compared)) | (wrong if run.trigger == Trigger.SCHEDULE else wrong & standing)
    if dates:
        params = {"source": connection.name, "dates": few(dates), "days": sorted(map(str, dates))}
        raise_alarm(run.organisation, "differing_days", _key(connection), params=params)
    elif standing:
        end_alarm(run.organisation, _key(connection))


def _end_orphaned_alarms(organisation: Organisation, connections: Sequence[Connection]) -> None:
    """Nobody asks a source that was switched off or deleted: no comparison would ever end its alarm."""
    standing = Alarm.objects.filter(organisation=organisation, code="differing_days", ended_at=None)
    for key in standing.exclude(key__in=map(_key, connections)).values_list("key", flat=True):
        end_alarm(organisation, key)


def _alarmed(connection: Connection) -> list[dt.date]:
    """The dates that the standing alarm of the connection names."""
    alarm = Alarm.objects.filter(organisation=connection.organisation_id, key=_key(connection), ended_at=None).first()
    return [dt.date.fromisoformat(text) for text in alarm.params["days"]] if alarm else []


def _key(connection: Connection) -> str:
    return f"reconcile:{connection.pk}"


def _repair(work: Work, connections: Sequence[Connection], days: int, errors: list[dict[str, Any]]) -> Wait:
    """Load the dates that differ by force, each connection's own, then compare again."""
    repaired: dict[str, list[str]] = {}
    wrong = Difference.objects.filter(run=work.run).exclude(where__in=NOT_REPAIRED)
    for connection in connections:
        dates = sorted(set(wrong.filter(connection=connection).values_list("date", flat=True)))
        repaired[str(connection.pk)] = [str(date) for date in dates]
        for first, last in questions(dates, DAYS_PER_QUESTION):
            work.spawn(
                "sync_sales",
                unit=f"repair {work.run.pk} {connection.pk} {first}",
                from_date=first,
                to_date=last,
                params={"connections": [connection.pk], "force": True},
            )
    work.remember(repaired=repaired, found=wrong.count(), days=days, errors=errors)
    return Wait()


def _forget_old(run: Run) -> None:
    same = Run.objects.filter(organisation=run.organisation, kind="reconcile").order_by("-id")
    newest = list(same.values_list("pk", flat=True)[:KEPT_RUNS])
    Difference.objects.filter(organisation=run.organisation).exclude(run__in=newest).delete()
