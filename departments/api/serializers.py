from typing import Any

from rest_framework import serializers

from accounts.api.fields import DateParameter, Parameters, RangeParameters
from accounts.api.lists import ListParameters
from departments.choices import Segment
from departments.models import SOURCE_FIELDS
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
    organisation_id = serializers.UUIDField()
    company = serializers.CharField(allow_blank=True, help_text="Legal entity, as 1C names it")
    code = serializers.CharField(allow_blank=True)
    code_tco = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    type = serializers.CharField()
    taxpayer_id_number = serializers.CharField(allow_blank=True)
    segment_type = serializers.ChoiceField(Segment.choices)
    season_start_date = serializers.DateField(allow_null=True)
    season_end_date = serializers.DateField(allow_null=True)
    time_zone = serializers.CharField(allow_blank=True, help_text="Empty: the organisation's")
    currency = serializers.CharField(allow_blank=True, help_text="Empty: the organisation's")
    opened_on = serializers.DateField(allow_null=True)
    closed_on = serializers.DateField(allow_null=True)
    is_active = serializers.BooleanField()
    overridden = serializers.ListField(
        child=serializers.CharField(), help_text="Fields kept otherwise than the source has them"
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField(allow_null=True)


class DepartmentWritten(serializers.Serializer[Any]):
    """What a person writes. What is left out stays (PATCH) or becomes empty (PUT)."""

    name = serializers.CharField(max_length=300)
    parent_id = serializers.UUIDField(allow_null=True, default=None)
    type = serializers.CharField(max_length=30, default="DEPARTMENT")
    code = serializers.CharField(max_length=60, allow_blank=True, default="")
    code_tco = serializers.CharField(max_length=60, allow_blank=True, default="")
    taxpayer_id_number = serializers.CharField(max_length=20, allow_blank=True, default="")
    segment_type = serializers.ChoiceField(Segment.choices, default=Segment.RESTAURANT)
    season_start_date = DateParameter(allow_null=True, default=None)
    season_end_date = DateParameter(allow_null=True, default=None)
    time_zone = serializers.CharField(max_length=64, allow_blank=True, default="")
    currency = serializers.CharField(max_length=3, allow_blank=True, default="")
    opened_on = DateParameter(allow_null=True, default=None)
    closed_on = DateParameter(allow_null=True, default=None)
    is_active = serializers.BooleanField(default=True)
    overridden = serializers.ListField(
        child=serializers.ChoiceField(SOURCE_FIELDS),
        default=list,
        max_length=len(SOURCE_FIELDS),
        help_text="Fields to keep otherwise than the source has them",
    )


class DepartmentDeleted(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["deleted"])
    message = serializers.CharField()


class TypeCounted(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    departments = serializers.IntegerField()
    active = serializers.IntegerField()


class SegmentCounted(serializers.Serializer[Any]):
    segment_type = serializers.ChoiceField(Segment.choices)
    title = serializers.CharField()
    departments = serializers.IntegerField(help_text="That sell")
    active = serializers.IntegerField()


class DepartmentStatistics(serializers.Serializer[Any]):
    departments = serializers.IntegerField()
    selling = serializers.IntegerField(help_text="Branches and points of sale")
    types = TypeCounted(many=True)
    segments = SegmentCounted(many=True)


class DepartmentsSynced(Outcome):
    found = serializers.IntegerField()
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    orphans = serializers.IntegerField()
