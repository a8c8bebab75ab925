"""Single sales: create, list, correct, delete; what would be refused; what may have been recorded twice."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import DateField
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import ExactJson
from accounts.api.lists import PAGE_ROWS, Listing, first_value, page_of
from accounts.api.schema import ErrorAnswer
from accounts.api.views import ApiView
from accounts.models import Organisation
from accounts.permissions import by_method, requires
from departments.api.lookup import department_or_404
from departments.api.refusals import Conflict
from departments.choices import Kind
from departments.timing import organisation_today
from items.api import record_fields as fields
from items.api.attempts import KEY, REFUSALS, DeliveryView, unfit
from items.checks import Unfit, identifier
from items.choices import Grain
from items.clients import client_name
from items.deliveries import Effect
from items.duplicates import like_stored, pair_confidence, stored_pairs
from items.keys import line_id
from items.lines import Line
from items.models import ItemDay, ItemSource, SaleLine
from items.places import Places
from items.querysets import LineQuerySet
from items.records import Read, Reader, records_of
from items.sources import by_hand
from items.store import Stored, remove_lines, store_lines
from runs.sentences import sentence

ID = [OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
DUPLICATES_OF_DAYS = 7


def tenant(view: ApiView, pk: UUID | None) -> Organisation:
    """The organisation that is meant: one of the caller's own. Raises PermissionDenied."""
    own = view.organisation()
    if pk is None or pk == own.pk:
        return own
    other = None if view.request.auth else Organisation.objects.visible_to(view.request.user).filter(pk=pk).first()
    if other is None:
        raise PermissionDenied(_("You do not belong to this organisation."))
    return other


def chosen(view: ApiView, parameters: dict[str, Any]) -> LineQuerySet:
    """The lines that the filters name, of what may be seen. Raises NotFound, PermissionDenied."""
    rows: Any = SaleLine.objects.visible_to(view.request.user)
    rows = rows.between(parameters.get("from_date"), parameters.get("to_date"))
    if "tenant_id" in parameters:
        rows = rows.filter(organisation=tenant(view, parameters["tenant_id"]))
    if pk := parameters.get("department_id"):
        rows = rows.filter(department=department_or_404(view.request, pk))
    for name, column in (("product_id", "product"), ("product_code", "product__code"), ("channel", "channel"),
                         ("transaction_id", "transaction_id")):  # fmt: skip
        if name in parameters:
            rows = rows.filter(**{column: parameters[name]})
    found: LineQuerySet = rows if parameters.get("include_deleted") else rows.standing()
    return found


class RecordWriter(DeliveryView):
    grain = Grain.LINE

    def client_source(self, organisation: Organisation) -> ItemSource:
        """A person's records are those typed by hand; a program has a source of its own."""
        return super().client_source(organisation) if self.request.auth else by_hand(organisation)

    def source_of_body(self, source: ItemSource, body: Any) -> ItemSource:
        pk = _tenant_of(body)
        organisation = self.organisation() if pk is None else tenant(self, pk)
        return source if organisation.pk == source.organisation_id else self.client_source(organisation)

    def reader(self, source: ItemSource, records: Sequence[Any]) -> Reader:
        return Reader(source.organisation, Places(self.person(), source.organisation, source), records)


class Records(RecordWriter):
    permission_classes = [requires("items.view_saleline", "items.add_saleline")]
    what = "record"
    listing = Listing(
        orderings=("sale_date", "sale_timestamp", "quantity", "total_amount", "created_at", "updated_at", "id"),
        default="-sale_date",
        unknown_last=("sale_timestamp", "total_amount"),
        limit=1000,
        shape=fields.shape,
    )

    @extend_schema(
        operation_id="sales_records_list",
        parameters=[fields.RecordParameters],
        responses=page_of("Record", fields.RecordShown),
    )
    def get(self, request: Request) -> Response:
        """Single sales, the newest date first."""
        parameters = fields.RecordParameters.read(request)
        rows = _newest_enough(chosen(self, parameters), parameters, request)
        return self.listing.answer(request, fields.renamed(rows), parameters)

    @extend_schema(
        operation_id="sales_records_create",
        parameters=[KEY],
        request=fields.RecordWritten,
        responses={200: fields.RecordShown, 201: fields.RecordShown, **REFUSALS},
    )
    def post(self, request: Request) -> Any:
        """Record a sale: 201, or 200 when its receipt and line, or its external_id, were known already."""

        def work(source: ItemSource, body: Any) -> Effect:
            line = _line(self.reader(source, [body]).read(body))
            stored = store_lines(source, [line], user=self.person())
            answer = _shown(line_id(source.pk, line.date, line.external_id))
            return _effect(status.HTTP_201_CREATED if stored.inserted else status.HTTP_200_OK, answer, stored, [line])

        return self.deliver(request, work)


