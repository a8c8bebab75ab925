from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
)
from unfold.decorators import display

from accounts.pages import HouseAdmin, ReadOnly, page_organisation, signed_in
from departments.choices import SELLING_TYPES
from departments.models import Authority, Connection, Department, SourceDepartment
from departments.sync import start_sync
from runs.choices import Trigger
from runs.pages import latest_box

# What a till server says of a department; a change here would be gone after the next synchronisation.
FROM_SOURCE = ["name", "type", "parent", "code", "taxpayer_id_number"]


# iiko's names of the nodes of a chain's tree; another name is shown as it comes.
TYPES = {
    "CORPORATION": _("chain"),
    "JURPERSON": _("legal entity"),
    "ORGDEVELOPMENT": _("division"),
    "DEPARTMENT": _("branch"),
    "SALEPOINT": _("point of sale"),
    "MANUFACTURE": _("production"),
    "CENTRALOFFICE": _("head office"),
}


class TypeFilter(DropdownFilter):
    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Department.objects.visible_to(signed_in(request)).order_by("type")
        return [(name, str(TYPES.get(name, name))) for name in rows.values_list("type", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Department]) -> QuerySet[Department]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class ConnectionFilter(DropdownFilter):
    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Connection.objects.visible_to(signed_in(request))
        return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Department]) -> QuerySet[Department]:
        value = self.value() or ""
        return queryset.filter(sources__connection=int(value)).distinct() if value.isdecimal() else queryset


class SourceInline(ReadOnly, TabularInline):
    model = SourceDepartment
    extra = 0
    fields = ["connection", "name", "external_id", "type", "code", "seen_at"]
    readonly_fields = fields
    verbose_name_plural = _("At the sources")


class AuthorityFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        dates = [values.get("from_date") for values in kept]
        if len(dates) != len(set(dates)):
            raise ValidationError(_("From one date on only one source is the truth."))


class AuthorityInline(TabularInline):
    model = Authority
    formset = AuthorityFormSet
    extra = 0
    fields = ["connection", "from_date"]
    verbose_name_plural = _("Whose figures are published")


@admin.register(Department)
class DepartmentAdmin(HouseAdmin):
    list_display = ["name", "parent", "type_shown", "segment_shown", "code", "is_active"]
    list_filter = [
        TypeFilter,
        ("segment_type", ChoicesDropdownFilter),
        ("is_active", BooleanRadioFilter),
        ConnectionFilter,
    ]
    list_select_related = ["parent"]
    search_fields = ["name", "code", "code_tco", "taxpayer_id_number"]
    list_before_template = "departments/list_before.html"
    autocomplete_fields = ["parent"]
    readonly_fields = ["id", "created_at", "updated_at", "synced_at"]
    inlines = [SourceInline, AuthorityInline]
    fieldsets = [
        (None, {"fields": ["organisation", *FROM_SOURCE, "id", "synced_at"]}),
        (
            _("Ours"),
            {
                "fields": [
                    "segment_type",
                    ("season_start_date", "season_end_date"),
                    ("opened_on", "closed_on"),
                    "code_tco",
                    "time_zone",
                    "currency",
                    "is_active",
                ]
            },
        ),
    ]

    @display(description=_("type"), ordering="type")
    def type_shown(self, department: Department) -> Any:
        return TYPES.get(department.type, department.type)

    @display(description=_("segment"), ordering="segment_type")
    def segment_shown(self, department: Department) -> str:
        """Only what sells has one that means something."""
        return department.get_segment_type_display() if department.type in SELLING_TYPES else ""

    def get_readonly_fields(self, request: HttpRequest, obj: Department | None = None) -> list[str]:
        known = [*self.readonly_fields]
        return [*FROM_SOURCE, *known] if obj and obj.sources.exists() else known

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for inline in formset.forms:
            if isinstance(inline.instance, Authority):
                inline.instance.organisation_id = form.instance.organisation_id
        super().save_formset(request, form, formset, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With a department its sales would go. Only one without any history is deleted; others are switched off."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not obj.sources.exists()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("synchronise/", wrap(require_POST(synchronise)), name="departments_synchronise"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {
            "may_synchronise": request.user.has_perm("departments.sync_departments"),
            "box": latest_box(request, "sync_departments"),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})


def synchronise(request: HttpRequest) -> HttpResponse:
    """Ask all till servers for their departments."""
    if not request.user.has_perm("departments.sync_departments"):
        raise PermissionDenied
    start_sync(organisation=page_organisation(request), trigger=Trigger.PAGE, started_by=signed_in(request))
    return redirect("admin:departments_department_changelist")
