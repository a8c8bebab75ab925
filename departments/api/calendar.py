"""The calendar: holidays of the chain, closures of branches, events; and all of it as a file."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import NumberInPath, refuse
from accounts.api.files import FILES, AlwaysJson
from accounts.api.lists import Listing, page_of
from accounts.api.schema import ID_IN_PATH
from accounts.api.views import ApiView
from accounts.permissions import by_method, requires
from accounts.tables import Style, csv_response
from departments.api import calendar_serializers as shapes
from departments.api.lookup import department_or_404
from departments.api.refusals import Conflict, saying_why
from departments.calendar_edit import add_row, change_row, delete_row
from departments.calendar_file import MOST_BYTES, calendar_lines, import_calendar
from departments.models import BEGINNING, Closure, Department, Event, Holiday


@contextmanager
def _refusing() -> Iterator[None]:
    """What concerns the whole chain is 403 for who sees a part of it; the rest as everywhere."""
    try:
        with saying_why():
            yield
    except Conflict as conflict:
        raise PermissionDenied(conflict.detail) from conflict


class Kind(ApiView):
    """What the three have in common."""

    model: ClassVar[Any]
    shown: ClassVar[type[serializers.Serializer[Any]]]
    written: ClassVar[type[serializers.Serializer[Any]]]

    def mine(self) -> QuerySet[Any]:
        """Rows of the chain as a whole and of departments the person may see."""
        rows = self.model.objects.filter(organisation=self.organisation())
        if self.model is Holiday:
            return rows  # type: ignore[no-any-return]
        seen = Department.objects.visible_to(self.request.user)
        return rows.filter(Q(department=None) | Q(department__in=seen))  # type: ignore[no-any-return]

    def row(self, pk: str) -> Any:
        number = NumberInPath.check({"id": pk})["id"]
        if (row := self.mine().select_related("organisation").filter(pk=number).first()) is None:
            raise NotFound
        return row

    def read(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """The fields of the body, with `department` as one that the person may see."""
        body = self.written(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        if values.get("known_from", ...) is None:
            values["known_from"] = BEGINNING
        if "department_id" in values:
            pk = values.pop("department_id")
            seen = Department.objects.visible_to(request.user).filter(organisation=self.organisation())
            values["department"] = seen.filter(pk=pk).first() if pk else None
            if pk and values["department"] is None:
                raise refuse("department_id", "does_not_exist", _("There is no such department."))
        if self.model is Holiday and not partial:
            values["key"] = values.get("key") or values["name"][:100]
        return values

    def answer(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        row = _shown(self.model.objects.values(*self.shown().fields).get(pk=pk))
        return Response(row, code)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    if row["known_from"] == BEGINNING:
        row["known_from"] = None
    return row


class Rows(Kind):
    listing: ClassVar[Listing]

    def get(self, request: Request) -> Response:
        parameters = shapes.CalendarParameters.read(request)
        rows = self._between(self.mine(), parameters.get("from_date"), parameters.get("to_date"))
        if pk := parameters.get("department_id"):
            department = department_or_404(request, pk)
            if self.model is not Holiday:
                rows = rows.filter(Q(department=None) | Q(department=department))
        return self.listing.answer(request, rows.values(*self.shown().fields), parameters)

    def post(self, request: Request) -> Response:
        values = self.read(request)
        with _refusing():
            row = add_row(self.model, self.organisation(), values, by=self.person())
        response = self.answer(row.pk, status.HTTP_201_CREATED)
        response["Location"] = f"{request.path.rstrip('/')}/{row.pk}"
        return response

    def _between(self, rows: QuerySet[Any], first: dt.date | None, last: dt.date | None) -> QuerySet[Any]:
        """Those that touch the days."""
        begins, ends = ("date", "date") if self.model is Holiday else ("first", "last")
        if first:
            after = Q(**{f"{ends}__gte": first})
            rows = rows.filter(after | Q(last=None) if self.model is Closure else after)
        return rows.filter(**{f"{begins}__lte": last}) if last else rows


class OneRow(Kind):
    def get(self, request: Request, pk: str) -> Response:
        return self.answer(self.row(pk).pk)

    def put(self, request: Request, pk: str) -> Response:
        return self._write(request, pk, partial=False)

    def patch(self, request: Request, pk: str) -> Response:
        return self._write(request, pk, partial=True)

    def delete(self, request: Request, pk: str) -> Response:
        row = self.row(pk)
        with _refusing():
            delete_row(row, by=self.person())
        return Response({"status": "deleted", "message": _("%(row)s was deleted.") % {"row": row}})

    def _write(self, request: Request, pk: str, *, partial: bool) -> Response:
        row = self.row(pk)
        values = self.read(request, partial=partial)
        with _refusing():
            change_row(row, values, by=self.person())
        return self.answer(row.pk)


def _documented(name: str, words: str, shown: Any, written: Any) -> tuple[Any, Any]:
    many = extend_schema_view(
        get=extend_schema(
            operation_id=f"calendar_{name}s",
            description=f"{words}, the newest first; from_date and to_date name the days they touch.",
            parameters=[shapes.CalendarParameters],
            responses=page_of(name.capitalize(), shown),
        ),
        post=extend_schema(
            operation_id=f"calendar_{name}_create",
            description="What it explains is judged again by itself: doubted days of sales need no decision then.",
            request=written,
            responses={201: shown},
        ),
    )
    one = extend_schema_view(
        get=extend_schema(operation_id=f"calendar_{name}_read", parameters=ID_IN_PATH, responses=shown),
        put=extend_schema(
            operation_id=f"calendar_{name}_replace", parameters=ID_IN_PATH, request=written, responses=shown
        ),
        patch=extend_schema(
            operation_id=f"calendar_{name}_change", parameters=ID_IN_PATH, request=written, responses=shown
        ),
        delete=extend_schema(
            operation_id=f"calendar_{name}_delete", parameters=ID_IN_PATH, responses={200: shapes.CalendarDeleted}
        ),
    )
    return many, one


def _rights(name: str) -> dict[str, str]:
    rights = {"GET": "view", "POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}
    return {method: f"departments.{right}_{name}" for method, right in rights.items()}


_holidays, _holiday = _documented("holiday", "Days of the calendar", shapes.HolidayShown, shapes.HolidayWritten)
_closures, _closure = _documented(
    "closure", "Days on which branches do not sell", shapes.ClosureShown, shapes.ClosureWritten
)
_events, _event = _documented("event", "Promotions and events known ahead", shapes.EventShown, shapes.EventWritten)


class OfHolidays(Kind):
    model, shown, written = Holiday, shapes.HolidayShown, shapes.HolidayWritten


class OfClosures(Kind):
    model, shown, written = Closure, shapes.ClosureShown, shapes.ClosureWritten


class OfEvents(Kind):
    model, shown, written = Event, shapes.EventShown, shapes.EventWritten


@_holidays
class Holidays(OfHolidays, Rows):
    permission_classes = [by_method(**_rights("holiday"))]
    listing = Listing(orderings=("date", "key", "name", "id"), default="-date", shape=_shown)


@_holiday
class OneHoliday(OfHolidays, OneRow):
    permission_classes = [by_method(**_rights("holiday"))]


@_closures
class Closures(OfClosures, Rows):
    permission_classes = [by_method(**_rights("closure"))]
    listing = Listing(orderings=("first", "id"), default="-first", shape=_shown)


@_closure
class OneClosure(OfClosures, OneRow):
    permission_classes = [by_method(**_rights("closure"))]


@_events
class Events(OfEvents, Rows):
    permission_classes = [by_method(**_rights("event"))]
    listing = Listing(orderings=("first", "last", "kind", "name", "id"), default="-first", shape=_shown)


@_event
class OneEvent(OfEvents, OneRow):
    permission_classes = [by_method(**_rights("event"))]


class ImportCalendar(ApiView):
    permission_classes = [by_method(POST="departments.add_holiday")]
    parser_classes = [MultiPartParser]

    def check_permissions(self, request: Request) -> None:
        """A file holds all three, and changes what is there."""
        super().check_permissions(request)
        needed = [
            f"departments.{right}_{name}" for right in ("add", "change") for name in ("holiday", "closure", "event")
        ]
        if not request.user.has_perms(needed):
            self.permission_denied(request)

    @extend_schema(
        operation_id="calendar_import",
        request={"multipart/form-data": shapes.CalendarUpload},
        responses=shapes.CalendarImported,
    )
    def post(self, request: Request) -> Response:
        """Take over a CSV as the export writes it: all of it, or nothing and every wrong line. Twice changes nothing."""
        asked = shapes.CalendarUpload(data=request.data)
        asked.is_valid(raise_exception=True)
        content = asked.validated_data["file"].read(MOST_BYTES + 1)
        result = import_calendar(content, organisation=self.organisation(), by=self.person())
        if result.errors:
            told = [f"{_('Line %(line)s') % {'line': line}}: {text}" if line else text for line, text in result.errors]
            raise ValidationError({"file": [ErrorDetail(text, "bad_file") for text in told]})
        return Response({"added": result.added, "changed": result.changed, "unchanged": result.unchanged})


class ExportCalendar(ApiView):
    content_negotiation_class = AlwaysJson
    permission_classes = [requires("departments.view_holiday")]

    @extend_schema(operation_id="calendar_export", parameters=[shapes.CalendarFile], responses=FILES["csv"])
    def get(self, request: Request) -> StreamingHttpResponse:
        """The whole calendar one may see, as the import reads it."""
        style = shapes.CalendarFile.read(request)["style"]
        names, *rows = calendar_lines(self.organisation(), self.person())
        return csv_response("calendar", names, rows, Style(style))
