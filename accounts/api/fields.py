"""Query parameters: read strictly, refused in the one error shape."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache as remembered
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

FIRST_DATE, LAST_DATE = dt.date(2000, 1, 1), dt.date(2100, 12, 31)
LONGEST_RANGE = 3660  # days: ten years
BIGGEST_ID = 2**63 - 1


class DateParameter(serializers.DateField):
    """YYYY-MM-DD and nothing else: other spellings are never guessed at."""

    default_error_messages = {
        "invalid": _("Write the date as YYYY-MM-DD."),
        "out_of_range": _("The date must lie between 2000 and 2100."),
    }

    def get_value(self, dictionary: Any) -> Any:
        """An empty date is a mistake, not a missing one: it would widen what is meant."""
        return dictionary.get(self.field_name, serializers.empty)

    def to_internal_value(self, value: Any) -> dt.date:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            self.fail("invalid")
        try:
            date = dt.date.fromisoformat(value)
        except ValueError:
            self.fail("invalid")
        if not FIRST_DATE <= date <= LAST_DATE:
            self.fail("out_of_range")
        return date


@extend_schema_field({"type": "number", "example": 1234.5, "description": "Money, with two places"})
class MoneyNumber(serializers.DecimalField):
    """Money of an answer, for the schema: a number with two places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=18, decimal_places=2, coerce_to_string=False, **kwargs)


@extend_schema_field({"type": "number", "example": 12.5, "description": "Percent, with two places"})
class PercentNumber(serializers.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=18, decimal_places=2, coerce_to_string=False, **kwargs)


def refuse(name: str, code: str, detail: Any) -> ValidationError:
    """The error to raise about the parameter `name`."""
    return ValidationError({name: [ErrorDetail(str(detail), code)]})


@remembered
def _fields(kind: type[Parameters]) -> Any:
    """Bound to an instance that nothing is asked of."""
    return serializers.Serializer.fields.func(kind())  # type: ignore[attr-defined]


class Parameters(serializers.Serializer[Any]):
    """Query parameters of an operation. The fields remember nothing of a request, so all instances share them."""

    @property
    def fields(self) -> Any:
        return _fields(type(self))

    @property
    def _writable_fields(self) -> Any:
        return self.fields.values()

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The checked parameters of the query. Raises ValidationError."""
        return cls.check(request.query_params)

    @classmethod
    def read_all(cls, request: Request) -> dict[str, Any]:
        """The checked parameters of the query, and those of a JSON object as the body. Raises ValidationError."""
        if not isinstance(request.data, dict):
            raise refuse("non_field_errors", "invalid", _("The body must be a JSON object."))
        return cls.check({**dict(request.data.items()), **request.query_params.dict()})

    @classmethod
    def check(cls, data: Any) -> dict[str, Any]:
        parameters = cls(data=data)
        parameters.is_valid(raise_exception=True)
        return dict(parameters.validated_data)


class RangeParameters(Parameters):
    """A range of business dates, both included."""

    longest = LONGEST_RANGE

    from_date = DateParameter(required=False, help_text="First date")
    to_date = DateParameter(required=False, help_text="Last date, included")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        first, last = attrs.get("from_date"), attrs.get("to_date")
        if first and last:
            if first > last:
                raise refuse("from_date", "range_reversed", _("The first date lies after the last one."))
            if (last - first).days >= self.longest:
                detail = _("At most %(days)s days can be asked for at once.") % {"days": self.longest}
                raise refuse("to_date", "range_too_long", detail)
        return attrs


class NumberInPath(Parameters):
    id = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
