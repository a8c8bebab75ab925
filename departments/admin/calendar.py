import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django.views.generic import FormView
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminFileFieldWidget

from accounts.models import User
from accounts.pages import DateRangeFilter, HouseAdmin, page_organisation, signed_in
from accounts.tables import Style, csv_response
from departments.admin.changes import Recorded
from departments.calendar import YEARS_BACK, empty_year, seed_holidays
from departments.calendar_file import COLUMNS, MOST_BYTES, calendar_lines, import_calendar
from departments.models import BEGINNING, Closure, Department, Event, Holiday
from departments.timing import organisation_today


class KnownFrom:
    @admin.display(description=_("known from"), ordering="known_from")
    def known(self, row: Holiday | Closure | Event) -> dt.date | str:
        return "" if row.known_from == BEGINNING else row.known_from


@admin.register(Holiday)
class HolidayAdmin(KnownFrom, Recorded, HouseAdmin):
    list_display = ["date", "name", "effect", "known"]
    list_filter = [("date", DateRangeFilter), ("effect", ChoicesDropdownFilter)]
    search_fields = ["name", "key"]
    ordering = ["-date"]
    list_before_template = "departments/holidays_before.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(ImportView.as_view(model_admin=self)), name="departments_calendar_import"),
            path("export/", wrap(export_calendar), name="departments_calendar_export"),
            path("fill/<int:year>/", wrap(require_POST(fill_year)), name="departments_calendar_fill"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        organisation = page_organisation(request)
        context = {
            "empty_year": empty_year(organisation, organisation_today(organisation)),
            "may_fill": request.user.has_perm("departments.add_holiday"),
            "country": organisation.country,
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})


class OfDepartment(KnownFrom, Recorded, HouseAdmin):
    """Rows of a department, or of the whole chain where they name none."""

    autocomplete_fields = ["department"]
    list_select_related = ["department"]

    def visible(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        whole = Q(department=None)
        return super().visible(rows, user).filter(whole | Q(department__in=Department.objects.visible_to(user)))


@admin.register(Closure)
class ClosureAdmin(OfDepartment):
    list_display = ["department", "first", "last", "reason", "known"]
    list_filter = [("first", DateRangeFilter), ("department", AutocompleteSelectFilter)]
    search_fields = ["department__name", "reason"]


@admin.register(Event)
class EventAdmin(OfDepartment):
    list_display = ["name", "kind", "first", "last", "where", "strength", "known"]
    list_filter = [("first", DateRangeFilter), ("department", AutocompleteSelectFilter)]
    search_fields = ["name", "kind"]

    @admin.display(description=_("department"), ordering="department__name")
    def where(self, event: Event) -> str:
        return str(event.department or _("all departments"))

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = signed_in(request)
        super().save_model(request, obj, form, change)


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_("CSV with semicolons or commas, at most 1 MB"),
    )


class ImportView(UnfoldModelAdminViewMixin, FormView):
    """A file of holidays, closures and events: taken over as a whole, or refused with every line that is wrong."""

    title = _("Import the calendar")
    permission_required = ("departments.add_holiday", "departments.add_closure", "departments.add_event")
    template_name = "departments/calendar_import.html"
    form_class = ImportForm
    request: HttpRequest

    def form_valid(self, form: ImportForm) -> HttpResponse:
        organisation, file = page_organisation(self.request), form.cleaned_data["file"]
        result = import_calendar(file.read(MOST_BYTES + 1), organisation=organisation, by=signed_in(self.request))
        return self.render_to_response(self.get_context_data(form=form, result=result))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        columns = [(name, COLUMN_WORDS[name]) for name in COLUMNS]
        return super().get_context_data(**kwargs, columns=columns, effects=Holiday.Effect.choices)


COLUMN_WORDS = {
    "kind": _("holiday, closure or event"),
    "first": _("first day: 2026-03-21 or 21.03.2026"),
    "last": _("last day, included; empty: one day, of a closure: until further notice"),
    "name": _("name of the holiday or event, reason of the closure"),
    "key": _("of a holiday: the same every year (empty: the name); of an event: the same word for like events"),
    "effect": _("of a holiday: see below; empty: feast"),
    "department": _("id, code or name; empty: an event of all departments"),
    "strength": _("of an event: a number, usually 1"),
    "known_from": _("since when it was known: a forecast made before does not use it"),
}


def export_calendar(request: HttpRequest) -> HttpResponseBase:
    """The calendar as a file that can be changed and imported again."""
    if not request.user.has_perm("departments.view_holiday"):
        raise PermissionDenied
    names, *rows = calendar_lines(page_organisation(request), signed_in(request))
    return csv_response("calendar", names, rows, Style.EXCEL)


def fill_year(request: HttpRequest, year: int) -> HttpResponse:
    """Add the public holidays of a year that has none."""
    if not request.user.has_perm("departments.add_holiday"):
        raise PermissionDenied
    organisation = page_organisation(request)
    if abs(year - organisation_today(organisation).year) > YEARS_BACK:
        raise Http404
    added = seed_holidays(organisation, [year], by=signed_in(request))
    said = ngettext(
        "%(n)s day was added. Look whether it is right.", "%(n)s days were added. Look whether they are right.", added
    )
    messages.success(request, said % {"n": added})
    return redirect("admin:departments_holiday_changelist")
