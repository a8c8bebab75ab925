"""All schedules of the product, in one place. Set up by upsert: what a person changed in the admin stays."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext, gettext_noop, ngettext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from runs.timetable import NIGHT, TRAINING

NIGHT_HOUR, NIGHT_MINUTE = 2, 0
TRAINING_HOUR = 3


@dataclass(frozen=True)
class Nightly:
    """A task at a local time of day; `expires` lies below its period, so that a late beat does not pile it up.

    `weekday` as in crontab: 0 is Sunday.
    """

    name: str
    task: str
    hour: int
    minute: int
    expires: int
    weekday: str = "*"


@dataclass(frozen=True)
class Repeated:
    name: str
    task: str
    seconds: int


NIGHTLY = [
    Nightly(gettext_noop("Nightly chain"), NIGHT, NIGHT_HOUR, NIGHT_MINUTE, expires=20 * 3600),
    Nightly(gettext_noop("Sample compared with the sources"), "sales.start_samples", 4, 30, expires=18 * 3600),
    Nightly(gettext_noop("Weekly training"), TRAINING, TRAINING_HOUR, 30, expires=20 * 3600, weekday="0"),
]
REPEATED = [Repeated(gettext_noop("Sweep the ledger"), "runs.sweep", settings.RUN_SWEEP_SECONDS)]


def setup_schedules() -> list[str]:
    """Create what is missing; returns the names of the schedules that were created."""
    created: list[str] = []
    for nightly in NIGHTLY:
        if not PeriodicTask.objects.filter(name=nightly.name).exists():
            crontab, _created = CrontabSchedule.objects.get_or_create(
                minute=str(nightly.minute),
                hour=str(nightly.hour),
                day_of_week=nightly.weekday,
                timezone=settings.TIME_ZONE,
            )
            PeriodicTask.objects.create(
                name=nightly.name, task=nightly.task, crontab=crontab, expire_seconds=nightly.expires
            )
            created.append(nightly.name)
    for repeated in REPEATED:
        if not PeriodicTask.objects.filter(name=repeated.name).exists():
            interval, _created = IntervalSchedule.objects.get_or_create(
                every=repeated.seconds, period=IntervalSchedule.SECONDS
            )
            PeriodicTask.objects.create(
                name=repeated.name, task=repeated.task, interval=interval, expire_seconds=repeated.seconds
            )
            created.append(repeated.name)
    return created


def on_connection_added(**_signal: Any) -> None:
    """Who connects a till on a page has no command line at hand: the nights begin with it."""
    setup_schedules()


def night_begins() -> dt.time | None:
    """The local time at which nights begin: the schedule's, as a person may have set it; None if it is switched off.

    Also None where it is no plain time of day: then beat alone knows.
    """
    task = PeriodicTask.objects.filter(task=NIGHT).select_related("crontab").first()
    if task is None or task.crontab is None:
        return dt.time(NIGHT_HOUR, NIGHT_MINUTE)
    hour, minute = task.crontab.hour, task.crontab.minute
    every_day = {task.crontab.day_of_week, task.crontab.day_of_month, task.crontab.month_of_year} == {"*"}
    if not task.enabled or not every_day or not hour.isdigit() or not minute.isdigit():
        return None
    return dt.time(int(hour), int(minute))


def when_of(task: PeriodicTask) -> str:
    """When a task is done, in words: "every day at 02:00, Asia/Almaty"; what is no plain hour as crontab has it."""
    if task.interval:
        return _every(task.interval)
    if task.crontab is None:
        return str(task.schedule)
    tab = task.crontab
    same_month = {tab.day_of_month, tab.month_of_year} == {"*"}
    if not (same_month and tab.hour.isdigit() and tab.minute.isdigit()):
        return str(tab)
    time = f"{int(tab.hour):02}:{int(tab.minute):02}"
    if tab.day_of_week == "*":
        words = gettext("every day at %(time)s") % {"time": time}
    elif tab.day_of_week.isdigit():
        # Of crontab's week the first day is Sunday, of Django's it is Monday.
        weekday = WEEKDAYS[(int(tab.day_of_week) + 6) % 7]
        words = gettext("every week: %(weekday)s, %(time)s") % {"weekday": str(weekday).lower(), "time": time}
    else:
        return str(tab)
    return f"{words}, {tab.timezone}"


def _every(interval: IntervalSchedule) -> str:
    words = {
        IntervalSchedule.SECONDS: ngettext("every %(n)s second", "every %(n)s seconds", interval.every),
        IntervalSchedule.MINUTES: ngettext("every %(n)s minute", "every %(n)s minutes", interval.every),
        IntervalSchedule.HOURS: ngettext("every %(n)s hour", "every %(n)s hours", interval.every),
        IntervalSchedule.DAYS: ngettext("every %(n)s day", "every %(n)s days", interval.every),
    }.get(interval.period)
    return words % {"n": interval.every} if words else str(interval)
