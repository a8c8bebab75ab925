import datetime as dt
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
)
from unfold.decorators import display

from accounts.formats import amount, count, exact
from accounts.models import Organisation
from accounts.pages import DateField, DateRangeFilter, HouseAdmin, ReadOnly, page_organisation, signed_in
from departments.admin import DepartmentAdmin
from departments.models import Department
from departments.timing import organisation_today
from runs.choices import Trigger
from runs.pages import with_run
from sales.badges import day_badge, difference, settling_mark
from sales.coverage import covered
from sales.day_page import DayView, believe_source, day_address, keep_known, load_day
from sales.decide_page import decide
from sales.delete import delete_day, delete_hour
from sales.models import Restatement, SalesByHour, SalesSummary
from sales.pages import AutomaticView, LoadView, test_automatic
from sales.reconcile_page import ReconcileView, differences_csv, repair
from sales.sync import start_sync
from sales.waiting_page import WaitingView

HOURS_SHOWN = dt.timedelta(days=14)


class DayRowAdmin(ReadOnly, HouseAdmin):
    """Rows that say something of a department's date, each with the way to the page of that day. Nobody edits them."""

    show_full_result_count = False
    list_select_related = ["department"]
    list_display_links: list[str] | None = None
    search_fields = ["department__name", "department__code"]

    @display(description=_("date"), ordering="date")
    def day_link(self, row: Any) -> str:
        address = day_address(row.department_id, row.date)
        return format_html('<a class="sf-link sf-nowrap" href="{}">{}</a>', address, f"{row.date:%d.%m.%Y}")

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The row's own address leads to its day."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        if (row := self.get_object(request, object_id)) is None:
            raise Http404
        return redirect(day_address(row.department_id, row.date))


class FigureAdmin(DayRowAdmin):
    """Figures as they are stored, under filters, with the exact total of the selection."""

    measure: str
    list_select_related: list[str] = []
    list_before_template = "sales/totals.html"
    actions = ["delete_figures"]

    def has_load_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sales.load_sales")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if (listed := getattr(response, "context_data", {}).get("cl")) is not None:
            response.context_data["totals"] = listed.queryset.totals(self.currencies(request), self.measure)
            shown = list(listed.result_list)
            # Asked of the rows shown: a database asked of all of them looks up each day before it sorts.
            told = self.with_trust(self.model._default_manager.filter(pk__in=[row.pk for row in shown]))
            for row, (state, settled) in ((row, told[row.pk]) for row in shown):
                row.state, row.settled = state, settled
            listed.result_list = shown
        return response

    def with_trust(self, rows: Any) -> dict[Any, tuple[str, bool]]:
        """{row: (the state of its day, whether that is settled)}"""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of one organisation, where there is only one: then the newest dates are found in the index, not by sorting."""
        own = list(Organisation.objects.visible_to(signed_in(request))[:2])
        rows = (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("department", Department.objects.select_related("organisation")))
        )
        return rows.filter(organisation=own[0]) if len(own) == 1 else rows

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """The model's own, with names looked up: joined to them, SQLite sorts all rows to show a page of them."""
        name = Subquery(Department.objects.filter(pk=OuterRef("department")).values("name")[:1])
        return [name.asc() if part == "department" else part for part in self.opts.ordering]

    def currencies(self, request: Any) -> dict[UUID, str]:
        """Of all departments one sees; asked for once."""
        if not hasattr(request, "currencies"):
            request.currencies = Department.objects.visible_to(signed_in(request)).currencies()
        return request.currencies  # type: ignore[no-any-return]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """The currency of a row where there is more than one."""
        columns = [*self.list_display]
        if len(set(self.currencies(request).values())) > 1:
            columns.insert(columns.index("total_shown"), "currency_shown")
        return columns

    @display(description=_("currency"))
    def currency_shown(self, row: Any) -> str:
        return str(row.department.money)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own deletion would leave a day without its hours, or hours without their day."""
        return {name: made for name, made in super().get_actions(request).items() if name != "delete_selected"}

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"sales.delete_{self.opts.model_name}")

    def shown(self, value: Any) -> str:
        return format_html('<span class="sf-figure" title="{}">{}</span>', exact(value), amount(value))

    def total_of(self, row: Any) -> str:
        return self.shown(getattr(row, self.measure))

    @display(description=_("state"), ordering="state")
    def state_shown(self, row: Any) -> str:
        """Of the row's day."""
        state = day_badge(row.state) if row.state else ""
        return format_html('<span class="sf-state">{}{}</span>', state, settling_mark(row.date, row.settled))


class SettledFilter(DropdownFilter):
    title = _("settling")
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("settled")), ("0", _("may still change"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SalesSummary]) -> QuerySet[SalesSummary]:
        if self.value() not in ("0", "1"):
            return queryset
        return queryset.with_settled().filter(settled=self.value() == "1")  # type: ignore[attr-defined, no-any-return]


