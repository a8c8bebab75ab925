"""Today made anew from the hours that are over."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts.formats import amount
from departments.models import Department
from forecasting.models import Forecast
from forecasting.today import rest_of_today
from sales.choices import DayState
from sales.models import SalesByHour, SalesSummary
from tests.reading import content, reader, words
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = "/admin/forecasting/modelversion/day/"
TOLD = {"power": [0.5] * 24, "uncertainty": [0.5] * 24}


@pytest.fixture
def noon(world: World):
    """Half past two of the world's today."""
    moment = timezone.make_aware(dt.datetime.combine(world.today, dt.time(14, 30)))
    with time_machine.travel(moment, tick=False):
        yield moment


def sold(world: World, hours: dict[int, str], loaded: dt.datetime, state: str = DayState.OPEN_SHIFT) -> None:
    common = {"organisation": world.organisation, "department": world.cafe, "date": world.today}
    common |= {"created_at": loaded, "updated_at": loaded, "synced_at": loaded}
    SalesSummary.objects.create(total_sales=sum(map(Decimal, hours.values())), state=state, **common)
    SalesByHour.objects.bulk_create(SalesByHour(hour=h, sales_amount=Decimal(m), **common) for h, m in hours.items())


def of_today(world: World) -> Forecast:
    return Forecast.objects.select_related("issue__version").get(department=world.cafe, date=world.today)


def test_a_strong_morning_raises_the_evening_and_the_hours_add_up(world: World, noon):
    world.version.manifest["mornings"] = TOLD
    world.version.save()
    sold(world, {9: "40000.5", 14: "10"}, noon)
    forecast = of_today(world)
    now = rest_of_today(world.cafe, forecast)
    evening = float(forecast.hours[19]) * (40000.5 / 20000.25) ** 0.5
    assert (now.hours[9], now.hours[14], now.as_of) == (Decimal("40000.5"), 10, noon)
    assert float(now.hours[19]) == pytest.approx(evening, abs=0.01)
    assert (now.predicted, now.sold) == (sum(now.hours), Decimal("40010.5"))
    wide = forecast.upper_80 - forecast.lower_80
    assert now.sold < now.bounds["lower_80"] < now.predicted < now.bounds["upper_80"]
    assert now.bounds["upper_80"] - now.bounds["lower_80"] < wide


def test_a_version_that_learned_nothing_of_mornings_leaves_the_evening_as_it_was(world: World, noon):
    sold(world, {9: "40000.5"}, noon)
    forecast = of_today(world)
    assert str(rest_of_today(world.cafe, forecast).hours[19]) == forecast.hours[19]


def test_hours_after_midnight_belong_to_the_evening(world: World, noon):
    Forecast.objects.filter(pk=of_today(world).pk).update(
        hours=["5000", *["0"] * 10, "20000", *["0"] * 10, "35000", "0"], predicted_sales=60000
    )
    sold(world, {11: "20000"}, noon)
    now = rest_of_today(world.cafe, of_today(world))
    assert (now.hours[0], now.done) == (5000, [11, 12, 13])


@pytest.mark.parametrize("why", ["nothing loaded", "closed", "before opening", "loaded yesterday"])
def test_there_is_nothing_to_tell_while_no_hour_is_over_or_once_the_day_is(world: World, noon, why):
    if why == "closed":
        sold(world, {9: "100"}, noon, DayState.COMPLETE)
    elif why == "before opening":
        sold(world, {14: "100"}, noon)
    elif why == "loaded yesterday":
        sold(world, {9: "100"}, noon - dt.timedelta(days=1))
    assert rest_of_today(world.cafe, of_today(world)) is None
    answer = world.client("staff").get(f"/api/forecast/today/{world.cafe.pk}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "no_hours_yet")


def test_page_and_api_tell_the_same_and_as_of_when(world: World, noon):
    Department.objects.filter(pk=world.cafe.pk).update(time_zone="Asia/Dubai")
    sold(world, {9: "40000.5"}, noon)
    told = world.client("staff").get(f"/api/forecast/today/{world.cafe.pk}").json()
    assert told["as_of"] == f"{world.today}T13:30:00+04:00"
    assert sum(Decimal(str(hour["predicted_sales"])) for hour in told["hours"]) == Decimal(str(told["predicted_sales"]))
    assert [hour["hour"] for hour in told["hours"] if hour["sold"]] == [9, 10, 11, 12]
    text = content(reader(world, "staff").get(PAGE, {"department": world.cafe.pk, "date": world.today}))
    assert f"Expected now, as of 13:30, KZT {words(amount(Decimal(str(told['predicted_sales']))))}" in text
    yesterday = content(reader(world, "staff").get(PAGE, {"department": world.cafe.pk, "date": world.days[-1]}))
    assert "Expected now" not in yesterday


def test_nobody_sees_the_day_of_another_branch(world: World):
    assert world.client("staff").get(f"/api/forecast/today/{world.bar.pk}").status_code == 404
