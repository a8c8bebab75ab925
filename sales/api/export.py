"""Sales as files: CSV for programs or for Excel, and XLSX."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Case, DecimalField, F, Func, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf, Replace
from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from accounts.api.fields import refuse
from accounts.api.files import FILES, AlwaysJson
from accounts.api.views import ApiView
from accounts.permissions import requires
from accounts.tables import MOST_XLSX_ROWS, Style, csv_copied, csv_pieces_response, table_response, text_cell
from departments.api.lookup import chosen_departments
from departments.models import Department
from departments.querysets import DepartmentQuerySet
from sales.api.serializers import ExportParameters
from sales.choices import DayState
from sales.models import SalesByHour, SalesSummary
from sales.money import rounded

DAYS = (
    "date",
    "department_id",
    "department_name",
    "total_sales",
    "revenue",
    "gross",
    "orders",
    "guests",
    "state",
    "currency",
)
HOURS = (
    "date",
    "department_id",
    "department_name",
    "hour",
    "sales_amount",
    "revenue",
    "gross",
    "orders",
    "guests",
    "currency",
)
MONEY = {"total_sales", "sales_amount", "revenue", "gross"}
PATHS = {"department_name": "department__name", "currency": "money"}
ROWS_AT_ONCE = 2000
# What a person reads above the columns; a program reads their names.
TITLES = {
    "date": _("Date"),
    "department_id": _("Id of the department"),
    "department_name": _("Department"),
    "hour": _("Hour"),
    "total_sales": _("Sales"),
    "sales_amount": _("Sales"),
    "revenue": _("Revenue"),
    "gross": _("Gross"),
    "orders": _("Receipts"),
    "guests": _("Guests"),
    "state": _("State"),
    "currency": _("Currency"),
}


class Export(ApiView):
    kind: str

    content_negotiation_class = AlwaysJson
    permission_classes = [requires("sales.view_salesbyhour")]

    def get(self, request: Request) -> StreamingHttpResponse:
        """Daily or hourly sales as a file that is safe to open in a spreadsheet, oldest first."""
        parameters = ExportParameters.read(request)
        rows: Any = SalesByHour.objects.all() if parameters["hours"] else SalesSummary.objects.all()
        columns = HOURS if parameters["hours"] else DAYS
        first, last = parameters.get("from_date"), parameters.get("to_date")
        rows = rows.visible_to(request.user).between(first, last)
        if parameters.keys() & {"department_id", "departments"}:
            rows = rows.filter(department__in=list(chosen_departments(request, parameters)))
        if self.kind == "xlsx" and rows.count() > MOST_XLSX_ROWS:
            said = _("A sheet holds %(most)s rows, and these are more. Ask for a shorter period, or for CSV.")
            raise refuse("to_date", "too_many_rows", said % {"most": MOST_XLSX_ROWS})
        order = ("date", "department_id", "hour") if parameters["hours"] else ("date", "department_id")
        rows = rows.order_by(*order).annotate(money=_currency(Department.objects.visible_to(request.user)))
        for_people = self.kind == "xlsx" or parameters["style"] == Style.EXCEL
        titles = [str(TITLES[name]) if for_people else name for name in columns]
        name = "_".join(str(part) for part in ("sales", first, last) if part)
        if self.kind == "csv" and connection.vendor == "postgresql":
            return csv_pieces_response(
                name, csv_copied(titles, _cells(rows, columns, parameters["style"]), parameters["style"])
            )
        found = rows.values_list(*(PATHS.get(column, column) for column in columns))
        lines = _lines(found.iterator(ROWS_AT_ONCE), columns, in_words=for_people)
        return table_response(self.kind, name, titles, lines, parameters["style"])


def _lines(rows: Iterator[tuple[Any, ...]], columns: tuple[str, ...], *, in_words: bool) -> Iterator[list[Any]]:
    """Money with two places; a state as people call it."""
    money = [number for number, name in enumerate(columns) if name in MONEY]
    state = columns.index("state") if in_words and "state" in columns else None
    for row in rows:
        line = list(row)
        for number in money:
            line[number] = rounded(line[number])
        if state is not None:
            line[state] = str(DayState(line[state]).label)
        yield line


def _cells(rows: Any, columns: tuple[str, ...], style: str) -> Any:
    """The same lines as PostgreSQL makes them, every value a cell as `accounts.tables.cell` writes it."""
    cells: dict[str, Any] = {"department_name": text_cell("department__name")}
    for column in MONEY & set(columns):
        cells[column] = Cast(column, DecimalField(max_digits=18, decimal_places=2))  # rounds as Round does, and sooner
        if style == Style.EXCEL:
            cells[column] = Replace(Cast(cells[column], TextField()), Value("."), Value(","), output_field=TextField())
    if style == Style.EXCEL:
        cells["date"] = Func("date", Value("DD.MM.YYYY"), function="to_char", output_field=TextField())
        if "state" in columns:
            labels = [When(state=state.value, then=Value(str(state.label))) for state in DayState]
            cells["state"] = Case(*labels, output_field=TextField())
    return rows.values_list(*(cells.get(column, F(PATHS.get(column, column))) for column in columns))


def _currency(departments: DepartmentQuerySet) -> Any:
    """Of a row's money. Almost always there is only one, and no row is asked for its own."""
    codes = set(departments.currencies().values())
    if len(codes) == 1:
        return Value(codes.pop())
    own = NullIf("department__currency", Value(""))
    return Coalesce(own, "department__organisation__currency")


def _documented(kind: str) -> Any:
    described = extend_schema(operation_id=f"sales_export_{kind}", parameters=[ExportParameters], responses=FILES[kind])
    return extend_schema_view(get=described)


@_documented("csv")
class ExportCsv(Export):
    kind = "csv"


@_documented("xlsx")
class ExportXlsx(Export):
    kind = "xlsx"
