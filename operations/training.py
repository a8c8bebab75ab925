"""The weekly training: after the sales of Saturday night, by the recipe that serves, through the gate.

Beat begins it; the keeper does if beat is dead, as with nights.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from django_celery_beat.models import PeriodicTask

from accounts.models import Organisation
from departments.timing import organisation_today
from forecasting.models import ModelVersion
from forecasting.train import start_refit
from operations.schedules import TRAINING_HOUR
from runs import clock
from runs.models import Run
from runs.timetable import TRAINING

SUNDAY = 7
LATE = dt.timedelta(hours=1)  # after that the keeper no longer waits for beat


def start_trainings() -> list[int]:
    """Open this week's training of each organisation whose model serves; returns the new runs' ids."""
    opened = [start_refit(version, night=organisation_today(version.organisation)) for version in _serving()]
    return [run.pk for run, created in opened if created]


def keep_training() -> None:
    """Called by the keeper: begin on a Sunday what nobody began. A schedule that a person changed is beat's alone."""
    task = PeriodicTask.objects.filter(task=TRAINING).select_related("crontab").first()
    if task is None or not task.enabled or not task.crontab or task.crontab.day_of_week != "0":
        return
    if not task.crontab.hour.isdigit():
        return
    for version in _serving():
        organisation: Organisation = version.organisation
        now = clock.now().astimezone(ZoneInfo(organisation.time_zone))
        hour = int(task.crontab.hour or TRAINING_HOUR)
        due = dt.datetime.combine(now.date(), dt.time(hour), now.tzinfo) + LATE
        begun = Run.objects.filter(organisation=organisation, kind="train", night=now.date())
        if now.isoweekday() == SUNDAY and now >= due and not begun.exists():
            start_refit(version, night=now.date())


def _serving() -> list[ModelVersion]:
    return list(ModelVersion.objects.serving().select_related("organisation"))
