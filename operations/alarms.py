"""Which alarms a person sees, where each of them leads, and that somebody has seen it."""

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from departments.models import Department
from runs.models import Alarm
from runs.querysets import AlarmQuerySet


def alarms_for(user: User) -> AlarmQuerySet:
    """Those of the organisations seen as a whole, and those of single branches that are visible."""
    mine = Q(department__in=Department.objects.visible_to(user), organisation__in=Organisation.objects.visible_to(user))
    whole = Q(pk__in=Alarm.objects.visible_to(user).values("pk"))
    return Alarm.objects.filter(whole | mine)


def place_of(alarm: Alarm) -> str:
    """The page where something can be done about it: the day, the days, or the run; else the alarm's own."""
    if alarm.department and "day" in alarm.params:
        return reverse("admin:sales_day", args=[alarm.department, alarm.params["day"]])
    if alarm.key.startswith("drift:"):
        chosen = f"?department={alarm.department}" if alarm.department else ""
        return reverse("admin:forecasting_accuracy") + chosen
    if "state" in alarm.params:
        return f"{reverse('admin:sales_salessummary_changelist')}?state__exact={alarm.params['state']}"
    if "waiting" in alarm.params:
        return reverse("admin:sales_waiting")
    if "client" in alarm.params:
        return f"{reverse('admin:items_delivery_changelist')}?connection__id__exact={alarm.params['client']}"
    if "year" in alarm.params:
        return reverse("admin:departments_holiday_changelist")
    if "run" in alarm.params:
        return reverse("admin:runs_run_change", args=[alarm.params["run"]])
    return reverse("admin:runs_alarm_change", args=[alarm.pk])


def note_seen(alarms: AlarmQuerySet, *, by: User) -> int:
    """Remember who saw them first; returns how many were new to everybody."""
    return alarms.filter(seen_by=None).update(seen_by=by, seen_at=timezone.now())
