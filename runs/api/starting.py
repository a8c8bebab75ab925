"""Answers to a request that starts work: what it came to if it ends soon, else where to look."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import ErrorAnswer
from runs.api.shown import RunShown, errors_of, message_of, shown
from runs.choices import State
from runs.models import Run

POLL = 0.1  # seconds
WORDS = {State.DONE: "success", State.PARTIAL: "partial"}


class FailedWork(ErrorAnswer):
    run = serializers.IntegerField(help_text="The run that failed: /api/runs/{run}")


def responses(done: Any) -> dict[int, Any]:
    """For the schema: what an operation that starts work may answer."""
    return {200: done, 202: RunShown, 409: FailedWork, 502: FailedWork}


def answer(request: Request, run: Run, describe: Callable[[Run], dict[str, Any]]) -> Response:
    """200 with `describe(run)` if the run ends within RUN_ANSWER_SECONDS, 502 if it failed, else 202 and its place.

    `Prefer: respond-async` asks for the 202 at once. A run cancelled meanwhile is 409.
    """
    headers = {"Location": f"/api/runs/{run.pk}"}
    at_once = "respond-async" in request.headers.get("Prefer", "").replace(" ", "").lower().split(",")
    if at_once:
        headers["Preference-Applied"] = "respond-async"
    run = _wait_for(run, 0 if at_once else settings.RUN_ANSWER_SECONDS)
    if at_once or not run.finished:
        return Response(shown(run), status.HTTP_202_ACCEPTED, headers=headers)
    if run.state in WORDS:
        return Response(describe(run), headers=headers)
    cancelled = run.state == State.CANCELLED
    body = {
        "type": "client_error" if cancelled else "server_error",
        "errors": errors_of(run) or [{"code": run.state, "detail": message_of(run), "attr": None}],
        "run": run.pk,
    }
    return Response(body, status.HTTP_409_CONFLICT if cancelled else status.HTTP_502_BAD_GATEWAY, headers=headers)


def _wait_for(run: Run, seconds: float) -> Run:
    deadline = time.monotonic() + seconds
    while True:
        run = Run.objects.select_related("started_by").get(pk=run.pk)
        if run.finished or time.monotonic() >= deadline:
            return run
        time.sleep(POLL)


def outcome(run: Run) -> dict[str, Any]:
    """`status`, `message` and `details` of a run that came to something; details name what is missing."""
    return {
        "status": WORDS[State(run.state)],
        "message": message_of(run),
        "details": "\n".join(error["detail"] for error in errors_of(run)),
        "run": run.pk,
    }


class Outcome(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["success", "partial"])
    message = serializers.CharField()
    details = serializers.CharField(allow_blank=True, help_text="Sentences about what is missing")
    run = serializers.IntegerField()
