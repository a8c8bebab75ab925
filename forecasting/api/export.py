"""Forecasts as files: CSV for programs or for Excel, and XLSX."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from accounts.api.files import FILES, AlwaysJson
from accounts.api.views import ApiView
from accounts.permissions import requires
from accounts.tables import Style, table_response
from departments.models import Department
from departments.timing import organisation_today
from forecasting.api import serializers
from forecasting.api.views import BATCH, COMPARED, compare_asked, compared, newest, shaped

INTERVALS = ("lower_80", "upper_80", "lower_95", "upper_95")
# What a person reads above the columns; a program reads their names.
TITLES = {
    "date": _("Date"),
    "department_id": _("Id of the department"),
    "department_name": _("Department"),
    "predicted_sales": _("Forecast"),
    "actual_sales": _("Actual"),
    "error": _("Error"),
    "error_percentage": _("Error, %"),
    "lower_80": _("Lower bound, 80 %"),
    "upper_80": _("Upper bound, 80 %"),
    "lower_95": _("Lower bound, 95 %"),
    "upper_95": _("Upper bound, 95 %"),
    "rule": _("Rule"),
    "model_version": _("Model"),
    "cutoff": _("Data up to"),
    "made_at": _("Made"),
    "state": _("State"),
    "settled": _("Settled"),
    "currency": _("Currency"),
}


class Export(ApiView):
    kind: str

    permission_classes = [requires("forecasting.view_forecast")]
    content_negotiation_class = AlwaysJson

    def get(self, request: Request) -> StreamingHttpResponse:
        """Forecasts as a file that is safe to open in a spreadsheet, with or without intervals and the figures sold."""
        parameters = serializers.ExportParameters.read(request)
        today = organisation_today(self.organisation())
        rows: Iterable[dict[str, Any]]
        if parameters["include_actual"]:
            columns: Sequence[str] = COMPARED
            rows = map(compared, compare_asked(request, parameters, today))
        else:
            columns = BATCH
            found = newest(request, parameters, today).order_by("date", "department_name", "id")
            rows = map(shaped, found.iterator())
        if not parameters["include_intervals"]:
            columns = [name for name in columns if name not in INTERVALS]
        for_people = self.kind == "xlsx" or parameters["style"] == Style.EXCEL
        titles = [str(TITLES[name]) if for_people else name for name in (*columns, "currency")]
        first, last = parameters.get("from_date", today), parameters.get("to_date", "")
        money = Department.objects.visible_to(request.user).currencies()
        lines = ([*(row[name] for name in columns), money[row["department_id"]]] for row in rows)
        return table_response(self.kind, f"forecast_{first}_{last}", titles, lines, parameters["style"])


def _documented(kind: str) -> Any:
    described = extend_schema(
        operation_id=f"forecast_export_{kind}", parameters=[serializers.ExportParameters], responses=FILES[kind]
    )
    return extend_schema_view(get=described)


@_documented("csv")
class ExportCsv(Export):
    kind = "csv"


@_documented("xlsx")
class ExportXlsx(Export):
    kind = "xlsx"
