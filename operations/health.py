"""Is the product fit to serve, and does anybody work at night? Read by monitors, which must see silence."""

import datetime as dt

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from runs.models import Run

# How long queued work may wait and the clock may be silent before somebody is told.
PATIENCE = dt.timedelta(minutes=5)


def readiness() -> dict[str, str]:
    """`ok` or a word of trouble for the database, its migrations, the worker and the clock (beat)."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return {"database": "unreachable"}
    if pending:
        return {"database": "ok", "migrations": "pending"}
    return {"database": "ok", "migrations": "ok", "worker": _worker(), "beat": _beat()}


def _worker() -> str:
    waiting = Run.objects.claimable().filter(not_before__lt=timezone.now() - PATIENCE)
    return "silent" if waiting.exists() else "ok"


def _beat() -> str:
    """The sweep is due every few seconds: beat notes when it last sent it."""
    sweep = PeriodicTask.objects.filter(task="runs.sweep").first()
    if sweep is None:
        return "not set up"
    if not sweep.enabled:
        return "switched off"
    seen = sweep.last_run_at or sweep.date_changed
    late = max(PATIENCE, 10 * dt.timedelta(seconds=settings.RUN_SWEEP_SECONDS))
    return "silent" if timezone.now() - seen > late else "ok"
