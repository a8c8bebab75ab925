"""What the OpenAPI document says of every operation: how one signs in, and the one error shape."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiParameter
from rest_framework import serializers

from accounts.api.fields import BIGGEST_ID

ERRORS = {
    "400": "A parameter or the body makes no sense; nothing was changed",
    "401": "Nobody is signed in, or the API key is unknown, revoked or expired",
    "403": "The right is missing",
    "404": "There is nothing of that name that you may see",
    "406": "Nothing can be answered in the asked format",
    "415": "The body is of an unknown media type",
    "429": "Too many requests; Retry-After says when to come again",
}


# The number of a row in a path.
ID_IN_PATH = [
    OpenApiParameter("id", {"type": "integer", "format": "int64", "minimum": 1, "maximum": BIGGEST_ID}, "path")
]


class ErrorItem(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField(help_text="A sentence for a person")
    attr = serializers.CharField(allow_null=True, help_text="The parameter or field meant")


class ErrorAnswer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["validation_error", "client_error", "server_error"])
    errors = ErrorItem(many=True)  # type: ignore[assignment]


class Schema(AutoSchema):
    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if direction == "response" and self.view.permission_classes and self.get_auth():
            for status, words in ERRORS.items():
                if status not in bodies:
                    body = self._get_response_for_code(ErrorAnswer, status, ["application/json"])
                    bodies[status] = {**body, "description": words}
        return dict(sorted(bodies.items()))


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.authentication.ApiKeyAuthentication"
    name = "Api-Key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key <the key>`"}