class Batch(RecordWriter):
    permission_classes = [requires("items.add_saleline", "items.add_saleline")]
    what = "batch"

    @extend_schema(
        operation_id="sales_records_batch",
        parameters=[fields.ModeParameters, KEY],
        request=fields.BatchWritten,
        responses={200: fields.BatchAnswer, **REFUSALS},
    )
    def post(self, request: Request) -> Any:
        """Record many sales. A wrong one is named and the others are stored; possible duplicates are named, never dropped."""

        def work(source: ItemSource, body: Any) -> Effect:
            mode = fields.ModeParameters.read(request)["mode"]
            records = records_of(body)
            reader = self.reader(source, records)
            read = [reader.read(record) for record in records]
            if mode == "all_or_nothing" and any(one.errors for one in read):
                raise _all_refused(read)
            return self._stored(source, read)

        return self.deliver(request, work)

    def _stored(self, source: ItemSource, read: list[Read]) -> Effect:
        taken = [(index, one.line) for index, one in enumerate(read) if one.line]
        lines = [line for _index, line in taken]
        ids = [line_id(source.pk, line.date, line.external_id) for line in lines]
        stored = store_lines(source, lines, user=self.person())
        different = len(set(ids))
        refused = len(read) - len(lines)
        answer = {
            "message": _("%(stored)s of %(received)s records are stored.")
            % {"stored": len(lines), "received": len(read)},
            "records": [{"index": index, "id": pk} for (index, _line), pk in zip(taken, ids, strict=True)],
            "errors": [{"index": index, "errors": _said(one)} for index, one in enumerate(read) if one.errors],
            "duplicates": _duplicates([index for index, _line in taken], ids, lines),
            "counts": {
                "received": len(read),
                "inserted": stored.inserted,
                "updated": stored.updated,
                "unchanged": stored.unchanged,
                "repeated": len(ids) - different,
                "refused": refused,
            },
        }
        errors = [no.as_error() | {"index": index} for index, one in enumerate(read) for no in one.errors[:1]]
        return _effect(status.HTTP_200_OK, answer, stored, lines, refused=refused, errors=errors)


class Validate(ApiView):
    permission_classes = [requires("items.add_saleline", "items.add_saleline")]
    parser_classes = [ExactJson]

    @extend_schema(
        operation_id="sales_records_validate",
        request=fields.BatchWritten,
        responses={200: fields.ValidationAnswer, 413: ErrorAnswer},
    )
    def post(self, request: Request) -> Response:
        """What would be refused of these records, and which look like others. Nothing is stored."""
        try:
            organisation = tenant(self, _tenant_of(request.data))
            records = records_of(request.data)
        except Unfit as no:
            raise unfit(no) from no
        client = client_name(self.person(), request.auth)
        source = ItemSource.objects.filter(organisation=organisation, client=client, grain=Grain.LINE).first()
        reader = Reader(organisation, Places(self.person(), organisation, source), records)
        read = [reader.read(record) for record in records]
        lines = [one.line for one in read if one.line]
        indexes = [index for index, one in enumerate(read) if one.line]
        ids = [line_id(source.pk if source else 0, line.date, line.external_id) for line in lines]
        return Response(
            {
                "is_valid": len(lines) == len(read),
                "total_records": len(read),
                "valid_records": len(lines),
                "records": [
                    {"index": index, "is_valid": not one.errors, "errors": _said(one)} for index, one in enumerate(read)
                ],
                "duplicates": _duplicates(indexes, ids, lines),
            }
        )


