"""Today as it looks from the hours already sold."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.permissions import requires
from departments.api.lookup import department_in_path
from departments.timing import local_date
from forecasting.api import serializers
from forecasting.api.views import NO_FORECAST
from forecasting.models import Forecast
from forecasting.today import rest_of_today
from sales.money import rounded


class TodayView(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(
        operation_id="forecast_today",
        parameters=[OpenApiParameter("branch_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses=serializers.TodayForecast,
    )
    def get(self, request: Request, branch_id: str) -> Response:
        """The morning's forecast of today, made anew from the hours that are over as of the last load.

        404 `no_hours_yet` until an hour of today is over and loaded, and once the day is closed.
        """
        department = department_in_path(request, branch_id)
        today = local_date(department.time_zone or department.organisation.time_zone)
        found = Forecast.objects.filter(department=department, date=today).newest()
        forecast = found.select_related("issue__version").first()
        if forecast is None:
            raise NotFound(NO_FORECAST, "no_forecast")
        now = rest_of_today(department, forecast)
        if now is None:
            raise NotFound(_("No hour of today is loaded yet, or the day is closed."), "no_hours_yet")
        return Response(
            {
                "date": today,
                "branch_id": department.pk,
                "department_name": department.name,
                "as_of": now.as_of,
                "sold_so_far": rounded(now.sold),
                "predicted_sales": rounded(now.predicted),
                **{name: rounded(bound) for name, bound in now.bounds.items()},
                "morning_forecast": rounded(forecast.predicted_sales),
                "model_version": str(forecast.issue.version),
                "made_at": forecast.issue.made_at,
                "hours": [
                    {"hour": hour, "predicted_sales": rounded(amount), "sold": hour in now.done}
                    for hour, amount in enumerate(now.hours)
                ],
            }
        )
