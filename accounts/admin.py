from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import Membership, Organisation, User
from accounts.pages import HouseAdmin

# Roles say who may do what (accounts/roles.py); a second set of groups beside them would only confuse.
admin.site.unregister(Group)


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    show_change_link = True
    verbose_name_plural = _("Roles; the departments of a role are chosen on its own page")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, HouseAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
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
    readonly_fields = ["last_login", "date_joined"]

    def visible(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        if user.is_superuser:
            return rows
        return rows.filter(memberships__organisation__in=Organisation.objects.visible_to(user)).distinct()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("memberships")

    @display(description=_("name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(description=_("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(membership.get_role_display() for membership in user.memberships.all())


@admin.register(Organisation)
class OrganisationAdmin(HouseAdmin):
    list_display = ["name", "country", "currency", "time_zone"]
