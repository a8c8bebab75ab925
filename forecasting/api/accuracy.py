"""How promises came out."""

import datetime as dt

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.permissions import requires
from departments.api.lookup import departments_asked_for
from departments.timing import organisation_today
from forecasting.accuracy import group_names, readings, rows_by_currency
from forecasting.api import serializers
from forecasting.choices import Origin
from forecasting.models import Accuracy

USUAL = dt.timedelta(days=89)


class AccuracyView(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(
        operation_id="forecast_accuracy",
        parameters=[serializers.AccuracyParameters],
        responses=serializers.Accuracy,
    )
    def get(self, request: Request) -> Response:
        """Stored forecasts against what was sold, beside repeating last week; without dates the last 90 days.

        Where departments sell in several currencies, each currency has readings of its own.
        """
        asked = serializers.AccuracyParameters.read(request)
        yesterday = organisation_today(self.organisation()) - dt.timedelta(days=1)
        last = asked.get("to_date") or max(yesterday, asked.get("from_date", yesterday))
        first = asked.get("from_date") or last - USUAL
        departments = departments_asked_for(request, asked.get("department_id"))
        if "segment_type" in asked:
            departments = departments.filter(segment_type=asked["segment_type"])
        rows = Accuracy.objects.filter(department__in=departments).between(first, last)
        if "days_before" in asked:
            rows = rows.filter(horizon=asked["days_before"])
        if not asked["replayed"]:
            rows = rows.exclude(origin=Origin.REPLAY)
        by = asked.get("by", "")
        found = [(code, reading) for code, own in rows_by_currency(rows, departments) for reading in readings(own, by)]
        names = group_names(by, [reading.key for _code, reading in found])
        answer = [
            {
                "group": None if reading.key is None else str(reading.key),
                "name": names.get(reading.key),
                "currency": code,
                **{name: value for name, value in vars(reading).items() if name != "key"},
            }
            for code, reading in found
        ]
        return Response({"from_date": first, "to_date": last, "by": by or None, "readings": answer})
