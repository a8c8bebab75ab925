"""Daily and hourly sales: lists, figures over them, deleting, and loading."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import NumberInPath, refuse
from accounts.api.lists import Listing, page_of
from accounts.api.schema import ID_IN_PATH
from accounts.api.views import ApiView, WorkView
from accounts.permissions import requires
from departments.api.lookup import department_or_404
from departments.api.serializers import DepartmentRange
from departments.models import Department
from departments.scopes import sees_all
from runs.api.starting import answer, outcome, responses
from runs.choices import Trigger
from runs.models import Run
from runs.sentences import sentence
from runs.timetable import NIGHT, next_start
from sales.api import serializers
from sales.choices import DayState
from sales.coverage import covered
from sales.delete import delete_day, delete_hour
from sales.models import AutoSyncLog, Restatement, SalesByHour, SalesSummary
from sales.money import rounded
from sales.querysets import SalesQuerySet
from sales.sync import BadRange, start_sync

SUMMARY = tuple(serializers.SummaryShown().fields)
HOUR = tuple(serializers.HourShown().fields)
RESTATEMENT = tuple(serializers.RestatementShown().fields)
COVERAGE = tuple(serializers.CoverageShown().fields)
COUNTS = ("summary_records", "hourly_records", "total_raw_records", "changed_rows")


def _chosen(request: Request, rows: Any, parameters: dict[str, Any]) -> Any:
    rows = rows.visible_to(request.user).between(parameters.get("from_date"), parameters.get("to_date"))
    if pk := parameters.get("department_id"):
        rows = rows.filter(department=department_or_404(request, pk))
    return rows


def _two_places(*columns: str) -> Any:
    def shape(row: dict[str, Any]) -> dict[str, Any]:
        for column in columns:
            row[column] = rounded(row[column])
        return row

    return shape


class Summary(ApiView):
    permission_classes = [requires("sales.view_salessummary")]
    days = SalesSummary.objects.with_settled().values(*SUMMARY)  # put together once
    listing = Listing(
        orderings=("date", "department_id", "total_sales", "updated_at", "id"),
        default="-date,department_id",
        limit=1000,
        unknown_last=("total_sales",),
        shape=_two_places("total_sales", "revenue", "gross"),
    )

    @extend_schema(
        operation_id="sales_summary",
        parameters=[serializers.SummaryParameters],
        responses=page_of("Summary", serializers.SummaryShown),
    )
    def get(self, request: Request) -> Response:
        """Sales per department and business date, newest first."""
        parameters = serializers.SummaryParameters.read(request)
        rows = _chosen(request, self.days.all(), parameters)
        if "state" in parameters:
            rows = rows.filter(state=parameters["state"])
        if (settled := parameters.get("settled")) is not None:
            rows = rows.filter(settled=settled)
        return self.listing.answer(request, rows, parameters)


class Hourly(ApiView):
    permission_classes = [requires("sales.view_salesbyhour")]
    hours = SalesByHour.objects.with_day().values(*HOUR)
    listing = Listing(
        orderings=("date", "department_id", "hour", "sales_amount", "updated_at", "id"),
        default="-date,department_id,hour",
        limit=1000,
        unknown_last=("sales_amount",),
        shape=_two_places("sales_amount", "revenue", "gross"),
    )

    @extend_schema(
        operation_id="sales_hourly",
        parameters=[serializers.HourlyParameters],
        responses=page_of("Hour", serializers.HourShown),
    )
    def get(self, request: Request) -> Response:
        """Sales per department, business date and local hour of closing, newest date first."""
        parameters = serializers.HourlyParameters.read(request)
        rows = _chosen(request, self.hours.all(), parameters)
        if "hour" in parameters:
            rows = rows.filter(hour=parameters["hour"])
        return self.listing.answer(request, rows, parameters)


class Restatements(ApiView):
    permission_classes = [requires("sales.view_restatement")]
    listing = Listing(
        orderings=("changed_at", "date", "department_id", "id"),
        default="-changed_at",
        limit=1000,
        shape=_two_places(*(name for name in RESTATEMENT if name.endswith(("total", "revenue", "gross")))),
    )

    @extend_schema(
        operation_id="sales_restatements",
        parameters=[serializers.RestatementParameters],
        responses=page_of("Restatement", serializers.RestatementShown),
    )
    def get(self, request: Request) -> Response:
        """Days and hours that changed after they had been told, the newest change first; dates are business dates."""
        parameters = serializers.RestatementParameters.read(request)
        rows = _chosen(request, Restatement.objects.all(), parameters)
        if not parameters["hours"]:
            rows = rows.filter(hour=None)
        rows = rows.annotate(changed_by=Coalesce("by__username", "run__started_by__username"))
        return self.listing.answer(request, rows.values(*RESTATEMENT), parameters)


class Stats(ApiView):
    permission_classes = [requires("sales.view_salessummary")]

    @extend_schema(operation_id="sales_stats", parameters=[DepartmentRange], responses=serializers.StatsShown)
    def get(self, request: Request) -> Response:
        """How much there is of what you may see, and its exact sum."""
        parameters = DepartmentRange.read(request)
        days = _chosen(request, SalesSummary.objects.all(), parameters)
        totals = days.totals(Department.objects.visible_to(request.user).currencies())
        sums = totals["sums"]
        return Response(
            {
                "summary_records": totals["rows"],
                "hourly_records": _chosen(request, SalesByHour.objects.all(), parameters).count(),
                # Money of several currencies is no amount of anything.
                "total_sales_amount": rounded(next(iter(sums.values()), Decimal(0))) if len(sums) < 2 else None,
                "totals": [{"currency": code, "total_sales_amount": rounded(sums[code])} for code in sums],
                "latest_sync": days.order_by().aggregate(latest=Max("synced_at"))["latest"],
                "date_range": {"from": totals["first"], "to": totals["last"]},
            }
        )


class Coverage(ApiView):
    permission_classes = [requires("sales.view_salessummary")]
    listing = Listing(orderings=("name", "id"), default="name")

    @extend_schema(
        operation_id="sales_coverage",
        parameters=[serializers.CoverageParameters],
        responses=page_of("Coverage", serializers.CoverageShown),
    )
    def get(self, request: Request) -> Response:
        """Branches and points of sale with and without sales, and from when to when there are any."""
        parameters = serializers.CoverageParameters.read(request)
        rows = covered(Department.objects.visible_to(request.user), has_data=parameters.get("has_data"))
        return self.listing.answer(request, rows.values(*COVERAGE), parameters)


class DeleteDay(ApiView):
    permission_classes = [requires("sales.view_salessummary", "sales.delete_salessummary")]

    @extend_schema(operation_id="sales_summary_delete", parameters=ID_IN_PATH, responses={200: serializers.Deleted})
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a day with its hours. It is marked missing, and the next load may restore it."""
        day = _row(request, SalesSummary.objects.all(), pk)
        delete_day(day, by=self.person())
        return _deleted(day)


