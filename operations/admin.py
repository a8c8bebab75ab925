"""Schedules under the product's look; admins of libraries that nobody needs are taken away."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django_celery_beat.admin import ClockedScheduleAdmin as BaseClockedScheduleAdmin
from django_celery_beat.admin import CrontabScheduleAdmin as BaseCrontabScheduleAdmin
from django_celery_beat.admin import PeriodicTaskAdmin as BasePeriodicTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Organisation, User
from accounts.pages import DateRangeFilter, HouseAdmin, HousePaginator, ReadOnly, signed_in
from operations.alarms import alarms_for, note_seen, place_of
from operations.schedules import when_of
from runs.choices import SEVERITY_TONES
from runs.models import Alarm
from runs.querysets import AlarmQuerySet
from runs.timetable import next_start

for model in list(admin.site._registry):
    if model._meta.app_label in ("axes", "rest_framework_api_key", "django_celery_beat"):
        admin.site.unregister(model)


class UnfoldTaskSelectWidget(UnfoldAdminSelectWidget, TaskSelectWidget):
    pass


class UnfoldPeriodicTaskForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = UnfoldTaskSelectWidget()


class WhenForm(forms.ModelForm):
    """When a task is done: at hours of a clock or every so often."""

    class Meta:
        model = PeriodicTask
        fields = ["enabled", "interval", "crontab"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if bool(values.get("interval")) == bool(values.get("crontab")):
            raise forms.ValidationError(_("Choose either an interval or hours of the clock."))
        return values


class Called:
    """A task by the name people have for it; the library's own adds how a crontab is written."""

    def __init__(self, task: PeriodicTask) -> None:
        self._task = task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def __str__(self) -> str:
        return gettext(self._task.name)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BasePeriodicTaskAdmin, ModelAdmin):
    """Who is no superuser says when a task is done, not what is done; and only where the house is one chain's."""

    form = UnfoldPeriodicTaskForm
    when = ("enabled", "interval", "crontab")
    list_display = ["called", "when_shown", "next_shown", "last_run_at", "enabled"]
    list_select_related = ["interval", "crontab"]
    list_filter = ()
    paginator = HousePaginator

    @display(description=_("name"), ordering="name")
    def called(self, task: PeriodicTask) -> str:
        return gettext(task.name)

    @display(description=_("when"))
    def when_shown(self, task: PeriodicTask) -> str:
        return when_of(task)

    @display(description=_("next time"))
    def next_shown(self, task: PeriodicTask) -> str:
        coming = next_start(task.task)
        return f"{timezone.localtime(coming):%d.%m.%Y %H:%M}" if coming else "—"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if signed_in(request).is_superuser:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ["called", "when_shown", "next_shown", *self.when, "last_run_at"]})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if not signed_in(request).is_superuser:
            kwargs["form"] = WhenForm
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        known = super().get_readonly_fields(request, obj)
        return (
            known if signed_in(request).is_superuser else [*known, "called", "when_shown", "next_shown", "last_run_at"]
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        if obj is not None:
            context |= {"original": Called(obj), "subtitle": gettext(obj.name)}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if signed_in(request).is_superuser else {}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (signed_in(request).is_superuser or Organisation.objects.count() == 1)


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    pass


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(BaseCrontabScheduleAdmin, ModelAdmin):
    pass


@admin.register(SolarSchedule)
class SolarScheduleAdmin(ModelAdmin):
    pass


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(BaseClockedScheduleAdmin, ModelAdmin):
    pass


class StandingFilter(DropdownFilter):
    title = _("standing")
    parameter_name = "standing"
    all_option = ["", _("standing and over")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("standing")), ("no", _("over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> QuerySet[Alarm]:
        return queryset.filter(ended_at__isnull=self.value() == "yes") if self.value() else queryset


@admin.register(Alarm)
class AlarmAdmin(ReadOnly, HouseAdmin):
    list_display = ["what", "shown_severity", "began_at", "ended_at", "seen"]
    list_filter = [StandingFilter, ("severity", ChoicesDropdownFilter), ("began_at", DateRangeFilter)]
    list_select_related = ["seen_by"]
    show_full_result_count = False
    actions = ["note_all_seen"]
    fields = ["what", "place", "severity", "began_at", "ended_at", "seen", "told"]
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        one = self.admin_site.admin_view(require_POST(self.note_one_seen))
        return [path("<int:pk>/seen/", one, name="runs_alarm_seen"), *super().get_urls()]

    def visible(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        return rows.filter(pk__in=alarms_for(user).values("pk"))

    @display(description=_("alarm"))
    def what(self, alarm: Alarm) -> str:
        return str(alarm)

    @display(description=_("where"))
    def place(self, alarm: Alarm) -> str:
        where = place_of(alarm)
        own = reverse("admin:runs_alarm_change", args=[alarm.pk])
        return "—" if where == own else format_html('<a class="sf-link" href="{}">{}</a>', where, _("Look at it"))

    @display(description=_("severity"), ordering="severity", label=SEVERITY_TONES)
    def shown_severity(self, alarm: Alarm) -> tuple[str, str]:
        return alarm.severity, alarm.get_severity_display()

    @display(description=_("seen by"), ordering="seen_at")
    def seen(self, alarm: Alarm) -> str:
        if not alarm.seen_at:
            return "—"
        return f"{alarm.seen_by or '?'}, {timezone.localtime(alarm.seen_at):%d.%m.%Y %H:%M}"

    @display(description=_("messages"))
    def told(self, alarm: Alarm) -> str:
        """By which channel it went out, or why it did not."""
        lines = [
            (message.channel, message.get_event_display(), message.get_status_display(), message.error)
            for message in alarm.messages.order_by("id")
        ]
        return format_html_join(SafeString("<br>"), "{} ({}): {} {}", lines) or "—"

    def has_note_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("runs.change_alarm")

    @admin.action(description=_("I have seen it"), permissions=["note"])
    def note_all_seen(self, request: HttpRequest, alarms: AlarmQuerySet) -> None:
        note_seen(alarms, by=signed_in(request))
        self.message_user(request, _("Noted. The alarm stands until its trouble is over."), messages.SUCCESS)

    def note_one_seen(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_note_permission(request):
            raise PermissionDenied
        alarm = get_object_or_404(alarms_for(signed_in(request)), pk=pk)
        self.note_all_seen(request, Alarm.objects.filter(pk=alarm.pk))
        return redirect("home")
