"""Loading a period, and how the automatic loads went."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import SELECT_CLASSES, UnfoldAdminSelectWidget

from accounts.models import Organisation, User
from accounts.pages import DateField, back_to, page_organisation, signed_in
from departments.models import Connection, Department
from departments.querysets import DepartmentQuerySet
from departments.scopes import sees_all
from runs.choices import Trigger
from runs.pages import asked_run, newest_runs, with_run
from runs.sentences import sentence
from runs.timetable import NIGHT, next_start
from sales.models import AutoSyncLog
from sales.querysets import PERIODS
from sales.sync import BadRange, settled_range, start_sync

KIND = "sync_sales"
USUAL_PERIOD = 30
MOST_LINES = 400  # a night's line and those of its repairs
TONES = {
    AutoSyncLog.Status.SUCCESS: "success",
    AutoSyncLog.Status.PARTIAL: "warning",
    AutoSyncLog.Status.ERROR: "danger",
}


def _branches(organisation: Organisation) -> DepartmentQuerySet:
    return Department.objects.selling().filter(organisation=organisation)


class LoadForm(forms.Form):
    """Both dates included. Who may not see every department chooses the one to load."""

    from_date = DateField(label=_("From"))
    to_date = DateField(label=_("To"))
    connections = forms.ModelMultipleChoiceField(
        label=_("Connections"),
        queryset=Connection.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
        help_text=_("None chosen: all of them"),
    )
    department = forms.ModelChoiceField(
        label=_("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=_("All departments"),
        widget=UnfoldAdminSelectWidget({"class": " ".join(SELECT_CLASSES)}),
    )

    def __init__(self, *args: Any, organisation: Organisation, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connections = self.fields["connections"]
        department = self.fields["department"]
        assert isinstance(connections, forms.ModelMultipleChoiceField) and isinstance(
            department, forms.ModelChoiceField
        )
        connections.queryset = Connection.objects.filter(organisation=organisation).tills()
        department.queryset = _branches(organisation).visible_to(user).order_by("name")
        if not sees_all(user, organisation):
            department.required = True
            department.empty_label = _("Choose one")


class LoadView(UnfoldModelAdminViewMixin, FormView):
    title = _("Load a period")
    permission_required = "sales.load_sales"
    template_name = "sales/load.html"
    form_class = LoadForm
    request: HttpRequest

    def get_form_kwargs(self) -> dict[str, Any]:
        organisation = page_organisation(self.request)
        return {**super().get_form_kwargs(), "organisation": organisation, "user": signed_in(self.request)}

    def get_initial(self) -> dict[str, Any]:
        first, last = settled_range(page_organisation(self.request))
        return {"from_date": first, "to_date": last}

    def form_valid(self, form: LoadForm) -> HttpResponse:
        values = form.cleaned_data
        try:
            run, _created = start_sync(
                organisation=page_organisation(self.request),
                from_date=values["from_date"],
                to_date=values["to_date"],
                connections=list(values["connections"]),
                department=values["department"],
                trigger=Trigger.PAGE,
                started_by=signed_in(self.request),
            )
        except BadRange as error:
            form.add_error(None, sentence(error.code, error.params))
            return self.form_invalid(form)
        return HttpResponseRedirect(back_to(self.request, with_run(reverse("admin:sales_load"), run)))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            box=asked_run(self.request, KIND),
            boxes=newest_runs(self.request, KIND),
        )


class AutomaticView(UnfoldModelAdminViewMixin, TemplateView):
    """How the nights of a period went, the last success and failure, when the next one begins, and every line."""

    title = _("Automatic loading")
    permission_required = "runs.view_run"
    template_name = "sales/automatic.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = AutoSyncLog.objects.visible_to(self.request.user)
        asked = self.request.GET.get("days", "")
        days = int(asked) if asked in map(str, PERIODS) else USUAL_PERIOD
        statistics = lines.statistics()
        since = timezone.now() - dt.timedelta(days=days)
        newest = lines.filter(executed_at__gte=since).order_by("-executed_at", "-id")[:MOST_LINES]
        zone = ZoneInfo(page_organisation(self.request).time_zone)
        coming = next_start(NIGHT)
        return super().get_context_data(
            **kwargs,
            days=days,
            periods=[(number, f"?days={number}") for number in PERIODS],
            period=next(period for period in statistics["periods"] if period["days"] == days),
            statistics=statistics,
            lines=[(line, TONES[AutoSyncLog.Status(line.status)]) for line in newest],
            next_run=coming.astimezone(zone) if coming else None,
            zone=zone.key,
            box=asked_run(self.request, KIND),
            may_test=may_test(self.request),
        )


def may_test(request: HttpRequest) -> bool:
    return request.user.has_perm("sales.load_sales") and sees_all(signed_in(request), page_organisation(request))


@require_POST
def test_automatic(request: HttpRequest) -> HttpResponse:
    """Load now what the night would: yesterday and the settling window."""
    if not may_test(request):
        raise PermissionDenied
    run, _created = start_sync(
        organisation=page_organisation(request), trigger=Trigger.PAGE, started_by=signed_in(request), log_as="test"
    )
    return HttpResponseRedirect(with_run(reverse("admin:sales_automatic"), run))
