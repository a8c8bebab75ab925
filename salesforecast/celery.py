"""The Celery application. The queue is only a wake-up: what is to be done stands in `runs.Run`."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from django.conf import settings
from kombu import Connection

from salesforecast import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesforecast.settings")


class PatientConnection(Connection):
    """A worker looks for a broker that is away again and again, never seldom: work waits for it."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        pause = min(5.0, settings.RUN_SWEEP_SECONDS / 6)
        pauses = {"interval_start": pause, "interval_step": 0, "interval_max": pause}
        return super().ensure_connection(*args, **(kwargs | pauses))


class Amqp(AMQP):
    Connection = PatientConnection


broker.install()
app = Celery("salesforecast", amqp=Amqp)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("runs.keeper:KeeperStep")
