"""Answers that are files."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation

from accounts.api.fields import Parameters, refuse
from accounts.tables import Style

# What an operation answers that makes a file of each kind, for the schema.
FILES = {
    "csv": {(200, "text/csv"): OpenApiTypes.STR},
    "xlsx": {(200, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"): OpenApiTypes.BINARY},
}
MOST_DEPARTMENTS = 1000


class AlwaysJson(BaseContentNegotiation):
    """The answer is a file whatever Accept says; an error is JSON."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        renderer = next(item for item in renderers if item.format == "json")
        return renderer, renderer.media_type


class FileParameters(Parameters):
    style = serializers.ChoiceField(  # type: ignore[assignment]
        Style.choices, default=Style.PLAIN, help_text="Of a CSV: plain for programs, excel as a Russian Excel opens it"
    )
    departments = serializers.CharField(
        required=False, max_length=37 * MOST_DEPARTMENTS, help_text="Only these: ids separated by commas"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "departments" in attrs:
            try:
                attrs["departments"] = [UUID(text.strip()) for text in attrs["departments"].split(",")]
            except ValueError:
                raise refuse("departments", "invalid", "Write ids separated by commas.") from None
        return attrs
