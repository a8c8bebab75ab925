"""What monitors ask for."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework import serializers, status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.models import Organisation
from accounts.permissions import Open, requires
from operations.health import readiness
from operations.metrics import exposition

HEALTH = inline_serializer("Health", {"status": serializers.ChoiceField(["ok"])})
READINESS = inline_serializer(
    "Readiness",
    {
        "status": serializers.ChoiceField(["ready", "not ready"]),
        "checks": serializers.DictField(child=serializers.CharField()),
    },
)


class FirstRenderer(BaseContentNegotiation):
    """Monitors send whatever Accept they like."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ForMonitors(ApiView):
    content_negotiation_class = FirstRenderer
    throttle_classes = []


class Healthz(ForMonitors):
    authentication_classes = []
    permission_classes = [Open]

    @extend_schema(operation_id="healthz", responses=HEALTH)
    def get(self, request: Request) -> Response:
        """This process answers."""
        return Response({"status": "ok"})


class Readyz(ForMonitors):
    authentication_classes = []
    permission_classes = [Open]

    @extend_schema(operation_id="readyz", responses={200: READINESS, 503: READINESS})
    def get(self, request: Request) -> Response:
        """The database answers and is migrated, the disk has room, and neither worker nor clock is silent."""
        checks = readiness()
        ready = set(checks.values()) == {"ok"}
        body = {"status": "ready" if ready else "not ready", "checks": checks}
        return Response(body, status.HTTP_200_OK if ready else status.HTTP_503_SERVICE_UNAVAILABLE)


class Metrics(ForMonitors):
    permission_classes = [requires("runs.view_run")]

    @extend_schema(operation_id="metrics", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """For Prometheus, whose `authorization` takes `type: Api-Key` and the key as credentials."""
        found = Organisation.objects.visible_to(request.user)
        return HttpResponse(exposition(found), content_type=CONTENT_TYPE_LATEST)
