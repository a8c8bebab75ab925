"""Who may see which departments: memberships and API keys."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.keys import create_api_key, revoke_api_key
from accounts.models import ApiKey, Membership
from accounts.pages import HouseAdmin, page_organisation, signed_in
from accounts.roles import Role
from departments.models import Department, DepartmentScope
from departments.scopes import limit_to


class ScopeInline(TabularInline):
    model = DepartmentScope
    extra = 0
    autocomplete_fields = ["department"]
    verbose_name_plural = _("Departments it covers, each with what lies below it (not asked when it covers all)")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("accounts.view_membership")


@admin.register(Membership)
class MembershipAdmin(HouseAdmin):
    list_display = ["user", "role", "all_departments", "covers"]
    list_filter = [("role", ChoicesDropdownFilter), ("all_departments", BooleanRadioFilter)]
    search_fields = ["user__username", "user__last_name"]
    list_select_related = ["user"]
    autocomplete_fields = ["user"]
    inlines = [ScopeInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("scopes__department")

    @display(description=_("departments"))
    def covers(self, membership: Membership) -> str:
        if membership.all_departments:
            return str(_("all departments"))
        return ", ".join(str(scope) for scope in membership.scopes.all())


class NewKeyForm(forms.ModelForm):
    """What a new key may do. The secret is shown once, in the message after saving."""

    name = forms.CharField(label=_("Name"), max_length=50, widget=UnfoldAdminTextInputWidget())
    role = forms.ChoiceField(label=_("Role"), choices=Role, initial=Role.INTEGRATOR, widget=UnfoldAdminSelectWidget())
    all_departments = forms.BooleanField(
        label=_("All departments"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget()
    )
    departments = forms.ModelMultipleChoiceField(
        label=_("Departments"),
        queryset=Department.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget(),
        help_text=_("Each with what lies below it"),
    )
    expiry_date = forms.SplitDateTimeField(
        label=_("Expires"), required=False, widget=UnfoldAdminSplitDateTimeWidget(), help_text=_("Empty: never")
    )

    class Meta:
        model = ApiKey
        fields = ["name", "expiry_date"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("all_departments") and not values.get("departments"):
            self.add_error("departments", _("Choose departments, or all of them."))
        return values


@admin.register(ApiKey)
class ApiKeyAdmin(HouseAdmin):
    list_display = ["name", "prefix", "user", "roles", "usable_now", "last_used_at", "expiry_date", "created"]
    list_filter = [("revoked", BooleanRadioFilter)]
    search_fields = ["name", "prefix", "user__username"]
    list_select_related = ["user"]
    actions = ["revoke"]
    ordering = ["-created"]
    fields = ["name", "prefix", "user", "expiry_date", "revoked", "created", "last_used_at"]
    readonly_fields = ["prefix", "user", "created", "last_used_at"]

    def visible(self, rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
        return super().visible(rows, user).prefetch_related("user__memberships")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        form = super().get_form(request, obj, change, **{**kwargs, "form": NewKeyForm})
        form.base_fields["departments"].queryset = Department.objects.visible_to(signed_in(request))
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.fields if obj else ["name", "role", "all_departments", "departments", "expiry_date"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.readonly_fields if obj else []

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        values = form.cleaned_data
        row, secret = create_api_key(
            organisation=page_organisation(request),
            name=values["name"],
            role=values["role"],
            all_departments=values["all_departments"],
            expires_at=values["expiry_date"],
        )
        if not values["all_departments"]:
            limit_to(row.user.memberships.get(), values["departments"])
        obj.pk, obj._state.adding = row.pk, False
        obj.refresh_from_db()
        said = _("The secret of the key, shown this once: %(secret)s") % {"secret": secret}
        self.message_user(request, said, messages.WARNING)

    @display(description=_("role"))
    def roles(self, key: ApiKey) -> str:
        return ", ".join(membership.get_role_display() for membership in key.user.memberships.all())

    @display(description=_("valid"), boolean=True)
    def usable_now(self, key: ApiKey) -> bool:
        return key.usable

    @admin.action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        chosen = list(keys.filter(revoked=False))
        for key in chosen:
            revoke_api_key(key)
        said = ngettext("%(n)s key was revoked.", "%(n)s keys were revoked.", len(chosen)) % {"n": len(chosen)}
        self.message_user(request, said, messages.SUCCESS)
