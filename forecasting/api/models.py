"""The versions of the model and what the gate said of them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.permissions import requires
from forecasting.api import serializers
from forecasting.models import ModelVersion
from runs.sentences import sentence

MOST = 200


class ModelsView(ApiView):
    permission_classes = [requires("forecasting.view_modelversion")]

    @extend_schema(operation_id="forecast_models", responses=serializers.ModelVersionShown(many=True))
    def get(self, request: Request) -> Response:
        """The newest versions of the model, newest first: how each was measured and why it was let in or refused."""
        versions = ModelVersion.objects.visible_to(request.user).filter(organisation=self.organisation())
        return Response([_shown(version) for version in versions[:MOST]])


def _shown(version: ModelVersion) -> dict[str, Any]:
    gate = version.gate
    return {
        "version": str(version),
        "state": version.state,
        "recipe": version.recipe,
        "trained_through": version.trained_through,
        "created_at": version.created_at,
        "serving_since": version.activated_at,
        "metrics": version.metrics,
        "backtest": version.backtest,
        "gate": {
            "passed": gate.get("passed"),
            "code": gate.get("code", ""),
            "text": sentence(gate["code"], gate.get("params")) if gate.get("code") else "",
        },
    }
