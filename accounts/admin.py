from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import Membership, Organisation, User
from accounts.pages import HouseAdmin, page_organisation, signed_in
from accounts.roles import Role

# Roles say who may do what (accounts/roles.py); a second set of groups beside them would only confuse.
admin.site.unregister(Group)


class MembershipInline(TabularInline):
    """Shown here; changed on a role's own page, where its departments are."""

    model = Membership
    extra = 0
    show_change_link = True
    fields = readonly_fields = ["organisation", "role", "all_departments"]
    can_delete = False
    verbose_name_plural = _("Roles; each is changed on its own page, with its departments")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewPersonForm(UserCreationForm):
    """A person with a role; the departments are chosen on the page of the role that follows."""

    role = forms.ChoiceField(label=_("Role"), choices=Role, initial=Role.MANAGER, widget=UnfoldAdminSelectWidget())


@admin.register(User)
class UserAdmin(DjangoUserAdmin, HouseAdmin):
    """People of the organisation. Who is no superuser makes none, and touches nobody who belongs to others as well."""

    form = UserChangeForm
    add_form = NewPersonForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "email", "roles", "is_active", "is_service", "last_login"]
    list_filter = [
        ("is_service", BooleanRadioFilter),
        ("is_active", BooleanRadioFilter),
        ("memberships__role", ChoicesDropdownFilter),
    ]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = ()
    inlines = [MembershipInline]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (_("May"), {"fields": ["is_active", "is_staff", "is_superuser", "is_service"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email", "role"]}),
        (_("Password"), {"fields": ["usable_password", "password1", "password2"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]

    def visible(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        if user.is_superuser:
            return rows
        return rows.filter(memberships__organisation__in=Organisation.objects.visible_to(user)).distinct()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("memberships")

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.inlines if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        known = [*super().get_readonly_fields(request, obj)]
        return known if signed_in(request).is_superuser else [*known, "is_superuser", "is_service"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or is_below(obj, signed_in(request)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People are switched off: what they did keeps their name."""
        return signed_in(request).is_superuser and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True  # else the pages would not let them in
        super().save_model(request, obj, form, change)
        if not change:
            Membership.objects.create(
                user=obj, organisation=page_organisation(request), role=form.cleaned_data["role"], all_departments=False
            )

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _("%(name)s may sign in. Now choose the departments of the role.") % {"name": obj})
        return redirect("admin:accounts_membership_change", obj.memberships.get().pk)

    @display(description=_("full name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(membership.get_role_display() for membership in user.memberships.all())


def is_below(person: User, administrator: User) -> bool:
    """Whether the administrator may change this person: not a superuser, nor a member of organisations of others."""
    if administrator.is_superuser:
        return True
    own = Organisation.objects.visible_to(administrator)
    return not person.is_superuser and not person.memberships.exclude(organisation__in=own).exists()


@admin.register(Organisation)
class OrganisationAdmin(HouseAdmin):
    list_display = ["name", "country", "currency", "time_zone"]
