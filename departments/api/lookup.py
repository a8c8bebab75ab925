"""Departments named in a request. What lies outside somebody's scope does not exist for them."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from departments.api.serializers import DepartmentInPath
from departments.models import Department
from departments.querysets import DepartmentQuerySet


def department_or_404(request: Request, pk: UUID) -> Department:
    department = Department.objects.visible_to(request.user).select_related("organisation").filter(pk=pk).first()
    if department is None:
        raise NotFound
    return department


def department_in_path(request: Request, text: str) -> Department:
    """The department of a path's part. Raises ValidationError for what is no id, NotFound."""
    return department_or_404(request, DepartmentInPath.check({"id": text})["id"])


def departments_asked_for(request: Request, pk: UUID | None) -> DepartmentQuerySet:
    """All that may be seen, or the one of `pk`. Raises NotFound."""
    visible = Department.objects.visible_to(request.user)
    return visible if pk is None else visible.filter(pk=department_or_404(request, pk).pk)


def chosen_departments(request: Request, parameters: dict[str, Any]) -> DepartmentQuerySet:
    """What `department_id`, `departments` (a list) and `segment_type` name, of what may be seen. Raises NotFound."""
    chosen = departments_asked_for(request, parameters.get("department_id"))
    if "departments" in parameters:
        wanted = set(parameters["departments"])
        chosen = chosen.filter(pk__in=wanted)
        if chosen.count() < len(wanted):
            raise NotFound
    if "segment_type" in parameters:
        chosen = chosen.filter(segment_type=parameters["segment_type"])
    return chosen
