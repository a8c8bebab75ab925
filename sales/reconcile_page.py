"""Compare a period with its sources: what differs, by department and date, and a button that repairs it."""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import SELECT_CLASSES, UnfoldAdminSelectWidget

from accounts.models import Organisation
from accounts.pages import DateField, page_organisation, signed_in
from accounts.tables import Style, csv_response
from departments.models import Connection
from departments.scopes import sees_all
from departments.timing import organisation_today
from runs.choices import State, Trigger
from runs.models import Run
from runs.pages import asked_run, newest_runs, with_run
from runs.querysets import RunQuerySet
from runs.sentences import of_errors, sentence
from sales.day_page import day_address
from sales.models import Difference
from sales.reconciling import NOT_REPAIRED, NothingToRepair, start_reconcile, start_repair
from sales.sync import BadRange

KIND = "reconcile"
FORTNIGHT = dt.timedelta(days=14)
SHOWN = 500
LISTED = 10


class ReconcileForm(forms.Form):
    """Both dates included."""

    from_date = DateField(label=_("From"))
    to_date = DateField(label=_("To"))
    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        label=_("Source"),
        required=False,
        empty_label=_("All sources"),
        widget=UnfoldAdminSelectWidget({"class": " ".join(SELECT_CLASSES)}),
    )

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connection = self.fields["connection"]
        assert isinstance(connection, forms.ModelChoiceField)
        connection.queryset = Connection.objects.filter(organisation=organisation).tills()


class ReconcileView(UnfoldModelAdminViewMixin, FormView):
    """What differs is for who sees the branch; comparing anew is for who may load the whole chain."""

    title = _("Compare with the source")
    permission_required = "sales.view_difference"
    template_name = "sales/reconcile.html"
    form_class = ReconcileForm
    request: HttpRequest

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_compare(request):
            raise PermissionDenied
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "organisation": page_organisation(self.request)}

    def get_initial(self) -> dict[str, Any]:
        yesterday = organisation_today(page_organisation(self.request)) - dt.timedelta(days=1)
        return {"from_date": yesterday - FORTNIGHT + dt.timedelta(days=1), "to_date": yesterday}

    def form_valid(self, form: ReconcileForm) -> HttpResponse:
        values = form.cleaned_data
        try:
            run, _created = start_reconcile(
                organisation=page_organisation(self.request),
                from_date=values["from_date"],
                to_date=values["to_date"],
                connections=[values["connection"]] if values["connection"] else None,
                trigger=Trigger.PAGE,
                started_by=signed_in(self.request),
            )
        except BadRange as error:
            form.add_error(None, sentence(error.code, error.params))
            return self.form_invalid(form)
        return HttpResponseRedirect(with_run(reverse("admin:sales_reconcile"), run))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = signed_in(self.request)
        box = asked_run(self.request, KIND)
        shown = box["run"] if box else _asked_or_newest(self.request)
        found = Difference.objects.visible_to(user).filter(run=shown).select_related("department", "connection")
        may_read_run = shown is not None and Run.objects.visible_to(user).filter(pk=shown.pk).exists()
        return super().get_context_data(
            **kwargs,
            may_compare=may_compare(self.request),
            may_read_run=may_read_run,
            box=box,
            boxes=newest_runs(self.request, KIND) if user.has_perm("runs.view_run") else [],
            comparisons=_comparisons(self.request),
            shown=shown,
            # The box says them already.
            sentences=of_errors(shown.errors) if shown and may_read_run and not box else [],
            differences=[_row(one) for one in found[:SHOWN]],
            total=found.count(),
            may_repair=may_compare(self.request) and found.exclude(where__in=NOT_REPAIRED).exists(),
        )


def _asked_or_newest(request: HttpRequest) -> Run | None:
    runs = _runs(request)
    number = request.GET.get("run", "")
    asked = runs.filter(pk=number).first() if number.isdecimal() and len(number) <= 18 else None
    return asked or runs.order_by("-id").first()


def _comparisons(request: HttpRequest) -> list[dict[str, Any]]:
    """The last comparisons that ended, each with how many figures of the reader's own branches differed."""
    ended = list(_runs(request).filter(state__in=[State.DONE, State.PARTIAL]).order_by("-id")[:LISTED])
    mine = Difference.objects.visible_to(signed_in(request)).filter(run__in=ended)
    counts = dict(mine.order_by().values_list("run").annotate(n=Count("pk")))
    return [{"run": run, "address": f"?run={run.pk}", "n": counts.get(run.pk, 0)} for run in ended]


def _row(one: Difference) -> dict[str, Any]:
    return {
        "difference": one,
        "day": day_address(one.department_id, one.date) if one.department_id else "",
        "ours": one.shown(one.ours),
        "theirs": one.shown(one.theirs),
        "by": one.shown(one.by),
    }


def may_compare(request: HttpRequest) -> bool:
    """Compare and repair: both ask the sources for the whole chain."""
    allowed = request.user.has_perm("sales.view_difference") and request.user.has_perm("sales.load_sales")
    return allowed and sees_all(signed_in(request), page_organisation(request))


def _runs(request: HttpRequest) -> RunQuerySet:
    """Of what they found everybody sees a part; of themselves only when they were made."""
    return Run.objects.filter(kind=KIND, organisation=page_organisation(request))


@require_POST
def repair(request: HttpRequest, pk: int) -> HttpResponse:
    """Load again the dates on which a comparison found differences, and compare them once more."""
    if not may_compare(request):
        raise PermissionDenied
    address = reverse("admin:sales_reconcile")
    try:
        run, _created = start_repair(get_object_or_404(_runs(request), pk=pk), started_by=signed_in(request))
    except NothingToRepair:
        return HttpResponseRedirect(address)
    return HttpResponseRedirect(with_run(address, run))


def differences_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """All differences of one comparison that the reader may see."""
    if not request.user.has_perm("sales.view_difference"):
        raise PermissionDenied
    run = get_object_or_404(_runs(request), pk=pk)
    titles = [
        _("Source"), _("Department"), _("Date"), _("Hour"), _("Where"), _("Figure"), _("Here"), _("At the source"),
    ]  # fmt: skip
    lines = (
        [
            row.connection.name,
            row.department or row.external_id,
            row.date,
            row.hour,
            row.get_where_display(),
            row.get_what_display(),
            row.ours,
            row.theirs,
        ]
        for row in Difference.objects.visible_to(request.user)
        .filter(run=run)
        .select_related("department", "connection")
    )
    return csv_response(f"differences-{run.pk}", list(map(str, titles)), lines, Style.EXCEL)
