from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import DateParameter, MoneyNumber, Parameters, PercentNumber
from accounts.api.files import FileParameters
from accounts.api.lists import ListParameters
from departments.api.serializers import DepartmentRange
from departments.choices import Segment
from forecasting.accuracy import By
from forecasting.bake import LEAST_LEVEL, MOST_LEVEL
from forecasting.choices import SUMS_BY, Rule, VersionState
from forecasting.reasons import REASONS
from runs.api.starting import Outcome
from sales.choices import DayState

LONGEST_COMPARISON = 1100  # days
KNOWN_ON = "What was the newest forecast on the morning of this date; 404 no_longer_kept where it was thinned out"


class ForecastParameters(DepartmentRange, ListParameters):
    """Without dates: from today on."""

    known_on = DateParameter(required=False, help_text=KNOWN_ON)


class ComparisonParameters(DepartmentRange):
    """Without dates: the last 30 days."""

    longest = LONGEST_COMPARISON

    days_before = serializers.IntegerField(
        min_value=0, max_value=35, default=1, help_text="As promised in the morning so many days before"
    )
    known_on = DateParameter(required=False, help_text="Instead: as it was forecast on the morning of this date")


class ExportParameters(FileParameters, ComparisonParameters):
    """Without dates: from today on; with actuals the last 30 days, and only then `days_before` counts."""

    segment_type = serializers.ChoiceField(Segment.choices, required=False)
    include_actual = serializers.BooleanField(default=False, help_text="Add the figures sold and the errors")
    include_intervals = serializers.BooleanField(default=True, help_text="false: the forecast alone")


class ForecastInPath(Parameters):
    date = DateParameter()
    branch_id = serializers.UUIDField()


class KnownOn(Parameters):
    known_on = DateParameter(required=False, help_text=KNOWN_ON)


class Interval(serializers.Serializer[Any]):
    predicted_sales = MoneyNumber()
    lower_80 = MoneyNumber()
    upper_80 = MoneyNumber()
    lower_95 = MoneyNumber()
    upper_95 = MoneyNumber()
    rule = serializers.ChoiceField(Rule.choices, help_text="Which rule of the engine made it")
    model_version = serializers.CharField()
    cutoff = serializers.DateField(help_text="The last date whose sales were known")
    made_at = serializers.DateTimeField()


class BatchRow(Interval):
    date = serializers.DateField()
    department_id = serializers.UUIDField()
    department_name = serializers.CharField()


class OfBranch(Interval):
    date = serializers.DateField()
    branch_id = serializers.UUIDField()
    department_name = serializers.CharField()