@admin.register(SalesSummary)
class SalesSummaryAdmin(FigureAdmin):
    measure = "total_sales"
    actions = ["believe_sources", "keep_known", "delete_figures"]
    list_display = [
        "day_link",
        "department",
        "total_shown",
        "gross_shown",
        "orders_shown",
        "guests_shown",
        "state_shown",
        "synced_at",
    ]
    list_filter = [
        ("date", DateRangeFilter),
        ("department", AutocompleteSelectFilter),
        ("department__segment_type", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        SettledFilter,
    ]

    def with_trust(self, rows: Any) -> dict[Any, tuple[str, bool]]:
        return {row.pk: (row.state, row.settled) for row in rows.with_settled()}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("load/", wrap(LoadView.as_view(model_admin=self)), name="sales_load"),
            path("reconcile/", wrap(ReconcileView.as_view(model_admin=self)), name="sales_reconcile"),
            path("reconcile/<int:pk>/repair/", wrap(repair), name="sales_reconcile_repair"),
            path("reconcile/<int:pk>/csv/", wrap(differences_csv), name="sales_differences_csv"),
            path("waiting/", wrap(WaitingView.as_view(model_admin=self)), name="sales_waiting"),
            path("automatic/", wrap(AutomaticView.as_view(model_admin=self)), name="sales_automatic"),
            path("day/<uuid:department>/<str:date>/", wrap(DayView.as_view(model_admin=self)), name="sales_day"),
            path("day/<uuid:department>/<str:date>/believe/", wrap(believe_source), name="sales_day_believe"),
            path("day/<uuid:department>/<str:date>/keep/", wrap(keep_known), name="sales_day_keep"),
            path("day/<uuid:department>/<str:date>/load/", wrap(load_day), name="sales_day_load"),
            path("automatic/test/", wrap(test_automatic), name="sales_automatic_test"),
            *super().get_urls(),
        ]

    @display(description=_("total sales"), ordering="total_sales")
    def total_shown(self, day: SalesSummary) -> str:
        return self.total_of(day)

    @display(description=_("before discounts"), ordering="gross")
    def gross_shown(self, day: SalesSummary) -> str:
        return self.shown(day.gross)

    @display(description=_("receipts"), ordering="orders")
    def orders_shown(self, day: SalesSummary) -> str:
        return count(day.orders)

    @display(description=_("guests"), ordering="guests")
    def guests_shown(self, day: SalesSummary) -> str:
        return count(day.guests)

    @admin.action(description=_("Suspicious days: believe the source"), permissions=["load"])
    def believe_sources(self, request: HttpRequest, days: QuerySet[SalesSummary]) -> HttpResponse | None:
        return decide(request, days, keep=False)

    @admin.action(description=_("Suspicious days: keep what was known"), permissions=["load"])
    def keep_known(self, request: HttpRequest, days: QuerySet[SalesSummary]) -> HttpResponse | None:
        return decide(request, days, keep=True)

    @admin.action(description=_("Delete these days (the next load may restore them)"), permissions=["erase"])
    def delete_figures(self, request: HttpRequest, days: QuerySet[SalesSummary]) -> None:
        chosen = list(days)
        for day in chosen:
            delete_day(day, by=signed_in(request))
        said = ngettext("%(n)s day was taken away.", "%(n)s days were taken away.", len(chosen)) % {"n": len(chosen)}
        self.message_user(request, said, messages.SUCCESS)


class HourFilter(DropdownFilter):
    title = _("hour")
    parameter_name = "hour"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(hour), f"{hour:02}:00") for hour in range(24)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SalesByHour]) -> QuerySet[SalesByHour]:
        value = self.value() or ""
        return queryset.filter(hour=int(value)) if value.isdecimal() and len(value) < 3 else queryset


