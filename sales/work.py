"""The runs of this floor: a load of a range, and under it one load per connection."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.utils import timezone, translation

from departments.choices import SELLING_TYPES
from departments.clients import iiko_client, note_success
from departments.models import Connection, Department
from departments.sessions import owned_by
from departments.work import as_error
from runs.choices import State
from runs.ledger import RunFailed, Work
from runs.models import Run
from runs.registry import Later, Outcome, Wait
from runs.sentences import of_errors, sentence
from sales.load import Loader
from sales.models import AutoSyncLog
from sales.report import Loaded
from sources.errors import SourceError

BUSY_AGAIN = 3.0  # seconds until a connection that another run is loading is looked at again


def sync_sales(work: Work) -> Outcome | Wait | Later:
    run = work.run
    if not run.params.get("opened"):
        return _open_children(work)
    children = list(run.children.order_by("id"))
    outcome = _sum_up(children)
    if run.params.get("log_as"):
        _log_line(run, outcome)
    return outcome


def _open_children(work: Work) -> Wait | Later:
    run = work.run
    connections = Connection.objects.filter(organisation=run.organisation).tills()
    if ids := run.params.get("connections"):
        connections = connections.filter(pk__in=ids)
    department = run.params.get("department")
    if department:
        connections = connections.filter(source_departments__department=department).distinct()
    todo = list(connections)
    if not todo:
        raise RunFailed("no_connections")
    begun = set(run.children.values_list("unit", flat=True))
    busy = False
    for connection in todo:
        unit = str(connection.pk)
        if unit in begun:
            continue
        child, _created = work.spawn(
            "load_connection",
            unit=unit,
            # The night belongs to the chain's own load; a limited one must not stand for it.
            night=None if department else run.night,
            from_date=run.from_date,
            to_date=run.to_date,
            params={"connection": connection.pk, "department": department}
            | {name: run.params.get(name) for name in ("dry_run", "force", "deep")},
        )
        # One load per server at a time: a load that another run has under way is waited for.
        busy |= child.parent_id != run.pk
    if busy:
        return Later(BUSY_AGAIN)
    work.remember(opened=True)
    return Wait()


def _sum_up(children: list[Run]) -> Outcome:
    counts = dict.fromkeys(Loaded().counts(), 0)
    errors: list[dict[str, Any]] = []
    for child in children:
        for name in counts:
            counts[name] += child.counts.get(name, 0)
        errors += child.errors
    states = {child.state for child in children}
    if states == {State.DONE}:
        state = State.DONE
    elif State.CANCELLED in states:
        state = State.CANCELLED
    else:
        state = State.FAILED if states == {State.FAILED} else State.PARTIAL
    return Outcome(state, counts, errors)


def load_connection(work: Work) -> Outcome:
    run = work.run
    connection = Connection.objects.select_related("organisation").get(pk=run.params["connection"])
    department = run.params.get("department")
    assert run.from_date and run.to_date
    begun = time.monotonic()
    loader: Loader | None = None
    try:
        client = iiko_client(connection, owner=owned_by(run))
        with client.session():
            loader = Loader(
                work,
                connection,
                client,
                only=UUID(department) if department else None,
                dry_run=bool(run.params.get("dry_run")),
                force=bool(run.params.get("force")),
                deep=bool(run.params.get("deep")),
            )
            loader.load(run.from_date, run.to_date)
        note_success(connection)
    except SourceError as error:
        counts: dict[str, float] = dict(loader.loaded.counts()) if loader else {}
        errors = [
            as_error(error, connection),
            *_missing_branches(connection, department),
            *(loader.loaded.errors(connection.name) if loader else []),
        ]
        done_something = loader is not None and loader.loaded.days > 0
        return Outcome(State.PARTIAL if done_something else State.FAILED, counts, errors)
    errors = loader.loaded.errors(connection.name)
    counts = {**loader.loaded.counts(), "seconds": round(time.monotonic() - begun, 1)}
    partial = any(not error.get("warning") for error in errors)
    nothing = partial and len(loader.loaded.empty_days) == loader.loaded.days
    state = State.FAILED if nothing else State.PARTIAL if partial else State.DONE
    return Outcome(state, counts, errors)


def _missing_branches(connection: Connection, only: str | None) -> list[dict[str, Any]]:
    """`only`: the one department that was asked for; whoever asked may not see the others."""
    branches = Department.objects.filter(authorities__connection=connection, type__in=SELLING_TYPES, is_active=True)
    names = (branches.filter(pk=only) if only else branches).values_list("name", flat=True)
    if not names:
        return []
    return [{"code": "missing_branches", "params": {"source": connection.name, "names": ", ".join(names[:100])}}]


def _log_line(run: Run, outcome: Outcome) -> None:
    statuses = {State.DONE: AutoSyncLog.Status.SUCCESS, State.PARTIAL: AutoSyncLog.Status.PARTIAL}
    assert run.to_date
    with translation.override(None):
        troubles = "\n".join(of_errors(outcome.errors))
    AutoSyncLog.objects.update_or_create(
        run=run,
        defaults={
            "organisation": run.organisation,
            "sync_date": run.to_date,
            "sync_type": run.params["log_as"],
            "status": statuses.get(outcome.state, AutoSyncLog.Status.ERROR),
            "message": sentence(
                "loaded_range", {"first": f"{run.from_date:%d.%m.%Y}", "last": f"{run.to_date:%d.%m.%Y}"}
            ),
            "summary_records": outcome.counts["summary_records"],
            "hourly_records": outcome.counts["hourly_records"],
            "total_raw_records": outcome.counts["total_raw_records"],
            "error_details": troubles,
            "executed_at": timezone.now(),
        },
    )
