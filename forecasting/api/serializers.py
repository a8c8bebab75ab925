from typing import Any

from rest_framework import serializers

from accounts.api.fields import DateParameter, MoneyNumber, Parameters, PercentNumber
from accounts.api.lists import ListParameters
from departments.api.serializers import DepartmentRange
from forecasting.choices import Rule
from runs.api.starting import Outcome
from sales.choices import DayState

LONGEST_COMPARISON = 1100  # days


class ForecastParameters(DepartmentRange, ListParameters):
    """Without dates: from today on."""


class ComparisonParameters(DepartmentRange):
    """Without dates: the last 30 days."""

    longest = LONGEST_COMPARISON

    days_before = serializers.IntegerField(
        min_value=0, max_value=35, default=1, help_text="As promised in the morning so many days before"
    )


class ExportParameters(DepartmentRange):
    longest = LONGEST_COMPARISON

    include_actual = serializers.BooleanField(default=False, help_text="Add the figures sold and the errors")


class ForecastInPath(Parameters):
    date = DateParameter()
    branch_id = serializers.UUIDField()


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


class BranchForecast(Interval):
    date = serializers.DateField()
    branch_id = serializers.UUIDField()
    department_name = serializers.CharField()


class HourOfForecast(serializers.Serializer[Any]):
    hour = serializers.IntegerField(min_value=0, max_value=23)
    predicted_sales = MoneyNumber()


class HourlyForecast(serializers.Serializer[Any]):
    date = serializers.DateField()
    branch_id = serializers.UUIDField()
    department_name = serializers.CharField()
    predicted_sales = MoneyNumber()
    model_version = serializers.CharField()
    cutoff = serializers.DateField()
    hours = HourOfForecast(many=True, help_text="They add up to the day")


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
