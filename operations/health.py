"""Is the product fit to serve, and does anybody work at night? Read by monitors, which must see silence."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django_celery_beat.models import PeriodicTask

from runs import clock
from runs.choices import State
from runs.heartbeat import SILENT_ROUNDS, silent
from runs.models import Run
from runs.outages import outage

# How long queued work may wait, in seconds, while nobody works at anything.
PATIENCE = 300
# With less than this in bytes a disk is full: a database wants a piece of 16 MB to write its journal into.
FULL = 20 * 2**20


def readiness() -> dict[str, str]:
    """`ok` or a word of trouble for the database, its migrations, the disk, the worker and the clock (beat)."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return {"database": "ok", "migrations": "pending"}
        return {"database": "ok", "migrations": "ok", "disk": disk(), "worker": worker(), "beat": beat()}
    except Error as error:
        return {"disk": "full"} if outage(error) == "disk_full" else {"database": "unreachable"}


def folders() -> list[Path]:
    """Where the product writes: its own folder, and a database that is a file."""
    found = {Path(settings.VAR_DIR)}
    if connection.vendor == "sqlite":
        found.add(Path(settings.DATABASES["default"]["NAME"]).parent)
    return sorted(folder for folder in found if folder.is_dir())


def disk() -> str:
    """Of a database elsewhere only the work tells that its disk is full."""
    waits = Run.objects.unfinished().filter(message_code="disk_full").exists()
    return "full" if waits or any(shutil.disk_usage(folder).free < FULL for folder in folders()) else "ok"


def worker() -> str:
    """Workers keep the house in turns: whoever does it says so every few seconds."""
    if silent("keeper", SILENT_ROUNDS * settings.RUN_SWEEP_SECONDS):
        return "silent"
    waits = Run.objects.claimable().filter(not_before__lt=clock.database_now(-PATIENCE))
    busy = Run.objects.filter(state=State.RUNNING, waiting=False, lease_until__gt=clock.database_now())
    return "stuck" if waits.exists() and not busy.exists() else "ok"


def beat() -> str:
    """The sweep is due every few seconds: beat says so when the queue has taken it."""
    sweep = PeriodicTask.objects.filter(task="runs.sweep").select_related("interval").first()
    if sweep is None:
        return "not set up"
    if not sweep.enabled:
        return "switched off"
    # The schedule stands as it was set up, whatever the setting became since.
    every = max(settings.RUN_SWEEP_SECONDS, sweep.interval.every if sweep.interval else 0)
    return "silent" if silent("beat", SILENT_ROUNDS * every) else "ok"
