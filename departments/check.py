"""Checking a connection as a run: step by step, with what was found on the way, stopped when somebody asks for it."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from accounts.models import User
from departments.clients import check_connection
from departments.findings import of_facts
from departments.models import Connection
from departments.sessions import owned_by
from departments.work import as_error
from runs.choices import State
from runs.ledger import RunFailed, Work, open_run
from runs.models import Run
from runs.registry import Outcome, Told
from sources.errors import SourceError
from sources.iiko.client import CHECKS
from sources.ports import SystemClock

KIND = "check_connection"
# What is asked again by itself in a load; of a check a person does that.
AGAIN = {"timeout", "starting", "too_many_requests", "server_error"}


def start_check(connection: Connection, *, trigger: str, started_by: User | None = None) -> tuple[Run, bool]:
    """Open a run that checks the connection; a check that is under way is returned instead."""
    return open_run(
        KIND,
        organisation=connection.organisation,
        unit=str(connection.pk),
        trigger=trigger,
        started_by=started_by,
        params={"connection": connection.pk},
    )


def check(work: Work) -> Outcome:
    """A connection that was changed meanwhile is asked anew: what was found would be of the old address or password."""
    while True:
        asked = _connection(work.run)
        outcome = _check_once(work, asked)
        if _as_whom(_connection(work.run)) == _as_whom(asked):
            return outcome


def check_error(error: SourceError, connection: Connection) -> dict[str, Any]:
    """`as_error` for somebody who waits for the answer."""
    trouble = as_error(error, connection)
    return trouble | {"code": f"{error.code}_at_check"} if error.code in AGAIN else trouble


def told(run: Run, reader: Any) -> Told:
    """The connection, and what has been found by now."""
    connection = Connection.objects.filter(pk=run.params.get("connection"), organisation=run.organisation_id).first()
    if connection is None:
        return Told()
    may_look = reader.has_perm("departments.view_connection")
    url = reverse("admin:departments_connection_change", args=[connection.pk]) if may_look else ""
    return Told(str(connection), url, of_facts(connection.kind, run.counts))


def _check_once(work: Work, connection: Connection) -> Outcome:
    found: dict[str, Any] = {}

    def heard(step: str, facts: dict[str, Any]) -> None:
        found.clear()
        found.update(facts)
        number = CHECKS.index(step) if step in CHECKS else 0
        work.step(number, len(CHECKS), f"check_{step}", found, source=connection.name)

    try:
        check_connection(connection, heard=heard, owner=owned_by(work.run), clock=_Watchful(work.stop_if_asked))
    except SourceError as error:
        return Outcome(State.FAILED, found, [check_error(error, connection)])
    bad = any(finding.tone == "danger" for finding in of_facts(connection.kind, connection.facts))
    return Outcome(State.PARTIAL if bad else State.DONE, connection.facts)


class _Watchful(SystemClock):
    """Pauses between two tries end when somebody asks the run to stop."""

    def __init__(self, stop_if_asked: Callable[[], None]) -> None:
        self._stop_if_asked = stop_if_asked

    def sleep(self, seconds: float) -> None:
        while seconds > 0:
            self._stop_if_asked()
            super().sleep(min(seconds, 1))
            seconds -= 1


def _connection(run: Run) -> Connection:
    found = Connection.objects.select_related("organisation").filter(pk=run.params["connection"]).first()
    if found is None:
        raise RunFailed("connection_gone")
    return found


def _as_whom(connection: Connection) -> tuple[Any, ...]:
    one = connection
    return one.kind, one.url, one.login, one.password, one.api_key, one.auth_header
