"""A run as the API shows it."""

from typing import Any

from rest_framework import serializers

from accounts.api.schema import ErrorItem
from runs import registry
from runs.choices import State
from runs.models import Run
from runs.sentences import sentence


class PartOfRun(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(State.choices)
    progress = serializers.FloatField(min_value=0, max_value=1)
    message = serializers.CharField(allow_blank=True)
    counts = serializers.DictField(child=serializers.JSONField())
    from_date = serializers.DateField(allow_null=True)
    to_date = serializers.DateField(allow_null=True)
    started_by = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    errors = ErrorItem(many=True)  # type: ignore[assignment]


class RunShown(PartOfRun):
    children = PartOfRun(many=True)


def errors_of(run: Run) -> list[dict[str, Any]]:
    """The run's errors as sentences in the reader's language."""
    return [
        {"code": error["code"], "detail": sentence(error["code"], error.get("params")), "attr": None}
        for error in run.errors
    ]


def shown(run: Run) -> dict[str, Any]:
    """`RunShown` of a run with `started_by` and `children` at hand."""
    return {**_part(run), "children": [_part(child) for child in run.children.all()]}


def message_of(run: Run) -> str:
    """What is being done, or how it ended."""
    if not run.finished and run.message_code:
        return sentence(run.message_code, run.message_params)
    return f"{registry.title(run.kind)}: {run.get_state_display()}"


def _part(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "kind": run.kind,
        "state": run.state,
        "progress": run.progress,
        "message": message_of(run),
        "counts": run.counts,
        "from_date": run.from_date,
        "to_date": run.to_date,
        "started_by": run.started_by.get_username() if run.started_by else None,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "errors": errors_of(run),
    }
