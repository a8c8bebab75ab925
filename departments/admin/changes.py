"""Who changed what: noted with every save of a page, and shown."""

import datetime as dt
import re
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.pages import DateRangeFilter, HouseAdmin, ReadOnly, signed_in
from departments.changes import as_kept, note
from departments.models import BEGINNING, Change

DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Recorded:
    """Pages of a model whose changes are kept."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = as_kept(type(obj)._default_manager.get(pk=obj.pk)) if change else None
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        note(obj, before=before, by=signed_in(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        note(obj, before=as_kept(obj), by=signed_in(request), gone=True)
        super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            note(row, before=as_kept(row), by=signed_in(request), gone=True)
        super().delete_queryset(request, queryset)  # type: ignore[misc]


@admin.register(Change)
class ChangeAdmin(ReadOnly, HouseAdmin):
    list_display = ["at", "by", "kind", "shown_name", "what", "difference"]
    list_display_links = None
    list_filter = [
        ("at", DateRangeFilter),
        ("kind", ChoicesDropdownFilter),
        ("what", ChoicesDropdownFilter),
    ]
    list_select_related = ["by"]
    search_fields = ["name", "by__username"]
    show_full_result_count = False

    @display(description=_("name"))
    def shown_name(self, change: Change) -> str:
        return change.name

    @display(description=_("change"))
    def difference(self, change: Change) -> str:
        """Every column that moved: what it was, what it is."""
        before, after = change.before or {}, change.after or {}
        model = change._meta.apps.get_model("departments", change.kind)
        titles = {field.attname: field.verbose_name for field in model._meta.concrete_fields}
        lines = [
            (titles.get(name, name), _moved(before.get(name), after.get(name), change.what))
            for name in (after or before)
            if change.what == Change.What.CHANGED or (after or before)[name] not in (None, "", [], str(BEGINNING))
        ]
        return format_html('<div class="sf-moved">{}</div>', format_html_join("", "<div>{}: {}</div>", lines))


def _moved(was: Any, became: Any, what: str) -> str:
    if what == Change.What.CHANGED:
        return f"{_plain(was)} → {_plain(became)}"
    return _plain(became if what == Change.What.ADDED else was)


def _plain(value: Any) -> str:
    if value in (None, "", [], str(BEGINNING)):
        return "—"
    if isinstance(value, str) and DATE.fullmatch(value):
        return f"{dt.date.fromisoformat(value):%d.%m.%Y}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
