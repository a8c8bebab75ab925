"""Why a forecast is what it is."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.permissions import requires
from departments.api.lookup import department_or_404
from forecasting.api import serializers
from forecasting.api.views import IN_PATH, NO_FORECAST, told
from forecasting.choices import RULE_SENTENCES, Rule
from forecasting.models import Forecast
from forecasting.reasons import reasons_of
from sales.money import rounded


class ExplainView(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(operation_id="forecast_explain", parameters=IN_PATH, responses=serializers.Explained)
    def get(self, request: Request, date: str, branch_id: str) -> Response:
        """The newest forecast of a branch for a date, split into money by reason: the reasons add up to it.

        404 `no_reasons` for older forecasts: reasons are kept for the newest issues.
        """
        asked = serializers.ForecastInPath.check({"date": date, "branch_id": branch_id})
        department = department_or_404(request, asked["branch_id"])
        found = Forecast.objects.filter(department=department, date=asked["date"]).newest()
        forecast = found.select_related("issue__version", "department").first()
        if forecast is None:
            raise NotFound(NO_FORECAST, "no_forecast")
        reasons = reasons_of(forecast)
        if reasons is None:
            raise NotFound(_("The reasons of this forecast are no longer kept."), "no_reasons")
        return Response(
            {
                "date": forecast.date,
                "branch_id": department.pk,
                "department_name": department.name,
                "predicted_sales": rounded(forecast.predicted_sales),
                "rule": forecast.rule,
                "rule_text": RULE_SENTENCES[Rule(forecast.rule)],
                "model_version": str(forecast.issue.version),
                "cutoff": forecast.cutoff,
                "reasons": told(reasons),
            }
        )
