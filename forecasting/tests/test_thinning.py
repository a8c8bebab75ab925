"""Old issues are thinned: what was promised 1, 7 and 28 days before stays as it was, and nothing else pretends to be it."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.utils import timezone

from departments.models import Department
from departments.timing import organisation_today
from forecasting.choices import PROMISES_KEPT, WHOLE_ISSUES
from forecasting.compare import compare
from forecasting.measure import measure
from forecasting.models import Accuracy, Forecast, ForecastIssue, ModelVersion
from forecasting.thinning import measured_through, thin, whole_issues
from runs.ledger import run_now
from runs.models import Run
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
DAY = dt.timedelta(days=1)
NIGHTS, AHEAD = 50, 33


def issue(version: ModelVersion, departments: list[Department], promised_on: dt.date, hour: int, ahead: int = AHEAD):
    at = dt.datetime.combine(promised_on - DAY * (hour >= 7), dt.time(hour, 30))
    made = ForecastIssue.objects.create(
        organisation=version.organisation, version=version, made_at=timezone.make_aware(at), promised_on=promised_on,
        data_as_of=promised_on - DAY, origin="nightly",
    )  # fmt: skip
    value = Decimal(made.pk)
    Forecast.objects.bulk_create(
        Forecast(
            issue=made, department=department, date=promised_on + lead * DAY, cutoff=promised_on - DAY,
            horizon=lead + 1, lead_days=lead, predicted_sales=value, lower_80=value, upper_80=value,
            lower_95=value, upper_95=value, rule="model",
        )
        for department in departments
        for lead in range(-1 if hour >= 7 else 0, ahead + 1)
    )  # fmt: skip
    return made


@pytest.fixture
def chain(world: World) -> World:
    """Without forecasts yet."""
    ForecastIssue.objects.all().delete()
    return world


def nights(world: World, seed: int) -> None:
    """Most nights an issue, sometimes none, sometimes a second one by day, sometimes without one of the branches."""
    draw, today = random.Random(seed), organisation_today(world.organisation)
    for back in range(NIGHTS, -1, -1):
        branches = [world.cafe, world.bar] if draw.random() < 0.8 else [world.bar]
        if draw.random() < 0.8:
            issue(world.version, branches, today - back * DAY, 2, draw.choice([AHEAD, AHEAD, 10]))
        if back and draw.random() < 0.15:
            issue(world.version, branches, today - back * DAY + DAY, draw.choice([10, 15]))


def kept(days_before: int) -> set[tuple]:
    rows = Forecast.objects.all().as_promised(days_before)
    return set(rows.values_list("department", "date", "issue", "predicted_sales"))


def promised(world: World, **how) -> dict[tuple, Decimal | None]:
    today = organisation_today(world.organisation)
    everyone = Department.objects.filter(organisation=world.organisation)
    rows = compare(departments=everyone, first=today - (NIGHTS + 2) * DAY, last=today - DAY, today=today, **how)
    return {(row.department_id, row.date): row.predicted for row in rows if row.predicted is not None}


def test_promises_stay_answerable_and_no_other_forecast_stands_in_for_a_lost_one(chain: World):
    nights(chain, seed=1)
    today = organisation_today(chain.organisation)
    measure(chain.organisation)
    before = {days: kept(days) for days in PROMISES_KEPT}
    told = {days: promised(chain, days_before=days) for days in range(1, 29)}
    mornings = [today - back * DAY for back in (0, 3, 12, 20, 31, NIGHTS)]
    known = {
        morning: dict(Forecast.objects.all().known_on(morning).values_list("pk", "predicted_sales"))
        for morning in mornings
    }
    compared = {morning: promised(chain, known_on=morning) for morning in mornings}
    log = list(Accuracy.objects.order_by("pk").values())
    whole = Forecast.objects.filter(issue__in=whole_issues(chain.organisation)).count()
    rows = Forecast.objects.count()

    assert thin(chain.organisation) == rows - Forecast.objects.count() > rows / 4
    assert thin(chain.organisation) == 0

    assert {days: kept(days) for days in PROMISES_KEPT} == before
    assert Forecast.objects.filter(issue__in=whole_issues(chain.organisation)).count() == whole
    old = Forecast.objects.exclude(issue__in=whole_issues(chain.organisation)).filter(date__lt=today)
    assert old.count() <= len(PROMISES_KEPT) * 2 * (NIGHTS + 2)
    for morning in mornings:
        found = Forecast.objects.all().known_on(morning)
        lost = Forecast.objects.all().lost_on(morning).values_list("department", "date")
        assert dict(found.values_list("pk", "predicted_sales")).items() <= known[morning].items()
        assert found.count() + lost.count() <= len(known[morning])
        for days in range(1, 29):
            if morning + days * DAY < today:
                answered = set(found.filter(date=morning + days * DAY).values_list("department", "predicted_sales"))
                true = {(key[0], value) for key, value in told[days].items() if key[1] == morning + days * DAY}
                assert answered <= true
    # What is no longer kept is read from the log.
    assert {days: promised(chain, days_before=days) for days in range(1, 29)} == told
    for morning in mornings:
        after = promised(chain, known_on=morning)
        assert {key: after.get(key) for key in compared[morning] if 1 <= (key[1] - morning).days <= 28} == {
            key: value for key, value in compared[morning].items() if 1 <= (key[1] - morning).days <= 28
        }
    assert measure(chain.organisation) == 0
    assert list(Accuracy.objects.order_by("pk").values()) == [
        {**row, "measured_at": now["measured_at"]}
        for row, now in zip(log, Accuracy.objects.order_by("pk").values(), strict=True)
    ]


def test_nothing_goes_before_its_date_is_measured_and_the_newest_issues_stay_whole(chain: World):
    today = organisation_today(chain.organisation)
    for back in range(WHOLE_ISSUES + 2, 0, -1):
        issue(chain.version, [chain.cafe], today - back * DAY, 2)
    assert measured_through(chain.organisation) < today - WHOLE_ISSUES * DAY
    promises = Forecast.objects.filter(lead_days__gte=1)
    before = promises.count()
    thin(chain.organisation)
    assert promises.count() == before
    measure(chain.organisation)
    first = ForecastIssue.objects.earliest("promised_on")
    assert thin(chain.organisation) > 0
    leads = set(first.forecasts.filter(date__lt=today).values_list("lead_days", flat=True))
    assert leads == {1, 7}
    assert first.forecasts.filter(date__gte=today).count() == AHEAD + 1 - (WHOLE_ISSUES + 2)
    newest = ForecastIssue.objects.filter(pk__in=whole_issues(chain.organisation))
    assert {each.forecasts.count() for each in newest} == {AHEAD + 1}


def test_of_plans_for_a_quarter_only_some_stay_until_their_date_comes(chain: World):
    today, ahead, nights = organisation_today(chain.organisation), 91, 60
    for back in range(nights, -1, -1):
        issue(chain.version, [chain.cafe], today - back * DAY, 2, ahead)
    measure(chain.organisation)
    date = today + 25 * DAY
    assert Forecast.objects.filter(date=date).count() == nights + 1
    told = {days: promised(chain, days_before=days) for days in range(1, 29)}
    known = {back: list(Forecast.objects.filter(date=date).known_on(today - back * DAY)) for back in (3, 20, 31, 59)}
    assert thin(chain.organisation) > 0
    leads = sorted(Forecast.objects.filter(date=date).values_list("lead_days", flat=True))
    assert leads == [*range(25, 25 + WHOLE_ISSUES), 56, 84]  # the newest nights, and older ones' plans
    assert thin(chain.organisation) == 0
    assert {days: promised(chain, days_before=days) for days in range(1, 29)} == told
    of_date = Forecast.objects.filter(date=date)
    for back, rows in known.items():
        assert list(of_date.known_on(today - back * DAY)) in ([], rows)
    assert list(of_date.known_on(today - 31 * DAY)) == known[31]
    assert of_date.lost_on(today - 20 * DAY).exists() and not of_date.known_on(today - 20 * DAY).exists()


def test_the_night_thins_after_it_has_measured(chain: World):
    nights(chain, 3)
    run = Run.objects.create(organisation=chain.organisation, kind="measure", trigger="command")
    done = run_now(run)
    assert done.counts["measured"] > 0 and done.counts["thinned"] > 0


def test_a_morning_whose_forecast_is_gone_is_refused_in_a_sentence(chain: World):
    today = organisation_today(chain.organisation)
    for back in range(30, 0, -1):
        issue(chain.version, [chain.cafe], today - back * DAY, 2)
    date = today - 18 * DAY
    client = chain.client("analyst")
    paths = [
        f"/api/forecast/{date}/{chain.cafe.pk}?", f"/api/forecast/hourly/{date}/{chain.cafe.pk}?",
        f"/api/forecast/batch?from_date={date}&to_date={date}&", f"/api/forecast/aggregate?from_date={date}&to_date={date}&",
        f"/api/forecast/export/csv?from_date={date}&to_date={date}&",
    ]  # fmt: skip
    measure(chain.organisation)
    thin(chain.organisation)
    for path in paths:
        assert client.get(f"{path}known_on={date - 7 * DAY}").status_code == 200
        refused = client.get(f"{path}known_on={date - 3 * DAY}", headers={"accept-language": "en"})
        assert refused.status_code == 404
        assert refused.json()["errors"][0]["code"] == "no_longer_kept"
        assert "1, 7 and 28 days before" in refused.json()["errors"][0]["detail"]
    row = client.get(f"/api/forecast/comparison?from_date={date}&to_date={date}&known_on={date - 3 * DAY}").json()[0]
    assert row["predicted_sales"] == Accuracy.objects.get(date=date, horizon=3).predicted_sales
