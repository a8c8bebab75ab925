"""The lines of item sales as they are stored. Nobody edits them here."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.formats import exact, pieces
from accounts.pages import DateField, DateRangeFilter, HouseAdmin, HousePaginator, ReadOnly, page_organisation
from departments.timing import organisation_today
from items.admin.history import EntryPage, HistoryPage
from items.models import SaleLine

LINES_SHOWN = dt.timedelta(days=14)
MOST_COUNTED = 10_000


class FewPages(HousePaginator):
    """Counts no further than anybody turns pages: of millions of lines the first MOST_COUNTED are listed."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list[:MOST_COUNTED]
        return int(rows.count())


@admin.register(SaleLine)
class SaleLineAdmin(ReadOnly, HouseAdmin):
    list_display = [
        "date",
        "department",
        "product",
        "quantity_shown",
        "total_shown",
        "hour_shown",
        "transaction_id",
        "connection",
        "deleted_shown",
    ]
    list_display_links = None
    list_filter = [("date", DateRangeFilter), ("department", AutocompleteSelectFilter)]
    list_select_related = ["department", "product", "connection"]
    ordering = ["-date", "id"]
    sortable_by: list[str] = []
    show_full_result_count = False
    paginator = FewPages
    list_before_template = "items/lines_before.html"
    actions: list[str] = []

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("history/", wrap(HistoryPage.as_view(model_admin=self)), name="items_history"),
            path("entry/", wrap(EntryPage.as_view(model_admin=self)), name="items_entry"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Without dates the newest two weeks: nobody who opens the list waits for millions of lines to be sorted."""
        if not (request.GET.get("date_from") or request.GET.get("date_to")):
            today = organisation_today(page_organisation(request))
            chosen = request.GET.copy()
            for name, date in (("date_from", today - LINES_SHOWN), ("date_to", today)):
                chosen[name] = DateField().shown(date.isoformat())
            request.GET = chosen  # type: ignore[assignment]
        return super().changelist_view(request, extra_context)

    @display(description=_("quantity"))
    def quantity_shown(self, line: SaleLine) -> str:
        return format_html('<span class="sf-figure">{}</span>', pieces(line.quantity))

    @display(description=_("total"))
    def total_shown(self, line: SaleLine) -> str:
        return format_html('<span class="sf-figure">{}</span>', exact(line.total))

    @display(description=_("hour"))
    def hour_shown(self, line: SaleLine) -> str:
        return "—" if line.hour is None else f"{line.hour:02}:00"

    @display(description=_("deleted"), label={"deleted": "danger"})
    def deleted_shown(self, line: SaleLine) -> tuple[str, Any] | str:
        return ("deleted", _("deleted")) if line.is_deleted else ""
