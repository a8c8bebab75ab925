from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Q

from accounts.models import Organisation
from departments.choices import NAMING_KINDS, SELLING_TYPES, TYPES, Kind, Segment

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from departments.models import Change, Connection, Department


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible_to(self, user: User | AnonymousUser) -> ConnectionQuerySet:
        return self.filter(organisation__in=Organisation.objects.visible_to(user))

    def tills(self) -> ConnectionQuerySet:
        """Active connections that are asked for sales."""
        return self.filter(kind=Kind.IIKO, is_active=True)

    def naming(self) -> ConnectionQuerySet:
        """Active connections that are asked for departments: till servers, then the books."""
        return self.filter(kind__in=NAMING_KINDS, is_active=True).order_by("kind", "name")


class DepartmentQuerySet(models.QuerySet["Department"]):
    def visible_to(self, user: User | AnonymousUser) -> DepartmentQuerySet:
        """Departments within the scopes of the user's memberships; a scope covers what lies below it."""
        if not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        whole, some = scopes_of(user)
        return self.filter(Q(organisation__in=whole) | Q(pk__in=some))

    def selling(self) -> DepartmentQuerySet:
        """Departments that can have sales, not the companies and stores of the tree."""
        return self.filter(type__in=SELLING_TYPES)

    def currencies(self) -> dict[uuid.UUID, str]:
        """{department: the currency of its money}, which is its own or the organisation's. Never add one to another."""
        rows = self.order_by().values_list("pk", "currency", "organisation__currency")
        return {pk: own or common for pk, own, common in rows}

    def counted(self) -> dict[str, Any]:
        """{"departments", "selling", "types": [...], "segments": [...]}: how many of each, and how many are active."""
        counts = {"departments": Count("pk"), "active": Count("pk", filter=Q(is_active=True))}
        types: Any = self.order_by("type").values("type").annotate(**counts)
        segments: Any = self.selling().order_by("segment_type").values("segment_type").annotate(**counts)
        return {
            "departments": sum(row["departments"] for row in types),
            "selling": sum(row["departments"] for row in segments),
            "types": [row | {"title": str(TYPES.get(row["type"], row["type"]))} for row in types],
            "segments": [row | {"title": str(Segment(row["segment_type"]).label)} for row in segments],
        }


def scopes_of(user: User | AnonymousUser) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """The organisations the user sees as a whole, and single departments with what lies below them.

    Looked up once for each `user` in memory, as Django does it with permissions: a request has its own.
    """
    known: tuple[set[uuid.UUID], set[uuid.UUID]] | None = getattr(user, "_scopes", None)
    if known is None:
        known = user._scopes = _looked_up(user)  # type: ignore[union-attr]
    return known


def _looked_up(user: User | AnonymousUser) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    from departments.models import Department, DepartmentScope

    if user.is_anonymous:
        return set(), set()
    memberships = list(user.memberships.all())  # an API key brings them along
    whole = {joined.organisation_id for joined in memberships if joined.all_departments}
    limited = [joined.pk for joined in memberships if not joined.all_departments]
    if not limited:
        return whole, set()
    roots = set(DepartmentScope.objects.filter(membership__in=limited).values_list("department", flat=True))
    return whole, _with_descendants(Department, roots)


def _with_descendants(model: type[Department], roots: set[uuid.UUID]) -> set[uuid.UUID]:
    if not roots:
        return set()
    children: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    organisations = model.objects.filter(pk__in=roots).values("organisation")
    for pk, parent in model.objects.filter(organisation__in=organisations).values_list("pk", "parent"):
        children.setdefault(parent, []).append(pk)
    found: set[uuid.UUID] = set()
    waiting = list(roots)
    while waiting:
        pk = waiting.pop()
        if pk not in found:
            found.add(pk)
            waiting.extend(children.get(pk, []))
    return found


class ChangeQuerySet(models.QuerySet["Change"]):
    def visible_to(self, user: User | AnonymousUser) -> ChangeQuerySet:
        """Changes of what the user may see: of the chain as a whole, and of departments within the scopes."""
        from departments.models import Department

        rows = self.filter(organisation__in=Organisation.objects.visible_to(user))
        return rows.filter(Q(department=None) | Q(department__in=Department.objects.visible_to(user).values("pk")))


class CalendarQuerySet(models.QuerySet[Any]):
    def known_on(self, date: dt.date) -> CalendarQuerySet:
        """What a person could know on the morning after `date`; nothing else may reach a forecast."""
        return self.filter(known_from__lte=date)
