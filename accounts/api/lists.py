"""Lists: a bare array for `skip` and `limit` (or nothing), `{next, previous, results}` for `page_size` and `cursor`.

A page continues after the last row seen (keyset), so that it costs the same however deep it lies, nothing is
counted, and rows that come meanwhile shift no page.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import orjson
from django.core.exceptions import FieldDoesNotExist
from django.core.exceptions import ValidationError as BadValue
from django.db.models import F, Field, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from accounts.api.fields import Parameters, refuse

MOST_ROWS = 10_000
PAGE_ROWS = 100
MOST_SKIPPED = 2**31

# A dict of `QuerySet.values()`, or an instance where there are few.
Row = Any


class ListParameters(Parameters):
    skip = serializers.IntegerField(required=False, min_value=0, max_value=MOST_SKIPPED, help_text="Rows to leave out")
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ROWS, help_text="Most rows to answer")
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_ROWS, help_text="Asks for pages of this size instead of an array"
    )
    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="Where a page begins: from next or previous"
    )
    ordering = serializers.CharField(
        required=False, max_length=200, help_text="Names to order by, separated by commas; a minus turns one round"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if attrs.keys() & {"skip", "limit"} and attrs.keys() & {"page_size", "cursor"}:
            raise refuse("page_size", "mixed", _("Use either skip and limit, or page_size and cursor."))
        return attrs


@dataclass(frozen=True)
class Listing:
    """How a list is ordered, cut and shown.

    `shape` makes the answer of a row; it may change a dict in place. `unknown_last` names the columns that may be NULL.
    """

    orderings: tuple[str, ...]
    default: str
    limit: int = MOST_ROWS
    unknown_last: tuple[str, ...] = ()
    shape: Callable[[Row], dict[str, Any]] = field(default=lambda row: row)

    def answer(self, request: Request, rows: QuerySet[Any, Any], parameters: dict[str, Any]) -> Response:
        ordering = parameters.get("ordering", self.default)
        keys = self._keys(ordering)
        if parameters.keys() & {"page_size", "cursor"}:
            return Response(self._page(request, rows, keys, ordering, parameters))
        skip = parameters.get("skip", 0)
        chosen = rows.order_by(*self._order(keys))[skip : skip + parameters.get("limit", self.limit)]
        return Response([self.shape(row) for row in chosen])

    def _keys(self, ordering: str) -> list[tuple[str, bool]]:
        """(column, descending) of each part, ended by the id so that no two rows are equal."""
        keys: list[tuple[str, bool]] = []
        for part in ordering.split(","):
            name = part.strip()
            column = name.removeprefix("-")
            if column not in self.orderings:
                known = ", ".join(self.orderings)
                detail = _("Cannot order by “%(name)s”. Known: %(known)s.") % {"name": column, "known": known}
                raise refuse("ordering", "unknown_ordering", detail)
            if column not in dict(keys):
                keys.append((column, name.startswith("-")))
        return keys if "id" in dict(keys) else [*keys, ("id", False)]

    def _order(self, keys: list[tuple[str, bool]], *, backwards: bool = False) -> list[Any]:
        order: list[Any] = []
        for column, descending in keys:
            down = descending != backwards
            if column in self.unknown_last:
                expression = F(column)
                ends = {"nulls_first": True} if backwards else {"nulls_last": True}
                order.append(expression.desc(**ends) if down else expression.asc(**ends))
            else:
                order.append(f"-{column}" if down else column)
        return order

    def _page(
        self,
        request: Request,
        rows: QuerySet[Any, Any],
        keys: list[tuple[str, bool]],
        ordering: str,
        parameters: dict[str, Any],
    ) -> dict[str, Any]:
        size = parameters.get("page_size", PAGE_ROWS)
        backwards, values = False, None
        if cursor := parameters.get("cursor"):
            backwards, values = _read_cursor(cursor, rows.model, ordering, keys)
            rows = rows.filter(self._beyond(keys, values, backwards))
        found = list(rows.order_by(*self._order(keys, backwards=backwards))[: size + 1])
        more = len(found) > size
        found = found[:size]
        if backwards:
            found.reverse()
        # A page reached from one side has something on that side, whatever lies on the other.
        has_next, has_previous = (True, more) if backwards else (more, values is not None)
        url = request.build_absolute_uri()

        def link(row: Row, *, back: bool) -> str:
            return replace_query_param(url, "cursor", _write_cursor(row, ordering, keys, back))

        links = {
            "next": link(found[-1], back=False) if found and has_next else None,
            "previous": link(found[0], back=True) if found and has_previous else None,
        }
        if values is not None and not found:
            links["previous" if not backwards else "next"] = remove_query_param(url, "cursor")
        return {**links, "results": [self.shape(row) for row in found]}

    def _beyond(self, keys: list[tuple[str, bool]], values: list[Any], backwards: bool) -> Q:
        """Rows after `values` in the order of `keys` (before them when `backwards`)."""
        beyond = Q(pk__in=[])
        same = Q()
        for (column, descending), value in zip(keys, values, strict=True):
            nullable = column in self.unknown_last
            if value is None:
                if backwards:
                    beyond |= same & Q(**{f"{column}__isnull": False})
                same &= Q(**{f"{column}__isnull": True})
                continue
            step = Q(**{f"{column}__{'lt' if descending != backwards else 'gt'}": value})
            if nullable and not backwards:
                step |= Q(**{f"{column}__isnull": True})
            beyond |= same & step
            same &= Q(**{column: value})
        column, descending = keys[0]
        if values[0] is not None and column not in self.unknown_last:
            # Says nothing new, but lets the database begin in the middle of its index.
            beyond &= Q(**{f"{column}__{'lte' if descending != backwards else 'gte'}": values[0]})
        return beyond


def _write_cursor(row: Row, ordering: str, keys: Iterable[tuple[str, bool]], back: bool) -> str:
    read = row.get if isinstance(row, dict) else partial(getattr, row)
    values = [None if (value := read(column)) is None else str(value) for column, _descending in keys]
    return urlsafe_b64encode(orjson.dumps([ordering, int(back), *values])).decode().rstrip("=")


def first_value(cursor: str) -> str | None:
    """By what the first name of the ordering continues; None for a cursor that goes back, or is none."""
    try:
        _told, back, value, *_others = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        return None
    return value if back == 0 and isinstance(value, str) else None


def _read_cursor(text: str, model: type[Model], ordering: str, keys: list[tuple[str, bool]]) -> tuple[bool, list[Any]]:
    try:
        told, back, *values = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if told != ordering or len(values) != len(keys) or back not in (0, 1):
            raise ValueError
        read = [
            None if value is None else _as_stored(model, column, value)
            for value, (column, _descending) in zip(values, keys, strict=True)
        ]
    except (ValueError, TypeError, binascii.Error, BadValue):
        detail = _("The cursor is not one of this list. Take it from next or previous, with the same ordering.")
        raise refuse("cursor", "invalid_cursor", detail) from None
    return bool(back), read


def _as_stored(model: type[Model], column: str, value: str) -> Any:
    try:
        return cast("Field[Any, Any]", model._meta.get_field(column)).to_python(value)
    except FieldDoesNotExist:  # an annotation: the name of something else
        return str(value)


def page_of(name: str, item: type[serializers.Serializer[Any]]) -> Any:
    """For the schema: an array of `item`, or a page of them."""
    from drf_spectacular.utils import PolymorphicProxySerializer

    page = type(
        f"{name}Page",
        (serializers.Serializer,),
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": item(many=True),
        },
    )
    return PolymorphicProxySerializer(f"{name}List", [item(many=True), page], resource_type_field_name=None, many=False)
