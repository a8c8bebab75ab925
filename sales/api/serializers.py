from typing import Any

from rest_framework import serializers

from accounts.api.fields import BIGGEST_ID, DateParameter, MoneyNumber, Parameters
from accounts.api.files import FileParameters
from accounts.api.lists import MOST_SKIPPED, ListParameters
from departments.api.serializers import DepartmentRange
from runs.api.starting import Outcome
from sales.choices import DayState
from sales.models import AutoSyncLog
from sales.querysets import PERIODS
from sales.verdicts import MOST_AT_ONCE


class SummaryParameters(DepartmentRange, ListParameters):
    state = serializers.ChoiceField(DayState.choices, required=False)
    settled = serializers.BooleanField(
        required=False, allow_null=True, help_text="Only settled days, or only the others"
    )


class HourlyParameters(DepartmentRange, ListParameters):
    hour = serializers.IntegerField(required=False, min_value=0, max_value=23)


class RestatementParameters(DepartmentRange, ListParameters):
    hours = serializers.BooleanField(default=True, help_text="false: only the days, without their hours")


class ExportParameters(FileParameters, DepartmentRange):
    hours = serializers.BooleanField(default=False, help_text="A row per hour instead of one per day")


class SyncParameters(Parameters):
    from_date = DateParameter(required=False, help_text="First date; neither date: yesterday and the settling window")
    to_date = DateParameter(required=False, help_text="Last date, included; one date alone means that date")
    department_id = serializers.UUIDField(required=False, help_text="Load this department only")


class LogParameters(Parameters):
    skip = serializers.IntegerField(min_value=0, max_value=MOST_SKIPPED, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=50)


