"""Departments: the list, one of them, and synchronising them with the tills."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.lists import Listing, page_of
from accounts.api.views import ApiView, WorkView
from accounts.permissions import requires
from departments.api.lookup import department_in_path
from departments.api.serializers import (
    DepartmentParameters,
    DepartmentShown,
    DepartmentsSynced,
)
from departments.models import Department
from departments.sync import start_sync
from runs.api.starting import answer, outcome, responses
from runs.choices import Trigger
from runs.models import Run

COLUMNS = tuple(DepartmentShown().fields)
COUNTS = ("found", "created", "changed", "unchanged", "orphans")


class Departments(ApiView):
    permission_classes = [requires("departments.view_department")]
    listing = Listing(orderings=("name", "code", "type", "created_at", "updated_at", "id"), default="name")

    @extend_schema(
        operation_id="departments_list",
        parameters=[DepartmentParameters],
        responses=page_of("Department", DepartmentShown),
    )
    def get(self, request: Request) -> Response:
        """Departments you may see; all of them unless you ask for less."""
        parameters = DepartmentParameters.read(request)
        rows = Department.objects.visible_to(request.user)
        for name in ("type", "segment_type"):
            if name in parameters:
                rows = rows.filter(**{name: parameters[name]})
        return self.listing.answer(request, rows.values(*COLUMNS), parameters)


class OneDepartment(ApiView):
    permission_classes = [requires("departments.view_department")]

    @extend_schema(
        operation_id="departments_read",
        parameters=[OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses=DepartmentShown,
    )
    def get(self, request: Request, pk: str) -> Response:
        """One department."""
        row = Department.objects.filter(pk=department_in_path(request, pk).pk).values(*COLUMNS).first()
        if row is None:
            raise NotFound
        return Response(row)


class SyncDepartments(WorkView):
    permission_classes = [requires("departments.sync_departments", "departments.sync_departments")]

    @extend_schema(operation_id="departments_sync", request=None, responses=responses(DepartmentsSynced))
    def post(self, request: Request) -> Response:
        """Take over departments from all active tills."""
        run, _created = start_sync(organisation=self.organisation(), trigger=Trigger.API, started_by=self.person())
        return answer(request, run, _synced)


def _synced(run: Run) -> dict[str, object]:
    return {**outcome(run), **{name: run.counts.get(name, 0) for name in COUNTS}}
