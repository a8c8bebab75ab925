"""Loading a period: the form, the run it started, and the last loads."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import SELECT_CLASSES, UnfoldAdminSelectWidget

from accounts.models import Organisation, User
from accounts.pages import DateField, page_organisation, signed_in
from departments.models import Connection, Department
from runs.choices import Trigger
from runs.pages import asked_run, newest_runs, with_run
from runs.sentences import sentence
from sales.sync import BadRange, settled_range, start_sync

KIND = "sync_sales"


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
        mine = Department.objects.visible_to(user).selling().filter(organisation=organisation)
        everything = Department.objects.selling().filter(organisation=organisation)
        connections = self.fields["connections"]
        department = self.fields["department"]
        assert isinstance(connections, forms.ModelMultipleChoiceField) and isinstance(
            department, forms.ModelChoiceField
        )
        connections.queryset = Connection.objects.filter(organisation=organisation).tills()
        department.queryset = mine.order_by("name")
        if mine.count() < everything.count():
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
        return HttpResponseRedirect(with_run(reverse("admin:sales_load"), run))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            box=asked_run(self.request, KIND),
            boxes=newest_runs(self.request, KIND),
        )
