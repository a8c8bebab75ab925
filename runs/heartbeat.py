"""Who was heard of, and when. Beat says that it is alive whenever the queue has taken the sweep from it."""

from typing import Any

from celery.signals import after_task_publish, beat_init
from django.db import close_old_connections

from runs import clock
from runs.models import Heartbeat

# So many rounds without a word, and whoever should have spoken is taken for dead.
SILENT_ROUNDS = 3


def beat(name: str, owner: str = "") -> None:
    """Write down that `name` is alive."""
    changes = {"at": clock.database_now(), "owner": owner}
    if not Heartbeat.objects.filter(name=name).update(**changes):
        Heartbeat.objects.update_or_create(name=name, defaults=changes)


def silent(name: str, seconds: float) -> bool:
    """Whether nothing was heard of `name` for so long."""
    return not Heartbeat.objects.filter(name=name, at__gte=clock.database_now(-seconds)).exists()


@beat_init.connect
def _in_beat(**kwargs: Any) -> None:
    after_task_publish.connect(_sweep_sent, sender="runs.sweep")


def _sweep_sent(**kwargs: Any) -> None:
    from runs.ledger import this_process

    try:
        beat("beat", this_process())
    finally:
        close_old_connections()
