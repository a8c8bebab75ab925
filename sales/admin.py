from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
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
from accounts.pages import DateRangeFilter, HouseAdmin, ReadOnly, signed_in
from departments.admin import DepartmentAdmin
from departments.models import Department
from runs.choices import Trigger
from runs.pages import with_run
from sales.choices import TONES
from sales.delete import delete_day, delete_hour
from sales.models import SalesByHour, SalesSummary
from sales.pages import AutomaticView, LoadView, test_automatic
from sales.sync import start_sync


class FigureAdmin(ReadOnly, HouseAdmin):
    """Figures as they are stored, under filters, with the exact total of the selection. Nobody edits them."""

    measure: str
    list_before_template = "sales/totals.html"
    show_full_result_count = False
    list_select_related = ["department"]
    list_display_links = None
    search_fields = ["department__name", "department__code"]
    actions = ["delete_figures"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if (listed := getattr(response, "context_data", {}).get("cl")) is not None:
            response.context_data["totals"] = listed.queryset.totals(self.measure)
        return response

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own deletion would leave a day without its hours, or hours without their day."""
        return {name: made for name, made in super().get_actions(request).items() if name != "delete_selected"}

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"sales.delete_{self.opts.model_name}")

    def shown(self, value: Any) -> str:
        return format_html('<span class="sf-figure" title="{}">{}</span>', exact(value), amount(value))

    def total_of(self, row: Any) -> str:
        return self.shown(getattr(row, self.measure))


@admin.register(SalesSummary)
class SalesSummaryAdmin(FigureAdmin):
    measure = "total_sales"
    list_display = [
        "date",
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
    ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("load/", wrap(LoadView.as_view(model_admin=self)), name="sales_load"),
            path("automatic/", wrap(AutomaticView.as_view(model_admin=self)), name="sales_automatic"),
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

    @display(description=_("state"), ordering="state", label=TONES)
    def state_shown(self, day: SalesSummary) -> tuple[str, str]:
        return day.state, day.get_state_display()

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
    list_display = ["date", "hour_shown", "department", "total_shown", "gross_shown", "orders_shown", "synced_at"]
    list_filter = [
        ("date", DateRangeFilter),
        HourFilter,
        ("department", AutocompleteSelectFilter),
        ("department__segment_type", ChoicesDropdownFilter),
    ]

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


admin.site.unregister(Department)


@admin.register(Department)
class SellingDepartmentAdmin(DepartmentAdmin):
    """Departments as this floor knows them: up to which day their sales are complete, and loading them."""

    list_display = [*DepartmentAdmin.list_display[:-1], "last_complete", "sales_link", "is_active"]
    list_select_related = [*DepartmentAdmin.list_select_related, "sales_cutoff"]
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
