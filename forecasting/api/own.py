"""Forecasts of one's own, scored beside ours."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import WorkView
from accounts.permissions import requires
from forecasting.api import serializers
from forecasting.models import OwnForecasts
from forecasting.own_forecasts import MOST_BYTES, read_forecasts, start_scoring
from runs.api.starting import answer, responses
from runs.choices import Trigger


class OwnForecastsView(WorkView):
    permission_classes = [requires("forecasting.view_modelversion", "forecasting.view_modelversion")]
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="forecast_own_list", responses=serializers.OwnForecastsShown(many=True))
    def get(self, request: Request) -> Response:
        """What one uploaded before, newest first, and how it was scored."""
        found = OwnForecasts.objects.visible_to(request.user).filter(organisation=self.organisation()).defer("rows")
        return Response([_shown(own) for own in found])

    @extend_schema(
        operation_id="forecast_own_upload",
        request={"multipart/form-data": serializers.OwnForecastsUpload},
        responses=responses(serializers.OwnForecastsShown),
    )
    def post(self, request: Request) -> Response:
        """Upload a CSV `date,department,forecast[,lower_80,upper_80]`, scored beside ours on the same days."""
        asked = serializers.OwnForecastsUpload(data=request.data)
        asked.is_valid(raise_exception=True)
        file, days_before = asked.validated_data["file"], asked.validated_data["days_before"]
        read = read_forecasts(file.read(MOST_BYTES + 1), organisation=self.organisation(), by=self.person())
        if read.errors:
            raise ValidationError({"file": [ErrorDetail(_told(*error), "bad_file") for error in read.errors]})
        own, run = start_scoring(
            read.rows,
            organisation=self.organisation(),
            by=self.person(),
            name=file.name,
            days_before=days_before,
            trigger=Trigger.API,
        )
        return answer(request, run, lambda _run: _shown(OwnForecasts.objects.get(pk=own.pk)))


def _told(line: int, text: str) -> str:
    return f"{_('Line %(line)s') % {'line': line}}: {text}" if line else text


def _shown(own: OwnForecasts) -> dict[str, Any]:
    result = own.result
    return {
        "id": own.pk,
        "name": own.name,
        "days_before": own.days_before,
        "created_at": own.created_at,
        "rows": result.get("rows"),
        "n": result.get("n"),
        "from_date": result.get("from_date"),
        "to_date": result.get("to_date"),
        **{who: result.get(who) for who in ("theirs", "ours", "naive", "previous")},
    }