class ReasonOfForecast(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(REASONS)
    amount = MoneyNumber()
    text = serializers.CharField(help_text="In the language asked for")


class BranchForecast(OfBranch):
    reasons = ReasonOfForecast(
        many=True, allow_null=True, help_text="They add up to the forecast; null: only the newest issues keep them"
    )


class HourOfForecast(serializers.Serializer[Any]):
    hour = serializers.IntegerField(min_value=0, max_value=23)
    predicted_sales = MoneyNumber()


class HourlyForecast(OfBranch):
    hours = HourOfForecast(many=True, help_text="They add up to the day; none where no hours were ever known")


class HourOfToday(HourOfForecast):
    sold = serializers.BooleanField(help_text="Whether it is over: then it is what was sold")


class TodayForecast(serializers.Serializer[Any]):
    date = serializers.DateField()
    branch_id = serializers.UUIDField()
    department_name = serializers.CharField()
    as_of = serializers.DateTimeField(help_text="When today was loaded last, by the branch's clock; the hours before are over")
    sold_so_far = MoneyNumber()
    predicted_sales = MoneyNumber(help_text="Of the whole day: what was sold and what is still to come")
    lower_80 = MoneyNumber()
    upper_80 = MoneyNumber()
    lower_95 = MoneyNumber()
    upper_95 = MoneyNumber()
    morning_forecast = MoneyNumber(help_text="What was forecast before the day began")
    model_version = serializers.CharField()
    made_at = serializers.DateTimeField(help_text="When the morning's forecast was made")
    hours = HourOfToday(many=True, help_text="By the clock; they add up to the day")


class Explained(serializers.Serializer[Any]):
    date = serializers.DateField()
    branch_id = serializers.UUIDField()
    department_name = serializers.CharField()
    predicted_sales = MoneyNumber()
    rule = serializers.ChoiceField(Rule.choices)
    rule_text = serializers.CharField(help_text="In the language asked for")
    model_version = serializers.CharField()
    cutoff = serializers.DateField()
    reasons = ReasonOfForecast(many=True, help_text="They add up to the forecast")


class ComparisonRow(serializers.Serializer[Any]):
    date = serializers.DateField()
    department_id = serializers.UUIDField()
    department_name = serializers.CharField()
    predicted_sales = MoneyNumber(allow_null=True)
    actual_sales = MoneyNumber(allow_null=True)
    error = MoneyNumber(allow_null=True, help_text="Forecast minus actual")
    error_percentage = PercentNumber(allow_null=True, help_text="Of the actual")
    lower_80 = MoneyNumber(allow_null=True)
    upper_80 = MoneyNumber(allow_null=True)
    rule = serializers.ChoiceField(Rule.choices, allow_null=True)
    state = serializers.ChoiceField(DayState.choices, allow_null=True, help_text="How far the actual is to be believed")
    settled = serializers.BooleanField(allow_null=True, help_text="Whether the actual is expected to stay as it is")


class ModelInfo(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ready", "not_trained"])
    model_type = serializers.CharField()
    n_features = serializers.IntegerField()
    feature_names = serializers.ListField(child=serializers.CharField())
    training_metrics = serializers.DictField(
        child=serializers.JSONField(), help_text="Of a backtest; shares, not percent"
    )
    version = serializers.CharField(allow_null=True)
    trained_through = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)


class Retrained(Outcome):
    metrics = serializers.DictField(child=serializers.JSONField(), help_text="Of a backtest; shares, not percent")
    version = serializers.CharField()
    timestamp = serializers.DateTimeField()


class AccuracyParameters(DepartmentRange):
    """Without dates: the last 90 days."""

    by = serializers.ChoiceField(
        [by.value for by in By if by], required=False, help_text="One reading per value; without it a single one"
    )
    days_before = serializers.IntegerField(
        min_value=1, max_value=28, required=False, help_text="Only promises made so many days before"
    )
    segment_type = serializers.ChoiceField(Segment.choices, required=False)
    replayed = serializers.BooleanField(
        default=True, help_text="Count forecasts that were computed later from what was known then"
    )


class AccuracyReading(serializers.Serializer[Any]):
    """Shares are fractions of what was sold."""

    group = serializers.CharField(allow_null=True, help_text="The value of what was grouped by")
    name = serializers.CharField(allow_null=True, help_text="The same in words")
    currency = serializers.CharField(help_text="Of the departments read of")
    n = serializers.IntegerField(help_text="Days of departments that were scored")
    left_out = serializers.IntegerField(help_text="Days that are missing, open, partial or suspicious")
    unsettled = serializers.IntegerField(help_text="Those of n whose sales may still change")
    replayed = serializers.IntegerField(help_text="Those of n that were forecast later from what was known then")
    wape = serializers.FloatField(allow_null=True)
    bias = serializers.FloatField(allow_null=True, help_text="Positive: too high")
    mase = serializers.FloatField(allow_null=True)
    naive_wape = serializers.FloatField(allow_null=True, help_text="Of repeating the last same weekday known then")
    naive_n = serializers.IntegerField(help_text="Days on which that was known")
    pinball_80 = serializers.FloatField(allow_null=True, help_text="Money per day of a department")
    pinball_95 = serializers.FloatField(allow_null=True, help_text="Money per day of a department")
    coverage_80 = serializers.FloatField(allow_null=True)
    width_80 = serializers.FloatField(allow_null=True)
    coverage_95 = serializers.FloatField(allow_null=True)
    width_95 = serializers.FloatField(allow_null=True)


class Accuracy(serializers.Serializer[Any]):
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    by = serializers.CharField(allow_null=True)
    readings = AccuracyReading(many=True)


class AggregateParameters(DepartmentRange):
    """Without dates: the four weeks from today on."""

    longest = LONGEST_COMPARISON

    department_ids = serializers.CharField(required=False, help_text="Several ids, separated by commas")
    segment_type = serializers.ChoiceField(Segment.choices, required=False)
    by = serializers.ChoiceField(SUMS_BY, default="total", help_text="One sum per value")
    known_on = DateParameter(required=False, help_text=KNOWN_ON)

    def validate_department_ids(self, text: str) -> list[UUID]:
        one = serializers.UUIDField()
        return [one.run_validation(part.strip()) for part in text.split(",")]


class Aggregated(serializers.Serializer[Any]):
    group = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    currency = serializers.CharField()
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    departments = serializers.IntegerField()
    forecasts = serializers.IntegerField(help_text="Days of departments that were added up")
    missing = serializers.IntegerField(help_text="Days of these departments without a forecast")
    predicted_sales = MoneyNumber()
    lower_80 = MoneyNumber()
    upper_80 = MoneyNumber()
    lower_95 = MoneyNumber()
    upper_95 = MoneyNumber()
    rule = serializers.ChoiceField(["sum"])
    model_versions = serializers.ListField(child=serializers.CharField())
    cutoff = serializers.DateField(help_text="The newest date whose sales were known")


class GateVerdict(serializers.Serializer[Any]):
    passed = serializers.BooleanField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)