class Figures(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    department_id = serializers.UUIDField()
    date = serializers.DateField()
    revenue = MoneyNumber(allow_null=True, help_text="After discounts")
    gross = MoneyNumber(allow_null=True, help_text="Before discounts")
    orders = serializers.IntegerField(allow_null=True)
    guests = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField()
    state = serializers.ChoiceField(DayState.choices, help_text="How far the day is to be believed")
    settled = serializers.BooleanField(help_text="Whether the day is expected to stay as it is")


class SummaryShown(Figures):
    total_sales = MoneyNumber(allow_null=True)


class HourShown(Figures):
    hour = serializers.IntegerField(min_value=0, max_value=23)
    sales_amount = MoneyNumber(allow_null=True)


class RestatementShown(serializers.Serializer[Any]):
    """What stood, and what stands: null where there was, or is, nothing."""

    id = serializers.IntegerField()
    department_id = serializers.UUIDField()
    date = serializers.DateField()
    hour = serializers.IntegerField(allow_null=True, min_value=0, max_value=23, help_text="null: the day itself")
    changed_at = serializers.DateTimeField()
    run_id = serializers.IntegerField(allow_null=True)
    changed_by = serializers.CharField(allow_null=True, help_text="The person who deleted it or started the load")
    old_total = MoneyNumber(allow_null=True)
    new_total = MoneyNumber(allow_null=True)
    old_revenue = MoneyNumber(allow_null=True)
    new_revenue = MoneyNumber(allow_null=True)
    old_gross = MoneyNumber(allow_null=True)
    new_gross = MoneyNumber(allow_null=True)
    old_orders = serializers.IntegerField(allow_null=True)
    new_orders = serializers.IntegerField(allow_null=True)
    old_guests = serializers.IntegerField(allow_null=True)
    new_guests = serializers.IntegerField(allow_null=True)


class DoubtShown(serializers.Serializer[Any]):
    """A suspicious day: what is shown of it, what the source says (null: nothing) and what is usual (null: unknown)."""

    id = serializers.IntegerField()
    department_id = serializers.UUIDField()
    department_name = serializers.CharField()
    date = serializers.DateField()
    total_sales = MoneyNumber(allow_null=True)
    source_says = MoneyNumber(allow_null=True)
    usual = MoneyNumber(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why, in words")
    can_keep = serializers.BooleanField(help_text="Whether something was known before that can be kept")


class Decision(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(
        ["believe", "keep"], help_text="believe: what the source says; keep: what was known before"
    )
    days = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID), min_length=1, max_length=MOST_AT_ONCE,
        help_text="Ids of days",
    )  # fmt: skip


class Decided(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(["believe", "keep"])
    decided = serializers.ListField(child=serializers.IntegerField())
    left_out = serializers.ListField(
        child=serializers.IntegerField(), help_text="Not suspicious any more, or without anything to keep"
    )
    runs = serializers.ListField(child=serializers.IntegerField(), help_text="What loads the believed days")


class SalesSynced(Outcome):
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    summary_records = serializers.IntegerField()
    hourly_records = serializers.IntegerField()
    total_raw_records = serializers.IntegerField()
    changed_rows = serializers.IntegerField()


class TestedAutoSync(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["success", "partial"])
    message = serializers.CharField()
    result = SalesSynced()


class Deleted(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["deleted"])
    message = serializers.CharField()
    department_id = serializers.UUIDField()
    date = serializers.DateField()
    state = serializers.ChoiceField(DayState.choices)


class CoverageParameters(ListParameters):
    has_data = serializers.BooleanField(required=False, allow_null=True, help_text="Only those with sales, or without")


class CoverageShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    is_active = serializers.BooleanField()
    has_data = serializers.BooleanField()
    first_date = serializers.DateField(allow_null=True, help_text="With figures")
    last_date = serializers.DateField(allow_null=True, help_text="With figures")
    complete_until = serializers.DateField(allow_null=True, help_text="The last complete business date")


class SalesRange(serializers.Serializer[Any]):
    def get_fields(self) -> Any:
        return {
            "from": serializers.DateField(allow_null=True),
            "to": serializers.DateField(allow_null=True),
        }


class CurrencyTotal(serializers.Serializer[Any]):
    currency = serializers.CharField()
    total_sales_amount = MoneyNumber()


class StatsShown(serializers.Serializer[Any]):
    summary_records = serializers.IntegerField()
    hourly_records = serializers.IntegerField()
    total_sales_amount = MoneyNumber(allow_null=True, help_text="Null where the departments sell in several currencies")
    totals = CurrencyTotal(many=True, help_text="The exact sum of each currency")
    latest_sync = serializers.DateTimeField(allow_null=True)
    date_range = SalesRange()


class LogLine(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    sync_date = serializers.DateField()
    sync_type = serializers.CharField()
    status = serializers.ChoiceField(AutoSyncLog.Status.choices)
    message = serializers.CharField(allow_blank=True)
    summary_records = serializers.IntegerField()
    hourly_records = serializers.IntegerField()
    total_raw_records = serializers.IntegerField()
    error_details = serializers.CharField(allow_blank=True)
    executed_at = serializers.DateTimeField()


class LatestSuccess(serializers.Serializer[Any]):
    date = serializers.DateField()
    executed_at = serializers.DateTimeField()
    message = serializers.CharField(allow_blank=True)
    records = serializers.IntegerField()


class LatestError(serializers.Serializer[Any]):
    date = serializers.DateField()
    executed_at = serializers.DateTimeField()
    message = serializers.CharField(allow_blank=True)
    error_details = serializers.CharField(allow_blank=True)


class LogPeriod(serializers.Serializer[Any]):
    days = serializers.ChoiceField(PERIODS)
    success_count = serializers.IntegerField()
    partial_count = serializers.IntegerField()
    error_count = serializers.IntegerField()
    success_rate = serializers.FloatField(help_text="Percent of the loads that were complete")


class LogStatistics(serializers.Serializer[Any]):
    total_logs = serializers.IntegerField()
    success_count_30d = serializers.IntegerField()
    partial_count_30d = serializers.IntegerField()
    error_count_30d = serializers.IntegerField()
    success_rate_30d = serializers.FloatField(help_text="Percent of the loads of 30 days that were complete")
    periods = LogPeriod(many=True)
    latest_success = LatestSuccess(allow_null=True)
    latest_error = LatestError(allow_null=True)


class AutoSyncStatus(serializers.Serializer[Any]):
    logs = LogLine(many=True)
    statistics = LogStatistics()
    next_run = serializers.DateTimeField(
        allow_null=True, help_text="With the offset of time_zone; null: the schedule is switched off"
    )
    time_zone = serializers.CharField(help_text="The organisation's")
