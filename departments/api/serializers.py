from typing import Any

from rest_framework import serializers

from accounts.api.fields import Parameters, RangeParameters
from accounts.api.lists import ListParameters
from departments.choices import Segment
from runs.api.starting import Outcome


class DepartmentParameters(ListParameters):
    type = serializers.CharField(required=False, max_length=30)
    segment_type = serializers.ChoiceField(Segment.choices, required=False)


class DepartmentInPath(Parameters):
    id = serializers.UUIDField()


class DepartmentRange(RangeParameters):
    """A range of dates of one department, or of all one may see."""

    department_id = serializers.UUIDField(required=False)


class DepartmentShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    parent_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    code_tco = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    type = serializers.CharField()
    taxpayer_id_number = serializers.CharField(allow_blank=True)
    segment_type = serializers.ChoiceField(Segment.choices)
    season_start_date = serializers.DateField(allow_null=True)
    season_end_date = serializers.DateField(allow_null=True)
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField(allow_null=True)


class DepartmentsSynced(Outcome):
    found = serializers.IntegerField()
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    orphans = serializers.IntegerField()
