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
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.formats import count
from accounts.keys import LIMITS, create_api_key, revoke_api_key
from accounts.models import ApiKey, Membership, User
from accounts.pages import HouseAdmin, OffersVisible, page_organisation, signed_in
from accounts.roles import Role
from accounts.tenancy import organisation_of
from departments.models import Department, DepartmentScope
from departments.scopes import limit_to, sees_all


class ScopeInline(OffersVisible, TabularInline):
    model = DepartmentScope
    extra = 0
    autocomplete_fields = ["department"]
    verbose_name_plural = _("Departments it covers, each with what lies below it (not asked when it covers all)")


class MembershipForm(forms.ModelForm):
    """Nobody gives away more than they see."""

    giver: User

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        organisation = values.get("organisation") or self.instance.organisation
        if values.get("all_departments") and not sees_all(self.giver, organisation):
            self.add_error("all_departments", _("You see some departments only: choose from those."))
        return values


@admin.register(Membership)
class MembershipAdmin(HouseAdmin):
    list_display = ["user", "role", "all_departments", "covers"]
    list_filter = [("role", ChoicesDropdownFilter), ("all_departments", BooleanRadioFilter)]
    search_fields = ["user__username", "user__last_name"]
    list_select_related = ["user"]
    autocomplete_fields = ["user"]
    inlines = [ScopeInline]
    form = MembershipForm

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.giver = signed_in(request)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Whose role it is and where stays: another one is another role."""
        return ["user", "organisation"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody raises themselves, nor narrows those who see more."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or _may_touch(obj, signed_in(request)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and _may_touch(obj, signed_in(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("scopes__department")

    @display(description=_("departments"))
    def covers(self, membership: Membership) -> str:
        if membership.all_departments:
            return str(_("all departments"))
        return ", ".join(str(scope) for scope in membership.scopes.all())


def _may_touch(membership: Membership, by: User) -> bool:
    if by.is_superuser:
        return True
    if membership.user_id == by.pk or membership.user.is_superuser:
        return False
    return not membership.all_departments or sees_all(by, membership.organisation)


class LimitsForm(forms.ModelForm):
    """A key with its name, its end and its limits."""

    per_minute, per_hour, per_day = (
        forms.IntegerField(
            label=label,
            required=False,
            min_value=1,
            max_value=10_000_000,
            widget=UnfoldAdminIntegerFieldWidget(),
            help_text=hint,
        )
        for label, hint in (
            (_("Requests per minute"), _("Empty: as everybody")),
            (_("Requests per hour"), _("Empty: no limit of its own")),
            (_("Requests per day"), _("Empty: no limit of its own")),
        )
    )


class NewKeyForm(LimitsForm):
    giver: User

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
        fields = ["name", "expiry_date", *LIMITS]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("all_departments") and not values.get("departments"):
            self.add_error("departments", _("Choose departments, or all of them."))
        if values.get("all_departments") and not sees_all(self.giver, organisation_of(self.giver)):
            self.add_error("all_departments", _("You see some departments only: choose from those."))
        return values


@admin.register(ApiKey)
class ApiKeyAdmin(HouseAdmin):
    list_display = [
        "name",
        "prefix",
        "user",
        "roles",
        "usable_now",
        "limits_shown",
        "last_used_at",
        "expiry_date",
        "created",
    ]
    list_filter = [("revoked", BooleanRadioFilter)]
    search_fields = ["name", "prefix", "user__username"]
    list_select_related = ["user"]
    actions = ["revoke"]
    ordering = ["-created"]
    form = LimitsForm
    fields = ["name", "prefix", "user", "expiry_date", "revoked", *LIMITS, "created", "last_used_at"]
    readonly_fields = ["prefix", "user", "created", "last_used_at"]

    def visible(self, rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
        return super().visible(rows, user).prefetch_related("user__memberships")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        form = super().get_form(request, obj, change, **{**kwargs, "form": NewKeyForm})
        form.giver = signed_in(request)
        form.base_fields["departments"].queryset = Department.objects.visible_to(signed_in(request))
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return (
            self.fields
            if obj
            else [
                "name",
                "role",
                "all_departments",
                "departments",
                "expiry_date",
                *LIMITS,
            ]
        )

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
            limits={name: values[name] for name in LIMITS},
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

    @display(description=_("limits"))
    def limits_shown(self, key: ApiKey) -> str:
        """Per minute, hour and day."""
        return " / ".join(count(getattr(key, name)) for name in LIMITS)

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
