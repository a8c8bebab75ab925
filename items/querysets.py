from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from accounts.models import Membership, Organisation
from departments.models import Department

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class OrganisationRows(models.QuerySet[Any]):
    """Rows that belong to an organisation as a whole."""

    def visible_to(self, user: User | AnonymousUser) -> OrganisationRows:
        return self.filter(organisation__in=Organisation.objects.visible_to(user))


class ProductQuerySet(OrganisationRows):
    def active(self) -> ProductQuerySet:
        return self.filter(is_active=True)

    def in_group(self, group: int) -> ProductQuerySet:
        """Of the group and of all that are part of it, however deep."""
        groups = self.model._meta.get_field("group").related_model
        below: dict[int | None, list[int]] = {}
        for pk, parent in groups._default_manager.order_by().values_list("pk", "parent"):
            below.setdefault(parent, []).append(pk)
        found, todo = set(), [group]
        while todo:
            found.add(one := todo.pop())
            todo += [child for child in below.get(one, []) if child not in found]
        return self.filter(group__in=found)

    def called(self, words: str) -> ProductQuerySet:
        """Whose name or code holds the words, or that a source calls so."""
        told = Q(name__icontains=words) | Q(code__icontains=words) | Q(sources__external_id=words)
        return self.filter(told).distinct()


class _OfDepartmentsIfAny(OrganisationRows):
    def visible_to(self, user: User | AnonymousUser) -> _OfDepartmentsIfAny:
        """Rows of the departments a user sees, and of none where `everywhere` says so."""
        mine = Q(department__in=Department.objects.visible_to(user))
        return super().visible_to(user).filter(mine | self.everywhere(user))  # type: ignore[return-value]

    def everywhere(self, user: User | AnonymousUser) -> Q:
        raise NotImplementedError


class StoreQuerySet(_OfDepartmentsIfAny):
    def everywhere(self, user: User | AnonymousUser) -> Q:
        """Stores of nobody known are seen by who sees the whole chain."""
        whole = Membership.objects.filter(user=user.pk, all_departments=True).values("organisation")
        every = Q() if user.is_active and user.is_superuser else Q(organisation__in=whole)
        return Q(department=None) & every


class PriceQuerySet(_OfDepartmentsIfAny):
    def everywhere(self, user: User | AnonymousUser) -> Q:
        return Q(department=None)


class _OfPeople(OrganisationRows):
    """What somebody brought, and which may name any branch."""

    bringer: str

    def visible_to(self, user: User | AnonymousUser) -> _OfPeople:
        """All of the organisations a user sees as a whole; who sees some branches only sees what they brought."""
        if user.is_active and user.is_superuser:
            return self
        whole = Membership.objects.filter(user=user.pk, all_departments=True).values("organisation")
        mine = Q(**{self.bringer: user.pk}, organisation__in=Organisation.objects.visible_to(user))
        return self.filter(Q(organisation__in=whole) | mine)


class JobQuerySet(_OfPeople):
    bringer = "created_by"


class DeliveryQuerySet(_OfPeople):
    bringer = "user"


class _OfDepartments(models.QuerySet[Any]):
    def visible_to(self, user: User | AnonymousUser) -> _OfDepartments:
        if user.is_active and user.is_superuser:
            return self
        return self.filter(department__in=Department.objects.visible_to(user))

    def between(self, first: dt.date | None, last: dt.date | None) -> _OfDepartments:
        """Both days included; an open end is open."""
        rows = self
        if first:
            rows = rows.filter(date__gte=first)
        if last:
            rows = rows.filter(date__lte=last)
        return rows


class LineQuerySet(_OfDepartments):
    def standing(self) -> LineQuerySet:
        """Lines that were not deleted."""
        return self.filter(is_deleted=False)


class RollupQuerySet(_OfDepartments):
    def counted(self) -> RollupQuerySet:
        """Of each department's day the one source whose lines count."""
        return self.filter(is_counted=True)
