from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
)
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.pages import HouseAdmin, OffersVisible, ReadOnly, back_to, page_organisation, signed_in
from departments.admin.changes import Recorded
from departments.choices import SELLING_TYPES, TYPES
from departments.edit import why_kept
from departments.models import SOURCE_FIELDS, Authority, Connection, Department, SourceDepartment
from departments.sync import start_sync
from runs.choices import Trigger
from runs.pages import latest_box


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


class AuthorityInline(OffersVisible, TabularInline):
    model = Authority
    formset = AuthorityFormSet
    extra = 0
    fields = ["connection", "from_date"]
    verbose_name_plural = _("Whose figures are published")


class DepartmentForm(forms.ModelForm):
    overridden = forms.MultipleChoiceField(
        label=_("Kept by hand"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_(
            "What the source says of these is not taken over any more. Choose, save, then write them yourself."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "overridden" in self.fields:
            names = [(name, Department._meta.get_field(name).verbose_name) for name in SOURCE_FIELDS]  # type: ignore[union-attr]
            self.fields["overridden"].choices = names  # type: ignore[attr-defined]


@admin.register(Department)
class DepartmentAdmin(Recorded, HouseAdmin):
    form = DepartmentForm
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
        (None, {"fields": ["organisation", *SOURCE_FIELDS, "id", "synced_at"]}),
        (
            _("Ours"),
            {
                "fields": [
                    "segment_type",
                    ("season_start_date", "season_end_date"),
                    ("opened_on", "closed_on"),
                    ("code_tco", "company"),
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
        if obj is None or obj.named_by() is None:
            return known
        of_source = [name for name in SOURCE_FIELDS if name not in obj.overridden]
        return [*("type_shown" if name == "type" else name for name in of_source), *known]

    def get_fieldsets(self, request: HttpRequest, obj: Department | None = None) -> Any:
        """What is kept by hand is asked for only where a source says something else."""
        sets = super().get_fieldsets(request, obj)
        if obj is None or obj.named_by() is None:
            return sets
        (title, first), *others = sets
        shown = ["type_shown" if name == "type" and name not in obj.overridden else name for name in first["fields"]]
        return [(title, {**first, "fields": [*shown, "overridden"]}), *others]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for inline in formset.forms:
            if isinstance(inline.instance, Authority):
                inline.instance.organisation_id = form.instance.organisation_id
        super().save_formset(request, form, formset, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With a department its sales would go. Only one without any history is deleted; others are switched off."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and why_kept(obj) is None

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("tree/", wrap(TreeView.as_view(model_admin=self)), name="departments_tree"),
            path("synchronise/", wrap(require_POST(synchronise)), name="departments_synchronise"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {
            "may_synchronise": request.user.has_perm("departments.sync_departments"),
            "box": latest_box(request, "sync_departments"),
            "counted": Department.objects.visible_to(signed_in(request)).counted(),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})


class TreeView(UnfoldModelAdminViewMixin, TemplateView):
    """The chain as a tree of what the user may see; a node whose parent he may not see stands at the top."""

    title = _("Tree of the chain")
    permission_required = "departments.view_department"
    template_name = "departments/tree.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = Department.objects.visible_to(signed_in(self.request)).order_by("name", "id")
        return super().get_context_data(**kwargs, nodes=as_tree(list(rows)))


def as_tree(departments: list[Department]) -> list[dict[str, Any]]:
    """[{department, type, children, branches (that sell, at or below it)}], in the order given."""
    seen = {department.pk for department in departments}
    below: dict[Any, list[Department]] = {}
    for department in departments:
        below.setdefault(department.parent_id if department.parent_id in seen else None, []).append(department)

    def node(department: Department) -> dict[str, Any]:
        children = [node(child) for child in below.get(department.pk, [])]
        return {
            "department": department,
            "type": TYPES.get(department.type, department.type),
            "sells": department.type in SELLING_TYPES,
            "children": children,
            "branches": (department.type in SELLING_TYPES) + sum(child["branches"] for child in children),
        }

    return [node(department) for department in below.get(None, [])]


def synchronise(request: HttpRequest) -> HttpResponse:
    """Ask all till servers for their departments."""
    if not request.user.has_perm("departments.sync_departments"):
        raise PermissionDenied
    start_sync(organisation=page_organisation(request), trigger=Trigger.PAGE, started_by=signed_in(request))
    return redirect(back_to(request, reverse("admin:departments_department_changelist")))
