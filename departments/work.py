"""The runs of this floor."""

from dataclasses import asdict
from typing import Any

from departments.books import store_objects
from departments.calendar import seed_first
from departments.choices import Kind
from departments.clients import iiko_client, note_success, onec_client
from departments.connect import connection_of_environment
from departments.models import Connection
from departments.sessions import owned_by
from departments.sync import store_departments
from departments.timing import organisation_today
from runs.choices import State
from runs.ledger import RunFailed, Work
from runs.registry import Outcome
from sources.errors import SourceError

# What of a 1C service is said otherwise than of an iiko server.
OF_ONEC = {"not_found", "not_json", "bad_data"}


def as_error(error: SourceError, connection: Connection) -> dict[str, Any]:
    code = f"onec_{error.code}" if connection.kind == Kind.ONEC and error.code in OF_ONEC else error.code
    return {"code": code, "params": {**error.params, "source": connection.name}, "transient": error.transient}


def sync_departments(work: Work) -> Outcome:
    connection_of_environment(work.run.organisation)
    connections = Connection.objects.filter(organisation=work.run.organisation).naming().select_related("organisation")
    if ids := work.run.params.get("connections"):
        connections = connections.filter(pk__in=ids)
    counts: dict[str, int] = {"found": 0, "created": 0, "changed": 0, "unchanged": 0, "orphans": 0}
    errors: list[dict[str, Any]] = []
    failed = 0
    todo = list(connections)
    if not todo:
        raise RunFailed("no_connections")
    for number, connection in enumerate(todo):
        work.progress(number, len(todo), "syncing_departments", source=connection.name)
        try:
            if connection.kind == Kind.ONEC:
                stored = store_objects(connection, onec_client(connection).objects())
                counts["objects"] = counts.get("objects", 0) + stored.objects
                counts["changed"] += stored.changed
                continue
            client = iiko_client(connection, owner=owned_by(work.run))
            with client.session():
                remote = client.departments()
            note_success(connection)
            synced = store_departments(connection, remote)
        except SourceError as error:
            errors.append(as_error(error, connection))
            failed += 1
            continue
        except RunFailed as failure:
            errors.append(failure.as_error())
            failed += 1
            continue
        for name, value in asdict(synced).items():
            counts[name] += len(value) if isinstance(value, list) else value
        if synced.orphans:
            params = {"source": connection.name, "names": ", ".join(synced.orphans[:20])}
            errors.append({"code": "unknown_parents", "params": params, "warning": True})
    if failed < len(todo):
        seed_first(work.run.organisation, organisation_today(work.run.organisation))
    state = State.FAILED if failed == len(todo) else State.PARTIAL if failed else State.DONE
    return Outcome(state, counts, errors)
