from typing import Any

from rest_framework import serializers

from accounts.api.fields import DateParameter, Parameters
from accounts.api.lists import ListParameters
from accounts.tables import Style
from departments.api.serializers import DepartmentRange
from departments.models import Holiday

KNOWN = "Since when it was known: forecasts made before do not use it; null: always"
KNOWN_TODAY = f"{KNOWN}; left out: today"


class CalendarParameters(DepartmentRange, ListParameters):
    pass


class HolidayShown(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    date = serializers.DateField()
    key = serializers.CharField(help_text="The same every year")
    name = serializers.CharField()
    effect = serializers.ChoiceField(Holiday.Effect.choices)
    known_from = serializers.DateField(allow_null=True, help_text=KNOWN)


class HolidayWritten(serializers.Serializer[Any]):
    date = DateParameter()
    name = serializers.CharField(max_length=200)
    key = serializers.CharField(max_length=100, required=False, help_text="The same every year; left out: the name")
    effect = serializers.ChoiceField(Holiday.Effect.choices, default=Holiday.Effect.FEAST)
    known_from = DateParameter(allow_null=True, required=False, help_text=f"{KNOWN}; left out: always")


class ClosureShown(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    department_id = serializers.UUIDField()
    first = serializers.DateField()
    last = serializers.DateField(allow_null=True, help_text="Included; null: until further notice")
    reason = serializers.CharField(allow_blank=True)
    known_from = serializers.DateField(allow_null=True, help_text=KNOWN)


class ClosureWritten(serializers.Serializer[Any]):
    department_id = serializers.UUIDField()
    first = DateParameter()
    last = DateParameter(allow_null=True, default=None, help_text="Included; null: until further notice")
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")
    known_from = DateParameter(allow_null=True, required=False, help_text=KNOWN_TODAY)


class EventShown(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    department_id = serializers.UUIDField(allow_null=True, help_text="null: all of them")
    kind = serializers.CharField(help_text="The same word for like events")
    name = serializers.CharField()
    first = serializers.DateField()
    last = serializers.DateField(help_text="Included")
    strength = serializers.FloatField()
    known_from = serializers.DateField(allow_null=True, help_text=KNOWN)


class EventWritten(serializers.Serializer[Any]):
    department_id = serializers.UUIDField(allow_null=True, default=None, help_text="null: all of them")
    kind = serializers.CharField(max_length=60, default="promo", help_text="The same word for like events")
    name = serializers.CharField(max_length=200)
    first = DateParameter()
    last = DateParameter(help_text="Included")
    strength = serializers.FloatField(min_value=0, max_value=100, default=1.0)
    known_from = DateParameter(allow_null=True, required=False, help_text=KNOWN_TODAY)


class CalendarDeleted(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["deleted"])
    message = serializers.CharField()


class CalendarUpload(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="CSV: kind,first[,last,name,key,effect,department,strength,known_from]")


class CalendarImported(serializers.Serializer[Any]):
    """Rows of the calendar; a holiday of several days counts each of them."""

    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()


class CalendarFile(Parameters):
    style = serializers.ChoiceField(Style.choices, default=Style.PLAIN)  # type: ignore[assignment]
