"""Background work: what runs, how it ended, and stopping it."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import NumberInPath
from accounts.api.lists import Listing, page_of
from accounts.api.schema import ID_IN_PATH, ErrorAnswer
from accounts.api.views import ApiView
from accounts.permissions import requires
from runs import ledger
from runs.api.serializers import RunParameters
from runs.api.shown import RunShown, shown
from runs.models import Run
from runs.querysets import RunQuerySet


class NothingToStop(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "already_finished"
    default_detail = _("This run has finished already.")


def visible_runs(request: Request) -> RunQuerySet:
    return Run.objects.visible_to(request.user).select_related("started_by").prefetch_related("children__started_by")


def visible_run(request: Request, pk: str) -> Run:
    number = NumberInPath.check({"id": pk})["id"]
    if (run := visible_runs(request).filter(pk=number).first()) is None:
        raise NotFound
    return run


class Runs(ApiView):
    permission_classes = [requires("runs.view_run")]
    listing = Listing(orderings=("id",), default="-id", limit=100, shape=shown)

    @extend_schema(operation_id="runs_list", parameters=[RunParameters], responses=page_of("Run", RunShown))
    def get(self, request: Request) -> Response:
        """Runs that somebody or the schedule started, newest first; those under them are their children."""
        parameters = RunParameters.read(request)
        rows = visible_runs(request).roots()
        for name in ("kind", "state"):
            if name in parameters:
                rows = rows.filter(**{name: parameters[name]})
        return self.listing.answer(request, rows, parameters)


class OneRun(ApiView):
    permission_classes = [requires("runs.view_run")]

    @extend_schema(operation_id="runs_read", parameters=ID_IN_PATH, responses=RunShown)
    def get(self, request: Request, pk: str) -> Response:
        """One run with its progress, counts and errors."""
        return Response(shown(visible_run(request, pk)))


class CancelRun(ApiView):
    permission_classes = [requires("runs.view_run", "runs.view_run")]

    @extend_schema(
        operation_id="runs_cancel", parameters=ID_IN_PATH, request=None, responses={200: RunShown, 409: ErrorAnswer}
    )
    def post(self, request: Request, pk: str) -> Response:
        """Ask a run to stop: your own, or anybody's with the right to cancel runs."""
        run = visible_run(request, pk)
        if run.started_by_id != request.user.pk and not request.user.has_perm("runs.cancel_run"):
            raise PermissionDenied
        if run.finished:
            raise NothingToStop
        ledger.cancel(run)
        return Response(shown(visible_run(request, pk)))