@admin.register(SalesByHour)
class SalesByHourAdmin(FigureAdmin):
    measure = "sales_amount"
    list_display = [
        "day_link",
        "hour_shown",
        "department",
        "total_shown",
        "gross_shown",
        "orders_shown",
        "state_shown",
        "synced_at",
    ]
    list_filter = [
        ("date", DateRangeFilter),
        HourFilter,
        ("department", AutocompleteSelectFilter),
        ("department__segment_type", ChoicesDropdownFilter),
    ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Without dates the newest two weeks: nobody who opens the list waits for millions of hours to be added up."""
        if not (request.GET.get("date_from") or request.GET.get("date_to")):
            today = organisation_today(page_organisation(request))
            chosen = request.GET.copy()
            # Both ends: with one of them SQLite walks the whole index.
            for name, date in (("date_from", today - HOURS_SHOWN), ("date_to", today)):
                chosen[name] = DateField().shown(date.isoformat())
            request.GET = chosen  # type: ignore[assignment]
        return super().changelist_view(request, extra_context)

    def with_trust(self, rows: Any) -> dict[Any, tuple[str, bool]]:
        return {row.pk: (row.state, row.settled) for row in rows.with_day()}

    @display(description=_("hour"), ordering="hour")
    def hour_shown(self, row: SalesByHour) -> str:
        return f"{row.hour:02}:00"

    @display(description=_("sales"), ordering="sales_amount")
    def total_shown(self, row: SalesByHour) -> str:
        return self.total_of(row)

    @display(description=_("before discounts"), ordering="gross")
    def gross_shown(self, row: SalesByHour) -> str:
        return self.shown(row.gross)

    @display(description=_("receipts"), ordering="orders")
    def orders_shown(self, row: SalesByHour) -> str:
        return count(row.orders)

    @admin.action(description=_("Delete the whole days of these hours"), permissions=["erase"])
    def delete_figures(self, request: HttpRequest, hours: QuerySet[SalesByHour]) -> None:
        days = {(hour.department_id, hour.date): hour for hour in hours}
        for hour in days.values():
            delete_hour(hour, by=signed_in(request))
        said = ngettext("%(n)s day was taken away.", "%(n)s days were taken away.", len(days)) % {"n": len(days)}
        self.message_user(request, said, messages.SUCCESS)


class SizeFilter(DropdownFilter):
    title = _("size of the change")
    parameter_name = "size"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(size), _("%(size)s %% and more") % {"size": size}) for size in (1, 5, 20, 50)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Restatement]) -> QuerySet[Restatement]:
        known = {size: int(size) for size, _label in self.lookup_choices}
        size = known.get(self.value() or "")
        return queryset.of_at_least(size) if size else queryset  # type: ignore[attr-defined]


class HourRowsFilter(DropdownFilter):
    """Whoever looks wants to see which days changed, not each of their hours."""

    title = _("hours")
    parameter_name = "hours"
    all_option = ["", _("days only")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("shown", _("days and hours"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Restatement]) -> QuerySet[Restatement]:
        return queryset if self.value() else queryset.days()  # type: ignore[attr-defined]


@admin.register(Restatement)
class RestatementAdmin(DayRowAdmin):
    """What sources changed after it had been told, newest first."""

    list_display = ["changed_at", "day_link", "department", "part", "was", "became", "change", "who"]
    list_display_links = ["changed_at"]
    list_select_related = ["department", "by", "run__started_by"]
    list_filter = [
        ("date", DateRangeFilter),
        ("changed_at", DateRangeFilter),
        ("department", AutocompleteSelectFilter),
        SizeFilter,
        HourRowsFilter,
    ]

    @display(description=_("what"))
    def part(self, row: Restatement) -> Any:
        return _("day") if row.hour is None else f"{row.hour:02}:00"

    @display(description=_("was"), ordering="old_total")
    def was(self, row: Restatement) -> str:
        return exact(row.old_total)

    @display(description=_("became"), ordering="new_total")
    def became(self, row: Restatement) -> str:
        return exact(row.new_total)

    @display(description=_("difference"))
    def change(self, row: Restatement) -> str:
        return difference(row.difference)

    @display(description=_("by whom"))
    def who(self, row: Restatement) -> str:
        return row.who


class SalesFilter(DropdownFilter):
    title = _("sales")
    parameter_name = "sales"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("with sales")), ("0", _("without sales"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Department]) -> QuerySet[Department]:
        """Of those that could have any."""
        if self.value() not in ("0", "1"):
            return queryset
        return covered(queryset, has_data=self.value() == "1")  # type: ignore[arg-type]


admin.site.unregister(Department)


@admin.register(Department)
class SellingDepartmentAdmin(DepartmentAdmin):
    """Departments as this floor knows them: up to which day their sales are complete, and loading them."""

    list_display = [*DepartmentAdmin.list_display[:-1], "last_complete", "sales_link", "is_active"]
    list_select_related = [*DepartmentAdmin.list_select_related, "sales_cutoff"]
    list_filter = [*DepartmentAdmin.list_filter, SalesFilter]
    actions = ["load_settling_window"]

    @display(description=_("complete up to"), ordering="sales_cutoff__date")
    def last_complete(self, department: Department) -> Any:
        cutoff = getattr(department, "sales_cutoff", None)
        return cutoff.date if cutoff else None

    @display(description=_("sales"))
    def sales_link(self, department: Department) -> str:
        if getattr(department, "sales_cutoff", None) is None:
            return ""
        query = urlencode({"department__id__exact": department.pk})
        url = reverse("admin:sales_salessummary_changelist")
        return format_html('<a class="sf-link" href="{}?{}">{}</a>', url, query, _("show"))

    def has_load_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sales.load_sales")

    @admin.action(description=_("Load yesterday and the settling window"), permissions=["load"])
    def load_settling_window(self, request: HttpRequest, departments: QuerySet[Department]) -> HttpResponse | None:
        chosen = list(departments.selling().select_related("organisation"))  # type: ignore[attr-defined]
        runs = [
            start_sync(
                organisation=department.organisation,
                department=department,
                trigger=Trigger.PAGE,
                started_by=signed_in(request),
            )[0]
            for department in chosen
        ]
        if not runs:
            self.message_user(request, _("None of these sells anything: choose branches."), messages.WARNING)
            return None
        said = ngettext("%(n)s load was started.", "%(n)s loads were started.", len(runs)) % {"n": len(runs)}
        self.message_user(request, said, messages.SUCCESS)
        return redirect(with_run(reverse("admin:sales_load"), runs[0]))
