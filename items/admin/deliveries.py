"""What programs delivered: every attempt, what became of it, and by when each of them is expected."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.formats import count
from accounts.pages import DateRangeFilter, HouseAdmin, ReadOnly
from departments.models import Department
from items.admin.filters import ConnectionFilter
from items.expected import why
from items.models import Delivery, ItemSource
from runs.sentences import sentence

WHAT = {
    "bulk-import": _("sales by product and day"),
    "sale": _("one product"),
    "record": _("a sale"),
    "batch": _("sales"),
    "correction": _("correction"),
}


class RefusedFilter(admin.SimpleListFilter):
    title = _("refusals")
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("some", _("With refusals")), ("none", _("Without"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "some":
            return queryset.exclude(refused=0, status_code__lt=400)
        return queryset.filter(refused=0, status_code__lt=400) if self.value() == "none" else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, HouseAdmin):
    list_display = ["at", "connection", "said", "days", "inserted", "updated", "unchanged", "refused", "result"]
    list_filter = [ConnectionFilter, RefusedFilter, ("at", DateRangeFilter)]
    list_select_related = ["connection", "user"]
    show_full_result_count = False
    ordering = ["-id"]
    fields = ["at", "connection", "user", "said", "days", "result_in_words", "counts", "reasons", "idempotency_key"]
    readonly_fields = fields

    @display(description=_("what"))
    def said(self, attempt: Delivery) -> str:
        return str(WHAT.get(attempt.what, attempt.what))

    @display(description=_("dates"), ordering="from_date")
    def days(self, attempt: Delivery) -> str:
        if attempt.from_date is None:
            return ""
        last = f" – {attempt.to_date:%d.%m.%Y}" if attempt.to_date != attempt.from_date else ""
        return f"{attempt.from_date:%d.%m.%Y}{last}"

    @display(description=_("answer"), label={"taken": "success", "part": "warning", "refused": "danger"})
    def result(self, attempt: Delivery) -> tuple[str, str]:
        if (attempt.status_code or 0) >= 400:
            return "refused", f"{attempt.status_code} · {gettext('refused')}"
        if attempt.refused:
            return "part", f"{attempt.status_code} · {gettext('in part')}"
        return "taken", f"{attempt.status_code} · {gettext('taken')}"

    @display(description=_("answer"))
    def result_in_words(self, attempt: Delivery) -> str:
        words: str = self.result(attempt)[1]
        return words

    @display(description=_("sales"))
    def counts(self, attempt: Delivery) -> str:
        return gettext("added %(inserted)s, changed %(updated)s, unchanged %(unchanged)s, refused %(refused)s") % {
            name: count(getattr(attempt, name)) for name in ("inserted", "updated", "unchanged", "refused")
        }

    @display(description=_("why refused"))
    def reasons(self, attempt: Delivery) -> str:
        """The first of them; the client was told all."""
        found = [why(error) for error in attempt.errors]
        said = [(sentence(one["code"], one["params"]) if isinstance(one, dict) else one,) for one in found]
        lines = format_html_join("", "<li>{}</li>", said)
        return format_html('<ul class="sf-sentences">{}</ul>', lines) if said else ""


class SourceForm(forms.ModelForm):
    def clean_department(self) -> Department | None:
        department: Department | None = self.cleaned_data["department"]
        if department and department.organisation_id != self.instance.organisation_id:
            raise forms.ValidationError(gettext("There is no such department"), "invalid")
        return department


@admin.register(ItemSource)
class ItemSourceAdmin(HouseAdmin):
    form = SourceForm
    list_display = ["connection", "grain", "department", "expected_by", "newest", "attempts"]
    list_select_related = ["connection", "department"]
    search_fields = ["connection__name"]
    autocomplete_fields = ["department"]
    fields = ["connection", "grain", "has_money", "has_hours", "department", "expected_by", "newest", "attempts"]
    readonly_fields = ["connection", "grain", "has_money", "has_hours", "newest", "attempts"]

    def visible(self, rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = super().visible(rows, user).annotate(newest_at=Max("connection__deliveries__at"))
        return found

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A client makes its source by coming."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("last delivery"), ordering="newest_at")
    def newest(self, source: Any) -> Any:
        return source.newest_at

    @display(description=_("deliveries"))
    def attempts(self, source: ItemSource) -> str:
        address = reverse("admin:items_delivery_changelist")
        words = gettext("show")
        return format_html('<a href="{}?connection__id__exact={}">{}</a>', address, source.pk, words)
