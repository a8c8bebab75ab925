"""A quarter ahead: made by the same version, read everywhere, and no day of the first weeks depends on it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_api_key
from accounts.roles import Role
from departments.models import Department, Holiday
from forecasting.choices import LONGEST_HORIZON, Origin
from forecasting.engine.recipe import RECIPES
from forecasting.models import Forecast, ForecastIssue, ModelVersion
from forecasting.predict import make_issue
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.train import fit_series, train_version
from forecasting.versions import save_version, serve

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
FAR = CUTOFF + 60 * DAY
AMOUNTS = ("predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95", "rule", "hours")


@pytest.fixture
def version() -> ModelVersion:
    organisation = make_chain(departments=2, days=130)
    # So far ahead that five weeks do not show it, and near enough to change how their last days are seen.
    Holiday.objects.create(organisation=organisation, date=CUTOFF + 38 * DAY, key="victory", name="Victory Day")
    fit = fit_series(read_series(organisation, cutoff=CUTOFF, horizon=35), RECIPES["quick"])
    version = save_version(organisation, fit, metrics={})
    serve(version)
    return version


def issue_of(version: ModelVersion, horizon: int, night: int = 1) -> ForecastIssue:
    made_at = timezone.make_aware(dt.datetime.combine(CUTOFF + night * DAY, dt.time(2)))
    issue = make_issue(version, horizon=horizon, origin=Origin.NIGHTLY, cutoff=CUTOFF, made_at=made_at)
    assert issue
    return issue


def test_the_first_weeks_are_the_same_to_the_cent_however_far_is_asked(version):
    month, quarter = issue_of(version, 35), issue_of(version, LONGEST_HORIZON)
    assert (month.forecasts.count(), quarter.forecasts.count()) == (2 * 35, 2 * LONGEST_HORIZON)
    near = quarter.forecasts.filter(horizon__lte=35)
    asked = ("department", "date", "cutoff", "horizon", *AMOUNTS)
    assert list(near.order_by("department", "date").values_list(*asked)) == list(
        month.forecasts.order_by("department", "date").values_list(*asked)
    )


def test_a_day_two_months_ahead_is_told_like_any_other(version):
    issue_of(version, LONGEST_HORIZON)
    _row, key = create_api_key(organisation=version.organisation, name="plan", role=Role.ANALYST)
    client, branch = Client(headers={"authorization": f"Api-Key {key}"}), Department.objects.earliest("name")
    one = client.get(f"/api/forecast/{FAR}/{branch.pk}").json()
    assert 0 <= one["lower_95"] <= one["lower_80"] <= one["predicted_sales"] <= one["upper_80"] <= one["upper_95"]
    hours = client.get(f"/api/forecast/hourly/{FAR}/{branch.pk}").json()["hours"]
    assert sum(Decimal(str(hour["predicted_sales"])) for hour in hours) == Decimal(str(one["predicted_sales"]))
    assert {hour["hour"] for hour in hours if hour["predicted_sales"] > 0} == {9, 13, 19}
    reasons = client.get(f"/api/forecast/explain/{FAR}/{branch.pk}").json()["reasons"]
    assert sum(Decimal(str(each["amount"])) for each in reasons) == Decimal(str(one["predicted_sales"]))
    span = f"from_date={CUTOFF + DAY}&to_date={CUTOFF + LONGEST_HORIZON * DAY}"
    assert len(client.get(f"/api/forecast/batch?{span}").json()) == 2 * LONGEST_HORIZON
    months = client.get(f"/api/forecast/aggregate?{span}&by=month").json()
    assert [month["group"] for month in months] == ["2026-04", "2026-05", "2026-06", "2026-07"]
    for month in months:
        assert month["missing"] == 0 and month["lower_80"] < month["predicted_sales"] < month["upper_80"]
    file = client.get(f"/api/forecast/export/csv?{span}&style=plain").getvalue().decode()
    assert file.count("\n") == 1 + 2 * LONGEST_HORIZON and FAR.isoformat() in file


def test_a_night_that_reaches_less_far_leaves_the_plan_as_it_is(version):
    """Even of a branch that opens later than the night reaches."""
    opens = Department.objects.create(organisation=version.organisation, name="New", opened_on=CUTOFF + 50 * DAY)
    plan = issue_of(version, LONGEST_HORIZON)
    assert plan.forecasts.filter(department=opens, date__gte=opens.opened_on, predicted_sales__gt=0).count() == 43
    night = issue_of(version, 35, night=2)
    assert not night.forecasts.filter(department=opens).exists()
    newest = Forecast.objects.filter(date__gt=CUTOFF).newest()
    assert set(newest.filter(horizon__gt=35).values_list("issue", flat=True)) == {plan.pk}
    assert set(newest.filter(horizon__lte=35).exclude(department=opens).values_list("issue", flat=True)) == {night.pk}


def test_a_version_learns_the_same_however_far_it_is_to_forecast(settings, monkeypatch):
    """An event two months ahead would be a column more to learn from."""
    settings.FORECAST_HORIZON = LONGEST_HORIZON

    class Read(Exception):
        pass

    def read(*_args: object, horizon: int, **_options: object) -> None:
        raise Read(horizon)

    monkeypatch.setattr("forecasting.train.read_series", read)
    with pytest.raises(Read, match=r"^35$"):
        train_version(make_chain(departments=1, days=1))
