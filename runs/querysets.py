from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import Membership, Organisation
from runs import clock
from runs.choices import UNFINISHED, Severity, State

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from runs.models import Alarm, Run


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User | AnonymousUser) -> RunQuerySet:
        """Runs of the organisations a user sees as a whole; who sees some branches only sees their own runs.

        What a run says may name any branch.
        """
        if user.is_active and user.is_superuser:
            return self
        whole = Membership.objects.filter(user=user.pk, all_departments=True).values("organisation")
        mine = Q(started_by=user.pk, organisation__in=Organisation.objects.visible_to(user))
        return self.filter(Q(organisation__in=whole) | mine)

    def unfinished(self) -> RunQuerySet:
        return self.filter(state__in=UNFINISHED)

    def roots(self) -> RunQuerySet:
        """What somebody or the schedule started, without the runs those started in turn."""
        return self.filter(parent=None)

    def claimable(self) -> RunQuerySet:
        """Queued and due, or running under a lease that lapsed: nobody alive works on them."""
        now = clock.database_now()
        return self.filter(Q(state=State.QUEUED, not_before__lte=now) | Q(state=State.RUNNING, lease_until__lt=now))


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def visible_to(self, user: User | AnonymousUser) -> AlarmQuerySet:
        """Alarms of the organisations a user sees as a whole; those of single branches are added by who knows branches."""
        if user.is_active and user.is_superuser:
            return self
        whole = Membership.objects.filter(user=user.pk, all_departments=True).values("organisation")
        return self.filter(organisation__in=whole)

    def standing(self) -> AlarmQuerySet:
        """Critical ones first."""
        weight = models.Case(
            models.When(severity=Severity.CRITICAL, then=0), models.When(severity=Severity.WARNING, then=1), default=2
        )
        return self.filter(ended_at=None).order_by(weight, "-id")
