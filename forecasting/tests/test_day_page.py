"""A day by the hour on the screen."""

import datetime as dt

import pytest

from accounts.formats import amount
from departments.models import Closure
from forecasting.models import Forecast
from sales.hours import open_hours
from tests.reading import content, reader, words
from tests.world import HOURS, World

PAGE = "/admin/forecasting/modelversion/day/"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("busy", "shown"),
    [
        ((8, 13, 20), list(range(8, 21))),
        ((18, 23, 1), [18, 19, 20, 21, 22, 23, 0, 1]),
        ((12,), [12]),
        (range(24), list(range(24))),
        ((), []),
    ],
)
def test_hours_are_shown_in_the_order_in_which_they_are_lived(busy, shown):
    assert open_hours([hour in busy for hour in range(24)]) == shown


@pytest.mark.integration
@pytest.mark.django_db
class TestPage:
    def test_yesterday_shows_hours_promised_and_sold(self, world: World):
        asked = {"department": str(world.cafe.pk), "date": f"{world.days[-1]:%d.%m.%Y}"}
        text = content(reader(world, "staff").get(PAGE, asked))
        forecast = Forecast.objects.get(department=world.cafe, date=world.days[-1])
        assert f"Forecast, KZT {words(amount(forecast.predicted_sales))}" in text
        assert f"Actual, KZT {words(amount(sum(HOURS.values())))}" in text
        assert f"08:00 0 {words(amount(HOURS[8]))}" in text
        assert "09:00 20 000 —" in text
        assert "07:00" not in text and "21:00" not in text

    def test_without_a_choice_it_is_today_of_the_first_own_department(self, world: World):
        page = reader(world, "staff").get(PAGE)
        assert f'value="{world.today:%d.%m.%Y}"' in page.content.decode()
        assert "Cafe on Abay" in content(page) and "Bar 22" not in content(page)

    def test_a_day_beyond_the_horizon_says_so(self, world: World):
        far = world.today + dt.timedelta(days=300)
        assert "Neither a forecast nor sales" in content(reader(world, "staff").get(PAGE, {"date": far.isoformat()}))

    def test_a_closure_that_the_forecast_did_not_know_is_told(self, world: World):
        told = "The calendar has this day as closed."
        day = {"organisation": world.organisation, "department": world.cafe}
        Closure.objects.create(first=world.today - dt.timedelta(days=9), last=world.today - dt.timedelta(days=1), **day)
        assert told not in content(reader(world, "staff").get(PAGE))
        Closure.objects.create(first=world.today, **day)
        assert told in content(reader(world, "staff").get(PAGE))
        yesterday = {"date": (world.today - dt.timedelta(days=1)).isoformat()}
        assert told not in content(reader(world, "staff").get(PAGE, yesterday))
        Forecast.objects.filter(department=world.cafe, date=world.today).update(rule="closed")
        assert told not in content(reader(world, "staff").get(PAGE))

    def test_a_forecast_without_hours_says_that_hours_are_not_known(self, world: World):
        Forecast.objects.filter(department=world.cafe).update(hours=[])
        tomorrow = {"date": (world.today + dt.timedelta(days=1)).isoformat()}
        text = content(reader(world, "staff").get(PAGE, tomorrow))
        assert "over its hours is not known" in text and "Neither a forecast" not in text

    def test_another_persons_department_is_no_choice(self, world: World):
        text = content(reader(world, "staff").get(PAGE, {"department": str(world.bakery.pk)}))
        assert "Select a valid choice" in text and "Bakery" not in text
