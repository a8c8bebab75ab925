import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from accounts.models import User
from accounts.pages import DateRangeFilter, HouseAdmin, signed_in
from departments.admin.changes import Recorded
from departments.models import BEGINNING, Closure, Department, Event, Holiday


class KnownFrom:
    @admin.display(description=_("known from"), ordering="known_from")
    def known(self, row: Holiday | Closure | Event) -> dt.date | str:
        return "" if row.known_from == BEGINNING else row.known_from


@admin.register(Holiday)
class HolidayAdmin(KnownFrom, Recorded, HouseAdmin):
    list_display = ["date", "name", "effect", "key", "known"]
    list_filter = [("date", DateRangeFilter), ("effect", ChoicesDropdownFilter)]
    search_fields = ["name", "key"]
    ordering = ["-date"]


class OfDepartment(KnownFrom, Recorded, HouseAdmin):
    """Rows of a department, or of the whole chain where they name none."""

    autocomplete_fields = ["department"]
    list_select_related = ["department"]

    def visible(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        whole = Q(department=None)
        return super().visible(rows, user).filter(whole | Q(department__in=Department.objects.visible_to(user)))


@admin.register(Closure)
class ClosureAdmin(OfDepartment):
    list_display = ["department", "first", "last", "reason", "known"]
    list_filter = [("first", DateRangeFilter), ("department", AutocompleteSelectFilter)]
    search_fields = ["department__name", "reason"]


@admin.register(Event)
class EventAdmin(OfDepartment):
    list_display = ["name", "kind", "first", "last", "where", "strength", "known"]
    list_filter = [("first", DateRangeFilter), ("department", AutocompleteSelectFilter)]
    search_fields = ["name", "kind"]

    @admin.display(description=_("department"), ordering="department__name")
    def where(self, event: Event) -> str:
        return str(event.department or _("all departments"))

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = signed_in(request)
        super().save_model(request, obj, form, change)