class Duplicates(ApiView):
    permission_classes = [requires("items.view_saleline")]

    @extend_schema(
        operation_id="sales_records_duplicates",
        parameters=[fields.DuplicateParameters],
        responses=fields.DuplicateShown(many=True),
    )
    def get(self, request: Request) -> Response:
        """Sales of the same product, quantity and total within five minutes, the newest first. No dates: the last 7 days."""
        parameters = fields.DuplicateParameters.read(request)
        if not parameters.keys() & {"from_date", "to_date"}:
            today = organisation_today(self.organisation())
            parameters["from_date"] = today - dt.timedelta(days=DUPLICATES_OF_DAYS)
        pairs = []
        for row in stored_pairs(chosen(self, parameters)).iterator(2000):
            sure = pair_confidence(row)
            if sure >= parameters["min_confidence"]:
                pairs.append(_pair(row, sure))
            if len(pairs) == parameters["limit"]:
                break
        return Response(pairs)


class OneRecord(RecordWriter):
    permission_classes = [
        by_method(GET="items.view_saleline", PUT="items.change_saleline", DELETE="items.delete_saleline")
    ]
    what = "correction"

    @extend_schema(operation_id="sales_records_read", parameters=ID, responses=fields.RecordShown)
    def get(self, request: Request, pk: str) -> Response:
        """One sale; a deleted one as well."""
        return Response(_shown(self._row(pk, SaleLine.objects.all()).pk))

    @extend_schema(
        operation_id="sales_records_replace",
        parameters=[*ID, KEY],
        request=fields.RecordWritten,
        responses={200: fields.RecordShown, 409: ErrorAnswer, **REFUSALS},
    )
    def put(self, request: Request, pk: str) -> Any:
        """Correct a sale: what is left out becomes empty. Its date stays; sales of a till server are corrected there."""
        row = self._row(pk, SaleLine.objects.standing())
        source = _own_source(row)
        if source.grain != Grain.LINE:
            raise Conflict(sentence("item_of_source", {"source": source}), "item_of_source")

        def work(source: ItemSource, body: Any) -> Effect:
            line = _line(self.reader(source, [body]).read(body, kept=(row.external_id, row.date)))
            stored = store_lines(source, [line], user=self.person())
            return _effect(status.HTTP_200_OK, _shown(row.pk), stored, [line])

        return self.deliver(request, work, source)

    @extend_schema(
        operation_id="sales_records_delete",
        parameters=[*ID, KEY],
        responses={200: fields.RecordDeleted, 409: ErrorAnswer, 422: ErrorAnswer},
    )
    def delete(self, request: Request, pk: str) -> Any:
        """Delete a sale: all sums are as if it had not been; the row is kept, marked as deleted."""
        row = self._row(pk, SaleLine.objects.standing())

        def work(source: ItemSource, body: Any) -> Effect:
            remove_lines(source, [row.pk], user=self.person())
            message = _("The sale of %(date)s was deleted.") % {"date": f"{row.date:%d.%m.%Y}"}
            return Effect(status.HTTP_200_OK, {"status": "deleted", "message": message, "id": row.pk}, dates=[row.date])

        return self.deliver(request, work, _own_source(row))

    def source_of_body(self, source: ItemSource, body: Any) -> ItemSource:
        return source

    def _row(self, pk: str, rows: Any) -> SaleLine:
        found: SaleLine | None = (
            rows.visible_to(self.request.user).filter(pk=fields.RecordInPath.check({"id": pk})["id"]).first()
        )
        if found is None:
            raise NotFound
        return found


def _own_source(row: SaleLine) -> ItemSource:
    """The source of the line, if people may change what it says. Raises Conflict."""
    source = ItemSource.objects.select_related("connection", "organisation").get(pk=row.connection_id)
    if source.connection.kind != Kind.PUSH:
        raise Conflict(sentence("item_of_source", {"source": source}), "item_of_source")
    return source


def _tenant_of(body: Any) -> UUID | None:
    """The organisation that a body names, or the first of its records. Raises ValidationError."""
    named = body if isinstance(body, dict) else {}
    if "tenant_id" not in named:
        records = named.get("records") if isinstance(body, dict) else body
        named = records[0] if isinstance(records, list) and records and isinstance(records[0], dict) else {}
    if named.get("tenant_id") is None:
        return None
    try:
        return identifier(named["tenant_id"], "tenant_id")
    except Unfit as no:
        raise unfit(no) from no


