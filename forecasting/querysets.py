from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, Min, OuterRef, Q

from accounts.models import Organisation
from departments.models import Department
from forecasting.choices import PROMISES_KEPT

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from forecasting.models import Accuracy, BakeTerms, Forecast, ItemIssue, ModelVersion, OwnForecasts


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def visible_to(self, user: User | AnonymousUser) -> ModelVersionQuerySet:
        return self.filter(organisation__in=Organisation.objects.visible_to(user))

    def serving(self) -> ModelVersionQuerySet:
        return self.filter(state="serving")


class OwnForecastsQuerySet(models.QuerySet["OwnForecasts"]):
    def visible_to(self, user: User | AnonymousUser) -> OwnForecastsQuerySet:
        """One's own uploads: they may speak of branches that another person does not see."""
        return self.filter(uploaded_by=user.pk, organisation__in=Organisation.objects.visible_to(user))


class ForecastQuerySet(models.QuerySet["Forecast"]):
    def visible_to(self, user: User | AnonymousUser) -> ForecastQuerySet:
        if user.is_active and user.is_superuser:
            return self
        return self.filter(department__in=Department.objects.visible_to(user))

    def between(self, first: dt.date, last: dt.date) -> ForecastQuerySet:
        return self.filter(date__gte=first, date__lte=last)

    def as_promised(self, days_before: int) -> ForecastQuerySet:
        """Per department and date the newest forecast made before 07:00 local of date - days_before.

        Of thinned dates (forecasting.thinning) other numbers of days than PROMISES_KEPT may be missing; the accuracy log
        has them.
        """
        found = self._newest(lead_days__gte=days_before)
        if days_before in PROMISES_KEPT:
            return found
        return found.filter(Q(replaced_on=None) | Q(lead_days=days_before))

    def known_on(self, date: dt.date) -> ForecastQuerySet:
        """Per department and date what was the newest forecast on the morning of `date`, if it is kept."""
        return self._newest_on(date).filter(Q(replaced_on=None) | Q(replaced_on__gt=date))

    def lost_on(self, date: dt.date) -> ForecastQuerySet:
        """A forecast of each department and date whose newest on the morning of `date` is no longer kept."""
        return self._newest_on(date).filter(replaced_on__lte=date)

    def _newest_on(self, date: dt.date) -> ForecastQuerySet:
        return self._newest(issue__promised_on__lte=date)

    def newest(self) -> ForecastQuerySet:
        """Per department and date the newest forecast there is."""
        return self._newest()

    def _newest(self, **among: Any) -> ForecastQuerySet:
        """Of each department and date that of `among` which was promised last: what was promised later was made later.

        Only questions that an index answers: a subquery that sorts would be asked of every row before any other.
        """
        rows = self.filter(**among)
        # An issue of a night reaches weeks ahead: dozens of rows speak of a date, and few numbers of days are the least.
        least = rows.order_by().values("department_id", "date").annotate(least=Min("lead_days"))
        rows = rows.filter(lead_days__in=set(least.values_list("least", flat=True)))
        same = self.model._default_manager.filter(**among, department=OuterRef("department"), date=OuterRef("date"))
        later = same.filter(lead_days__lt=OuterRef("lead_days"))
        # Made on the same morning, as after a training: the last of them.
        made, number = OuterRef("issue__made_at"), OuterRef("issue_id")
        again = same.filter(lead_days=OuterRef("lead_days")).filter(
            Q(issue__made_at__gt=made) | Q(issue__made_at=made, issue_id__gt=number)
        )
        return rows.exclude(Exists(later)).exclude(Exists(again))


class AccuracyQuerySet(models.QuerySet["Accuracy"]):
    def visible_to(self, user: User | AnonymousUser) -> AccuracyQuerySet:
        if user.is_active and user.is_superuser:
            return self
        return self.filter(department__in=Department.objects.visible_to(user))

    def between(self, first: dt.date, last: dt.date) -> AccuracyQuerySet:
        return self.filter(date__gte=first, date__lte=last)

    def scored(self) -> AccuracyQuerySet:
        """Rows whose actual is believed."""
        return self.exclude(actual=None)

    def left_out(self) -> AccuracyQuerySet:
        """Rows of days that are not believed or not there. A day announced as closed that sold nothing is neither."""
        return self.filter(actual=None).exclude(Q(state="") & Q(rule="closed"))


class OfDepartments(models.QuerySet[Any]):
    def visible_to(self, user: User | AnonymousUser) -> OfDepartments:
        if user.is_active and user.is_superuser:
            return self
        return self.filter(department__in=Department.objects.visible_to(user))


class ItemForecastQuerySet(OfDepartments):
    def of(self, issue: ItemIssue, department: Department) -> ItemForecastQuerySet:
        return self.filter(issue=issue, department=department)


class BakeTermsQuerySet(models.QuerySet["BakeTerms"]):
    def visible_to(self, user: User | AnonymousUser) -> BakeTermsQuerySet:
        return self.filter(organisation__in=Organisation.objects.visible_to(user))