class DeleteHour(ApiView):
    permission_classes = [requires("sales.view_salesbyhour", "sales.delete_salesbyhour")]

    @extend_schema(operation_id="sales_hourly_delete", parameters=ID_IN_PATH, responses={200: serializers.Deleted})
    def delete(self, request: Request, pk: str) -> Response:
        """Delete an hour and with it its whole day, as hours must add up to their day."""
        hour = _row(request, SalesByHour.objects.all(), pk)
        delete_hour(hour, by=self.person())
        return _deleted(hour)


def _row(request: Request, rows: SalesQuerySet, pk: str) -> Any:
    number = NumberInPath.check({"id": pk})["id"]
    if (row := rows.visible_to(request.user).select_related("department").filter(pk=number).first()) is None:
        raise NotFound
    return row


def _deleted(row: SalesSummary | SalesByHour) -> Response:
    message = _("%(department)s, %(date)s was deleted with its hours. The next load of that date may restore it.")
    return Response(
        {
            "status": "deleted",
            "message": message % {"department": row.department.name, "date": f"{row.date:%d.%m.%Y}"},
            "department_id": row.department_id,
            "date": row.date,
            "state": DayState.MISSING,
        }
    )


class LoadView(WorkView):
    def may_load_all(self) -> None:
        """Raise PermissionDenied for who sees some branches only: a load of all of them is not theirs to start."""
        if not sees_all(self.person(), self.organisation()):
            raise PermissionDenied(_("You see some departments only: name one of them in department_id."))


class Sync(LoadView):
    permission_classes = [requires("sales.load_sales", "sales.load_sales")]

    @extend_schema(
        operation_id="sales_sync",
        parameters=[serializers.SyncParameters],
        request=None,
        responses=responses(serializers.SalesSynced),
    )
    def post(self, request: Request) -> Response:
        """Load sales from the tills. What was there of those dates is replaced; the same twice changes nothing."""
        parameters = serializers.SyncParameters.read_all(request)
        department = None
        if pk := parameters.get("department_id"):
            department = department_or_404(request, pk)
        else:
            self.may_load_all()
        try:
            run, _created = start_sync(
                organisation=department.organisation if department else self.organisation(),
                from_date=parameters.get("from_date"),
                to_date=parameters.get("to_date"),
                department=department,
                trigger=Trigger.API,
                started_by=self.person(),
            )
        except BadRange as bad:
            name = "from_date" if bad.code == "range_reversed" else "to_date"
            raise refuse(name, bad.code, sentence(bad.code, bad.params)) from bad
        return answer(request, run, _synced)


def _synced(run: Run) -> dict[str, Any]:
    return {
        **outcome(run),
        "from_date": run.from_date,
        "to_date": run.to_date,
        **{name: run.counts.get(name, 0) for name in COUNTS},
    }


class AutoSyncStatus(ApiView):
    permission_classes = [requires("runs.view_run")]

    @extend_schema(
        operation_id="sales_auto_sync_status",
        parameters=[serializers.LogParameters],
        responses=serializers.AutoSyncStatus,
    )
    def get(self, request: Request) -> Response:
        """How the nightly loads of sales went, and when the next one begins."""
        parameters = serializers.LogParameters.read(request)
        lines = AutoSyncLog.objects.visible_to(request.user)
        first = parameters["skip"]
        logs = lines.order_by("-executed_at", "-id").values(*serializers.LogLine().fields, "words")
        zone = ZoneInfo(self.organisation().time_zone)
        coming = next_start(NIGHT)
        return Response(
            {
                "logs": [
                    line | {"error_details": line.pop("words")} for line in logs[first : first + parameters["limit"]]
                ],
                "statistics": lines.statistics(),
                "next_run": coming.astimezone(zone) if coming else None,
                "time_zone": zone.key,
            }
        )


class AutoSyncTest(LoadView):
    permission_classes = [requires("sales.load_sales", "sales.load_sales")]

    @extend_schema(operation_id="sales_auto_sync_test", request=None, responses=responses(serializers.TestedAutoSync))
    def post(self, request: Request) -> Response:
        """Load now what the nightly load would: yesterday and the settling window."""
        self.may_load_all()
        run, _created = start_sync(
            organisation=self.organisation(), trigger=Trigger.API, started_by=self.person(), log_as="test"
        )
        return answer(request, run, _tested)


def _tested(run: Run) -> dict[str, Any]:
    result = _synced(run)
    return {"status": result["status"], "message": result["message"], "result": result}
