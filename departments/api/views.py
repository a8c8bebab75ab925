"""Departments: the list, one of them, how many there are, and synchronising them with the tills."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import refuse
from accounts.api.lists import Listing, page_of
from accounts.api.schema import ErrorAnswer
from accounts.api.views import ApiView, WorkView
from accounts.models import Organisation
from accounts.permissions import by_method, requires
from departments.api.lookup import department_in_path
from departments.api.refusals import saying_why
from departments.api.serializers import (
    DepartmentDeleted,
    DepartmentParameters,
    DepartmentShown,
    DepartmentsSynced,
    DepartmentStatistics,
    DepartmentWritten,
)
from departments.edit import change_department, create_department, delete_department
from departments.models import Department
from departments.scopes import sees_all
from departments.sync import start_sync
from runs.api.starting import answer, outcome, responses
from runs.choices import Trigger
from runs.models import Run

COLUMNS = tuple(DepartmentShown().fields)
ID = [OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)]
COUNTS = ("found", "created", "changed", "unchanged", "orphans")


class Departments(ApiView):
    permission_classes = [requires("departments.view_department", "departments.add_department")]
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

    @extend_schema(operation_id="departments_create", request=DepartmentWritten, responses={201: DepartmentShown})
    def post(self, request: Request) -> Response:
        """Add a department by hand. Who sees some departments only adds below one of them."""
        values = _written(request, self.organisation())
        if values["parent"] is None and not sees_all(self.person(), self.organisation()):
            raise refuse("parent_id", "required", _("Name the department it is part of: you see some of them only."))
        with saying_why():
            department = create_department(self.organisation(), values, by=self.person())
        headers = {"Location": f"/api/departments/{department.pk}"}
        return Response(_shown(department.pk), status.HTTP_201_CREATED, headers=headers)


class OneDepartment(ApiView):
    permission_classes = [
        by_method(
            GET="departments.view_department",
            PUT="departments.change_department",
            PATCH="departments.change_department",
            DELETE="departments.delete_department",
        )
    ]

    @extend_schema(operation_id="departments_read", parameters=ID, responses=DepartmentShown)
    def get(self, request: Request, pk: str) -> Response:
        """One department."""
        return Response(_shown(department_in_path(request, pk).pk))

    @extend_schema(
        operation_id="departments_replace", parameters=ID, request=DepartmentWritten, responses=DepartmentShown
    )
    def put(self, request: Request, pk: str) -> Response:
        """Write all fields. What a source has the say over is refused, unless `overridden` names it."""
        return self._write(request, pk, partial=False)

    @extend_schema(
        operation_id="departments_change", parameters=ID, request=DepartmentWritten, responses=DepartmentShown
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Write the fields named. What a source has the say over is refused, unless `overridden` names it."""
        return self._write(request, pk, partial=True)

    @extend_schema(
        operation_id="departments_delete",
        parameters=ID,
        responses={200: DepartmentDeleted, 409: ErrorAnswer},
    )
    def delete(self, request: Request, pk: str) -> Response:
        """Delete a department nothing belongs to. One with sales, or one that a source names, is 409: switch it off."""
        department = department_in_path(request, pk)
        with saying_why():
            delete_department(department, by=self.person())
        message = _("%(department)s was deleted.") % {"department": department.name}
        return Response({"status": "deleted", "message": message})

    def _write(self, request: Request, pk: str, *, partial: bool) -> Response:
        department = department_in_path(request, pk)
        values = _written(request, department.organisation, partial=partial)
        with saying_why():
            change_department(department, values, by=self.person())
        return Response(_shown(department.pk))


class Statistics(ApiView):
    permission_classes = [requires("departments.view_department")]

    @extend_schema(operation_id="departments_statistics", responses=DepartmentStatistics)
    def get(self, request: Request) -> Response:
        """How many departments of each type and segment there are of those you may see."""
        return Response(Department.objects.visible_to(request.user).counted())


def _shown(pk: UUID) -> dict[str, Any]:
    return dict(Department.objects.values(*COLUMNS).get(pk=pk))


def _written(request: Request, organisation: Organisation, *, partial: bool = False) -> dict[str, Any]:
    """The fields of the body with `parent` as a department of the organisation that the user may see."""
    body = DepartmentWritten(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    values = dict(body.validated_data)
    if "parent_id" in values:
        parent, pk = None, values.pop("parent_id")
        if pk is not None:
            parent = Department.objects.visible_to(request.user).filter(organisation=organisation, pk=pk).first()
            if parent is None:
                raise refuse("parent_id", "does_not_exist", _("There is no such department."))
        values["parent"] = parent
    return values


class SyncDepartments(WorkView):
    permission_classes = [requires("departments.sync_departments", "departments.sync_departments")]

    @extend_schema(operation_id="departments_sync", request=None, responses=responses(DepartmentsSynced))
    def post(self, request: Request) -> Response:
        """Take over departments from all active tills."""
        run, _created = start_sync(organisation=self.organisation(), trigger=Trigger.API, started_by=self.person())
        return answer(request, run, _synced)


def _synced(run: Run) -> dict[str, object]:
    return {**outcome(run), **{name: run.counts.get(name, 0) for name in COUNTS}}