class ModelVersionShown(serializers.Serializer[Any]):
    version = serializers.CharField()
    state = serializers.ChoiceField(VersionState.choices)
    recipe = serializers.CharField()
    trained_through = serializers.DateField()
    created_at = serializers.DateTimeField()
    serving_since = serializers.DateTimeField(allow_null=True)
    metrics = serializers.DictField(child=serializers.JSONField(), help_text="Of a backtest; shares, not percent")
    backtest = serializers.DictField(child=serializers.JSONField(), help_text="The same by kind of group and group")
    gate = GateVerdict()


class OwnForecastsUpload(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="CSV: date,department,forecast[,lower_80,upper_80]")
    days_before = serializers.IntegerField(
        min_value=1, max_value=28, default=1, help_text="Beside our promises made so many days before"
    )


class OwnForecastsShown(serializers.Serializer[Any]):
    """Scores are shares of what was sold, all on the same days."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    days_before = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    rows = serializers.IntegerField(allow_null=True, help_text="Lines of the file")
    n = serializers.IntegerField(allow_null=True, help_text="Those that could be scored; empty until they are")
    from_date = serializers.DateField(allow_null=True)
    to_date = serializers.DateField(allow_null=True)
    theirs = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    ours = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    naive = serializers.DictField(child=serializers.FloatField(), allow_null=True, help_text="Repeating last week")
    previous = serializers.DictField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="Our version that served before, on days it had not seen",
    )


class BakeParameters(Parameters):
    service_level = serializers.DecimalField(
        max_digits=4,
        decimal_places=1,
        min_value=LEAST_LEVEL,
        max_value=MOST_LEVEL,
        required=False,
        help_text="On how many of 100 days `bake` should suffice; without it by the terms of each product",
    )


@extend_schema_field({"type": "number", "example": 24, "description": "Units"})
class Units(serializers.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=3, coerce_to_string=False, **kwargs)


class BakeLine(serializers.Serializer[Any]):
    product_id = serializers.UUIDField()
    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    expected = Units()
    bake = Units(help_text="In whole batches")
    lower_80 = Units()
    upper_80 = Units()
    service_level = PercentNumber()
    batch = Units()
    same_weekday_last_week = Units(allow_null=True, help_text="null: not known")
    sold = Units(allow_null=True, help_text="null: not known yet")


class BakeAgreement(serializers.Serializer[Any]):
    wanted = MoneyNumber(help_text="What the forecast of the branch leaves for its items")
    found = MoneyNumber(help_text="What the expected units come to at their prices")
    difference_percentage = PercentNumber()
    tolerance_percentage = PercentNumber()
    holds = serializers.BooleanField()


class BakeList(serializers.Serializer[Any]):
    date = serializers.DateField()
    branch_id = serializers.UUIDField()
    department_name = serializers.CharField()
    cutoff = serializers.DateField(help_text="The last date whose items were known")
    made_at = serializers.DateTimeField()
    items = BakeLine(many=True)
    agreement = BakeAgreement(allow_null=True)
