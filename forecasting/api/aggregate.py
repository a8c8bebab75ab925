"""Forecasts added up."""

import datetime as dt

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.permissions import requires
from departments.api.lookup import departments_asked_for
from departments.timing import organisation_today
from forecasting.aggregate import aggregate
from forecasting.api import kept, serializers
from forecasting.models import Forecast
from sales.money import rounded

MONTH_AHEAD = dt.timedelta(days=27)


class AggregateView(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(
        operation_id="forecast_aggregate",
        parameters=[serializers.AggregateParameters],
        responses=serializers.Aggregated(many=True),
    )
    def get(self, request: Request) -> Response:
        """The sum of the newest forecasts of any departments over any days, with an interval of its own.

        Without dates the four weeks from today on; without departments all one may see. Errors of several branches and
        days partly cancel out: the interval of a sum is narrower than the sum of the intervals. Money
        of several currencies is not added: each has a sum of its own.
        """
        asked = serializers.AggregateParameters.read(request)
        first = asked.get("from_date") or min(
            organisation_today(self.organisation()), asked.get("to_date", dt.date.max)
        )
        last = asked.get("to_date") or first + MONTH_AHEAD
        departments = departments_asked_for(request, asked.get("department_id"))
        if wanted := asked.get("department_ids"):
            departments = departments.filter(pk__in=wanted)
            if departments.count() < len(set(wanted)):
                raise NotFound
        if "segment_type" in asked:
            departments = departments.filter(segment_type=asked["segment_type"])
        if "known_on" in asked:
            kept.known_on(Forecast.objects.between(first, last).filter(department__in=departments), asked["known_on"])
        found = aggregate(departments, first, last, by=asked["by"], known_on=asked.get("known_on"))
        return Response(
            [
                {
                    "group": total.group,
                    "name": total.name,
                    "currency": total.currency,
                    "from_date": total.from_date,
                    "to_date": total.to_date,
                    "departments": total.departments,
                    "forecasts": total.forecasts,
                    "missing": total.missing,
                    "predicted_sales": rounded(total.predicted),
                    **{name: rounded(value) for name, value in total.bounds.items()},
                    "rule": "sum",
                    "model_versions": total.versions,
                    "cutoff": total.cutoff,
                }
                for total in found
            ]
        )