def _line(read: Read) -> Line:
    if read.line is None:
        raise ValidationError(
            {no.field: [ErrorDetail(sentence(no.code, no.params), no.code)] for no in read.errors}
        ) from read.errors[0]
    return read.line


def _all_refused(read: list[Read]) -> ValidationError:
    """Which records are wrong, as "records.3.quantity"."""
    wrong: dict[str, dict[str, list[ErrorDetail]]] = {}
    for index, one in enumerate(read):
        for no in one.errors:
            wrong.setdefault(str(index), {})[no.field] = [ErrorDetail(sentence(no.code, no.params), no.code)]
    return ValidationError({"records": wrong})


def _said(read: Read) -> list[dict[str, str]]:
    return [{"code": no.code, "detail": sentence(no.code, no.params), "attr": no.field} for no in read.errors]


def _duplicates(indexes: Sequence[int], ids: Sequence[UUID], lines: Sequence[Line]) -> list[dict[str, Any]]:
    if not settings.ENABLE_DUPLICATE_DETECTION:
        return []
    return [
        {
            "index": indexes[pair.position],
            "existing_record_id": pair.existing,
            "match_confidence": pair.match_confidence,
        }
        for pair in like_stored(ids, lines)
    ]


def _pair(row: dict[str, Any], sure: float) -> dict[str, Any]:
    return {
        "id": row["id"],
        "existing_record_id": row["existing_id"],
        "match_confidence": sure,
        "department_id": row["department_id"],
        "product_id": row["product_id"],
        "sale_date": row["date"],
        "sale_timestamp": row["sold_at"],
        "existing_sale_timestamp": row["existing_sold_at"],
        "quantity": fields.plain(row["quantity"]),
        "total_amount": fields.rounded(row["total"]),
    }


def _shown(pk: UUID) -> dict[str, Any]:
    return fields.shape(fields.renamed(SaleLine.objects.filter(pk=pk)).get())


def _effect(
    code: int,
    answer: Any,
    stored: Stored,
    lines: Sequence[Line],
    *,
    refused: int = 0,
    errors: list[dict[str, Any]] | None = None,
) -> Effect:
    return Effect(
        code,
        answer,
        inserted=stored.inserted,
        updated=stored.updated,
        unchanged=stored.unchanged,
        refused=refused,
        dates=[line.date for line in lines],
        errors=errors or [],
    )


def _newest_enough(rows: LineQuerySet, parameters: dict[str, Any], request: Request) -> LineQuerySet:
    """The rows that a page can want, told from the sums by day: millions of lines need not be put in order.

    Only for pages in the order of dates, without other filters than departments and dates; else all the rows.
    """
    narrowed = parameters.keys() & {"product_id", "product_code", "channel", "transaction_id"}
    if narrowed or parameters["include_deleted"] or parameters.get("ordering", "-sale_date") != "-sale_date":
        return rows
    days = ItemDay.objects.visible_to(request.user).between(parameters.get("from_date"), parameters.get("to_date"))
    if "cursor" in parameters:
        begins = DateField().to_python(first_value(parameters["cursor"]))
        if begins is None:
            return rows
        days = days.filter(date__lt=begins)  # and of that date all that is left
    if "tenant_id" in parameters:
        days = days.filter(organisation=parameters["tenant_id"])
    if "department_id" in parameters:
        days = days.filter(department=parameters["department_id"])
    paged = parameters.keys() & {"page_size", "cursor"}
    wanted = parameters.get("page_size", PAGE_ROWS) + 1 if paged else parameters.get("limit", 1000)
    wanted += parameters.get("skip", 0)
    oldest, missing = None, wanted
    for date, lines in days.order_by("-date").values_list("date", "lines").iterator(500):
        if missing <= 0 and date != oldest:
            break
        oldest, missing = date, missing - lines
    if oldest is None or missing > 0:
        return rows
    newest = rows.filter(date__gte=oldest)
    # Sums may be a moment behind the lines: nobody's list ends early for that.
    return newest if newest.order_by()[:wanted].count() == wanted else rows
