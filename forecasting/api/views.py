"""Forecasts: of a branch, of many, against what was sold; the model behind them, and training it."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.lists import Listing, page_of
from accounts.api.views import ApiView, WorkView
from accounts.permissions import requires
from departments.api.lookup import chosen_departments, departments_asked_for
from departments.timing import organisation_today
from forecasting.api import kept, serializers
from forecasting.compare import Comparison, compare
from forecasting.models import Forecast, ModelVersion
from forecasting.querysets import ForecastQuerySet
from forecasting.reasons import Reason, reasons_of
from runs.api.starting import answer, outcome, responses
from runs.choices import Trigger
from runs.models import Run
from sales.money import rounded

IN_PATH = [
    OpenApiParameter("date", OpenApiTypes.DATE, OpenApiParameter.PATH),
    OpenApiParameter("branch_id", OpenApiTypes.UUID, OpenApiParameter.PATH),
]
AMOUNTS = ("predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95")
COMPARED = tuple(serializers.ComparisonRow().fields)
BATCH = ("date", "department_id", "department_name", *AMOUNTS, "rule", "model_version", "cutoff", "made_at")
NO_FORECAST = _(
    "There is no forecast of this branch for this date: it lies beyond the horizon, none had been made by then,"
    " or the branch has not sold lately."
)
MONTH = dt.timedelta(days=29)


def _rows(forecasts: ForecastQuerySet, *more: str) -> Any:
    return forecasts.values(
        "id",
        "date",
        "department_id",
        "rule",
        "cutoff",
        *AMOUNTS,
        *more,
        department_name=F("department__name"),
        number=F("issue__version__number"),
        made_at=F("issue__made_at"),
    )


def shaped(row: dict[str, Any]) -> dict[str, Any]:
    for name in AMOUNTS:
        row[name] = rounded(row[name])
    row["model_version"] = f"v{row.pop('number')}"
    del row["id"]
    return row


def told(reasons: list[Reason]) -> list[dict[str, Any]]:
    return [{"reason": each.code, "amount": rounded(each.amount), "text": each.text} for each in reasons]


class OneForecast(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(
        operation_id="forecast_read",
        parameters=[*IN_PATH, serializers.KnownOn],
        responses=serializers.BranchForecast,
    )
    def get(self, request: Request, date: str, branch_id: str) -> Response:
        """The newest forecast of a branch for a date, or the one of a past morning. 404 `no_forecast` beyond the horizon.

        Of dates long past only what was forecast 1, 7 and 28 days before is kept: 404 `no_longer_kept` for other mornings.
        """
        found = self._find(request, date, branch_id)
        reasons = reasons_of(Forecast.objects.select_related("issue", "department").get(pk=found["id"]))
        row = shaped(found)
        return Response({"branch_id": row.pop("department_id"), **row, "reasons": reasons and told(reasons)})

    def _find(self, request: Request, date: str, branch_id: str, *more: str) -> dict[str, Any]:
        asked = serializers.ForecastInPath.check({"date": date, "branch_id": branch_id})
        departments = departments_asked_for(request, asked["branch_id"])
        forecasts = Forecast.objects.filter(department__in=departments).between(asked["date"], asked["date"])
        known_on = serializers.KnownOn.read(request).get("known_on")
        chosen = kept.known_on(forecasts, known_on) if known_on else forecasts.newest()
        row: dict[str, Any] | None = _rows(chosen, *more).first()
        if row is None:
            raise NotFound(NO_FORECAST, "no_forecast")
        return row


class HourlyForecast(OneForecast):
    @extend_schema(
        operation_id="forecast_hourly",
        parameters=[*IN_PATH, serializers.KnownOn],
        responses=serializers.HourlyForecast,
    )
    def get(self, request: Request, date: str, branch_id: str) -> Response:
        """The newest forecast of a branch for a date by the hour; the hours add up to the day."""
        row = shaped(self._find(request, date, branch_id, "hours"))
        hours = [
            {"hour": hour, "predicted_sales": rounded(amount)} for hour, amount in enumerate(map(Decimal, row["hours"]))
        ]
        return Response({"branch_id": row.pop("department_id"), **row, "hours": hours})


class Batch(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]
    listing = Listing(
        orderings=("date", "department_name", "department_id", "predicted_sales", "id"),
        default="date,department_name",
        shape=shaped,
    )

    @extend_schema(
        operation_id="forecast_batch",
        parameters=[serializers.ForecastParameters],
        responses=page_of("Batch", serializers.BatchRow),
    )
    def get(self, request: Request) -> Response:
        """The newest forecast of each branch and date; without dates from today on."""
        parameters = serializers.ForecastParameters.read(request)
        return self.listing.answer(request, newest(request, parameters, self.today()), parameters)

    def today(self) -> dt.date:
        return organisation_today(self.organisation())


def newest(request: Request, parameters: dict[str, Any], today: dt.date) -> Any:
    departments = chosen_departments(request, parameters)
    first, last = parameters.get("from_date"), parameters.get("to_date")
    if first is None and last is None:
        first = today
    forecasts = Forecast.objects.filter(department__in=departments)
    if first:
        forecasts = forecasts.filter(date__gte=first)
    if last:
        forecasts = forecasts.filter(date__lte=last)
    known_on = parameters.get("known_on")
    return _rows(kept.known_on(forecasts, known_on) if known_on else forecasts.newest())


class ComparisonView(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(
        operation_id="forecast_comparison",
        parameters=[serializers.ComparisonParameters],
        responses=serializers.ComparisonRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """What was promised beside what was sold; without dates the last 30 days."""
        parameters = serializers.ComparisonParameters.read(request)
        today = organisation_today(self.organisation())
        return Response([compared(row) for row in compare_asked(request, parameters, today)])


def compare_asked(request: Request, parameters: dict[str, Any], today: dt.date) -> list[Comparison]:
    last = parameters.get("to_date") or min(parameters.get("from_date", today) + MONTH, today)
    first = parameters.get("from_date") or last - MONTH
    return compare(
        departments=chosen_departments(request, parameters),
        first=first,
        last=max(first, last),
        days_before=parameters.get("days_before", 1),
        known_on=parameters.get("known_on"),
        today=today,
    )


def compared(row: Comparison) -> dict[str, Any]:
    predicted, actual = rounded(row.predicted), rounded(row.actual)
    return {
        "date": row.date,
        "department_id": row.department_id,
        "department_name": row.department_name,
        "predicted_sales": predicted,
        "actual_sales": actual,
        "error": rounded(row.error),
        "error_percentage": row.error_percentage,
        "lower_80": rounded(row.lower_80),
        "upper_80": rounded(row.upper_80),
        "rule": row.rule,
        "state": row.state,
        "settled": row.settled,
    }


class ModelInfo(ApiView):
    permission_classes = [requires("forecasting.view_modelversion")]

    @extend_schema(operation_id="forecast_model_info", responses=serializers.ModelInfo)
    def get(self, request: Request) -> Response:
        """The model that makes the forecasts now."""
        version = (
            ModelVersion.objects.visible_to(request.user).filter(organisation=self.organisation()).serving().first()
        )
        features = version.manifest.get("features", []) if version else []
        return Response(
            {
                "status": "ready" if version else "not_trained",
                "model_type": "LightGBM",
                "n_features": len(features),
                "feature_names": features,
                "training_metrics": version.metrics if version else {},
                "version": str(version) if version else None,
                "trained_through": version.trained_through if version else None,
                "created_at": version.created_at if version else None,
            }
        )


class Retrain(WorkView):
    permission_classes = [requires("forecasting.train_model", "forecasting.train_model")]

    @extend_schema(operation_id="forecast_retrain", request=None, responses=responses(serializers.Retrained))
    def post(self, request: Request) -> Response:
        """Train a new version. It serves if it passes the gate, and forecasts are made with it."""
        # The engine is not wanted in a web process before somebody asks for training.
        from forecasting.train import start_training

        run, _created = start_training(organisation=self.organisation(), trigger=Trigger.API, started_by=self.person())
        return answer(request, run, _retrained)


def _retrained(run: Run) -> dict[str, Any]:
    number = run.counts["version"]
    version = ModelVersion.objects.get(organisation=run.organisation_id, number=number)
    return {**outcome(run), "metrics": version.metrics, "version": str(version), "timestamp": run.finished_at}
