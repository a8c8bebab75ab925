"""Single sales as files: CSV for programs or for Excel, and XLSX. A file is made row by row, whatever its size."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Cast, Replace, Round
from django.http import StreamingHttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api.fields import refuse
from accounts.api.files import FILES, AlwaysJson
from accounts.api.views import ApiView
from accounts.permissions import requires
from accounts.tables import MOST_XLSX_ROWS, Style, csv_copied, csv_pieces_response, table_response, text_cell
from items.api.record_fields import MONEY, RecordFilters
from items.api.records import chosen
from items.models import SaleLine
from sales.money import rounded

# Column of the file: path of the value.
COLUMNS = {
    "id": "id",
    "tenant_id": "organisation_id",
    "sale_date": "date",
    "sale_timestamp": "sold_at",
    "department_id": "department_id",
    "department_name": "department__name",
    "product_id": "product_id",
    "product_code": "product__code",
    "product_name": "product__name",
    "quantity": "quantity",
    "unit_price": "unit_price",
    "discount_amount": "discount",
    "tax_amount": "tax",
    "total_amount": "total",
    "currency": "currency",
    "channel": "channel",
    "location": "location",
    "customer_id": "customer",
    "transaction_id": "transaction_id",
    "payment_method": "payment_method",
    "notes": "notes",
    "metadata": "metadata",
}
TEXTS = {
    "department_name", "product_code", "product_name", "currency", "channel", "location", "customer_id",
    "transaction_id", "payment_method", "notes",
}  # fmt: skip
# What a person reads above columns that have no name of their own.
TITLES = {
    "id": "id",
    "tenant_id": _("Organisation"),
    "department_id": _("Id of the department"),
    "department_name": _("Department"),
    "product_id": _("Id of the product"),
    "product_code": _("Code"),
    "product_name": _("Product"),
}
NUMBERS = {*MONEY, "quantity"}
ROWS_AT_ONCE = 2000


class RecordExportParameters(RecordFilters):
    style = serializers.ChoiceField(  # type: ignore[assignment]
        Style.choices, default=Style.PLAIN, help_text="Of a CSV: plain for programs, excel as a Russian Excel opens it"
    )


class RecordExport(ApiView):
    kind: str

    content_negotiation_class = AlwaysJson
    permission_classes = [requires("items.view_saleline")]

    def get(self, request: Request) -> StreamingHttpResponse:
        """Single sales as a file that is safe to open in a spreadsheet, oldest date first."""
        parameters = RecordExportParameters.read(request)
        rows: Any = chosen(self, parameters)
        if self.kind == "xlsx" and rows.count() > MOST_XLSX_ROWS:
            said = _("A sheet holds %(most)s rows, and these are more. Ask for a shorter period, or for CSV.")
            raise refuse("to_date", "too_many_rows", said % {"most": MOST_XLSX_ROWS})
        rows = rows.order_by("date", "department_id", "id")
        style = parameters["style"]
        for_people = self.kind == "xlsx" or style == Style.EXCEL
        titles = [_title(name) if for_people else name for name in COLUMNS]
        name = "_".join(
            str(part) for part in ("records", parameters.get("from_date"), parameters.get("to_date")) if part
        )
        if self.kind == "csv" and connection.vendor == "postgresql":
            return csv_pieces_response(name, csv_copied(titles, cells(rows, style), style))
        found = rows.values_list(*COLUMNS.values()).iterator(ROWS_AT_ONCE)
        return table_response(self.kind, name, titles, _lines(found), style)


def cells(rows: Any, style: str) -> Any:
    """The rows as PostgreSQL makes them, every value a cell as `accounts.tables.cell` writes it."""
    made: dict[str, Any] = {name: text_cell(COLUMNS[name]) for name in TEXTS}
    for name in NUMBERS:
        made[name] = F(COLUMNS[name]) if name == "quantity" else Round(COLUMNS[name], precision=2)
        if style == Style.EXCEL:
            made[name] = Replace(Cast(made[name], TextField()), Value("."), Value(","), output_field=TextField())
    if style == Style.EXCEL:
        made["sale_date"] = Func("date", Value("DD.MM.YYYY"), function="to_char", output_field=TextField())
    made["metadata"] = Cast("metadata", TextField())
    return rows.values_list(*(made.get(name, F(path)) for name, path in COLUMNS.items()))


def _lines(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[Any]]:
    """Money with two places, instants in UTC, other fields as JSON."""
    names = list(COLUMNS)
    money = [names.index(name) for name in MONEY]
    instant, other = names.index("sale_timestamp"), names.index("metadata")
    for row in rows:
        line = list(row)
        for number in money:
            line[number] = rounded(line[number])
        line[instant] = line[instant] and _in_utc(line[instant])
        line[other] = None if line[other] is None else json.dumps(line[other], ensure_ascii=False)
        yield line


def _in_utc(moment: dt.datetime) -> str:
    """As PostgreSQL writes it: a fraction of a second only where there is one."""
    text = str(moment.astimezone(dt.UTC).replace(tzinfo=None))
    return (text.rstrip("0") if "." in text else text) + "+00"


def _title(name: str) -> str:
    """What a person reads above the column; a program reads its name."""
    if name in TITLES:
        return str(TITLES[name])
    field: Any = SaleLine._meta.get_field(COLUMNS[name])
    return str(capfirst(field.verbose_name))


def _documented(kind: str, name: str) -> Any:
    described = extend_schema(
        operation_id=f"sales_records_export_{name}", parameters=[RecordExportParameters], responses=FILES[kind]
    )
    return extend_schema_view(get=described)


@_documented("csv", "csv")
class ExportCsv(RecordExport):
    kind = "csv"


@_documented("xlsx", "excel")
class ExportExcel(RecordExport):
    kind = "xlsx"
