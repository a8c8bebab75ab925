"""Filters that offer only what their reader may see."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from accounts.pages import signed_in
from departments.choices import Kind
from departments.models import Connection


class ConnectionFilter(DropdownFilter):
    """`kind`: of connections that are offered; `column`: what names one in the rows."""

    title = _("connection")
    parameter_name = "connection"
    kind = Kind.PUSH
    column = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Connection.objects.visible_to(signed_in(request)).filter(kind=self.kind)
        return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(**{self.column: int(value)}).distinct() if value.isdecimal() else queryset


class ServerFilter(ConnectionFilter):
    kind = Kind.IIKO


class ListedByFilter(ServerFilter):
    column = "sources__connection"
