from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, F, Min, OuterRef, Q, Subquery

from accounts.models import Organisation
from departments.models import Department
from forecasting.choices import PROMISES_KEPT

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from forecasting.models import Accuracy, Forecast, ModelVersion, OwnForecasts


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
        among = self.model._default_manager.filter(lead_days__gte=days_before)
        rows = self.filter(lead_days__gte=days_before)
        # Mostly there is one made exactly so many days before: the index tells which others are worth looking at.
        least = rows.order_by().values("department_id", "date").annotate(least=Min("lead_days"))
        found = rows.filter(lead_days__in=set(least.values_list("least", flat=True)))._newest(among)
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
        return self._newest(self.model._default_manager.filter(issue__promised_on__lte=date))

    def newest(self) -> ForecastQuerySet:
        """Per department and date the newest forecast there is."""
        return self._newest(self.model._default_manager.all())

    def _newest(self, among: models.QuerySet[Any]) -> ForecastQuerySet:
        same = among.filter(department=OuterRef("department"), date=OuterRef("date"))
        # What was promised later was made later. Asked of the index first, this leaves one row of dozens to be compared.
        later = same.filter(lead_days__lt=OuterRef("lead_days"))
        best = same.order_by(F("issue__made_at").desc(), F("issue_id").desc()).values("pk")[:1]
        return self.exclude(Exists(later)).filter(pk=Subquery(best))


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
