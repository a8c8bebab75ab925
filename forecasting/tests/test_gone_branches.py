"""A branch that is switched off, or was closed before anybody said so, no longer counts in what the chain expects."""

import datetime as dt

import pytest
from django.utils import timezone

from departments.models import Department
from forecasting.aggregate import aggregate
from forecasting.choices import Origin
from forecasting.engine import api as engine
from forecasting.engine.recipe import RECIPES
from forecasting.models import Forecast, ForecastIssue
from forecasting.predict import make_issue
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.versions import save_version

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def version():
    organisation = make_chain(days=120, hourly_days=0)
    series = read_series(organisation, cutoff=CUTOFF, horizon=7)
    return save_version(organisation, engine.fit(series.panel, CUTOFF, RECIPES["quick"], calibrate=False), metrics={})


def issue_on(version, date: dt.date) -> ForecastIssue:
    """Of the early morning of that date, on the sales up to CUTOFF."""
    made_at = timezone.make_aware(dt.datetime.combine(date, dt.time(2)))
    issue = make_issue(version, horizon=7, origin=Origin.NIGHTLY, cutoff=CUTOFF, made_at=made_at)
    assert issue
    return issue


def expected(version, known_on: dt.date | None = None) -> int:
    """Branches that are expected to sell something."""
    departments = Department.objects.filter(organisation=version.organisation)
    totals = aggregate(departments, CUTOFF + 3 * DAY, CUTOFF + 7 * DAY, by="department", known_on=known_on)
    return sum(total.predicted > 0 for total in totals)


def test_what_was_promised_of_a_branch_that_is_gone_is_taken_back(version):
    off, closed, stays = Department.objects.filter(organisation=version.organisation).order_by("name")
    issue_on(version, CUTOFF + DAY)
    assert expected(version) == 3
    Department.objects.filter(pk=off.pk).update(is_active=False)
    Department.objects.filter(pk=closed.pk).update(closed_on=CUTOFF - 5 * DAY)
    issue = issue_on(version, CUTOFF + 2 * DAY)
    gone = issue.forecasts.exclude(department=stays)
    assert set(gone.values_list("rule", "predicted_sales", "upper_95")) == {("closed", 0, 0)}
    assert gone.count() == 2 * 7 and all(row.horizon == (row.date - CUTOFF).days for row in gone)
    assert expected(version) == 1
    assert expected(version, known_on=CUTOFF + DAY) == 3


def test_a_chain_without_any_hours_is_not_told_to_sell_all_round_the_clock(version):
    assert set(map(tuple, issue_on(version, CUTOFF + DAY).forecasts.values_list("hours", flat=True))) == {()}


def test_it_is_said_once_and_ends_when_the_branch_is_back(version):
    branch = Department.objects.filter(organisation=version.organisation).first()
    issue_on(version, CUTOFF + DAY)
    Department.objects.filter(pk=branch.pk).update(is_active=False)
    issue_on(version, CUTOFF + 2 * DAY)
    assert not issue_on(version, CUTOFF + 3 * DAY).forecasts.filter(department=branch).exists()
    Department.objects.filter(pk=branch.pk).update(is_active=True)
    issue_on(version, CUTOFF + 4 * DAY)
    assert expected(version) == 3


def test_a_morning_replayed_takes_nothing_back(version):
    branch = Department.objects.filter(organisation=version.organisation).first()
    issue_on(version, CUTOFF + DAY)
    Department.objects.filter(pk=branch.pk).update(is_active=False)
    made_at = timezone.make_aware(dt.datetime.combine(CUTOFF + 2 * DAY, dt.time(2)))
    make_issue(version, horizon=7, origin=Origin.REPLAY, cutoff=CUTOFF, made_at=made_at)
    assert not Forecast.objects.filter(department=branch, rule="closed").exists()
