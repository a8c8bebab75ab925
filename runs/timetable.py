"""When the schedule starts something next. Which tasks there are: operations/schedules.py."""

import datetime as dt

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

NIGHT = "operations.start_nights"
TRAINING = "operations.start_trainings"


def next_start(task: str) -> dt.datetime | None:
    """The next instant at which `task` is due; None when its schedule is switched off or not set up."""
    row = PeriodicTask.objects.filter(task=task, enabled=True).select_related("crontab").first()
    if row is None or row.crontab is None:
        return None
    now = timezone.now()
    coming: dt.datetime = now + row.crontab.schedule.remaining_estimate(now)
    return (coming + dt.timedelta(seconds=30)).replace(second=0, microsecond=0)  # the estimate is short of microseconds
