"""The state of a day stands wherever its number stands: a coloured word that says what it means."""

import datetime as dt
import re

import pytest
from django.utils import translation

from departments.models import Connection
from sales.badges import day_badge, settles_until, settling_words
from sales.choices import EXPLAINED, TONES, DayState
from sales.models import SalesSummary, SourceDay
from tests.reading import reader, rows
from tests.world import World

DAYS, HOURS = "/admin/sales/salessummary/", "/admin/sales/salesbyhour/"
COMPARISON, DAY = "/admin/forecasting/modelversion/comparison/", "/admin/forecasting/modelversion/day/"


@pytest.mark.unit
@pytest.mark.parametrize("state", DayState.values)
def test_every_state_has_a_colour_a_word_and_an_explanation(state):
    with translation.override("en"):
        badge = day_badge(state)
        assert f'class="sf-badge sf-{TONES[DayState(state)]}"' in badge
        assert f'title="{EXPLAINED[DayState(state)]}"' in badge.replace("&#x27;", "'")
        assert f">{DayState(state).label}<" in badge


@pytest.mark.unit
def test_a_day_settles_for_as_long_as_nights_read_it_again(settings):
    settings.SETTLING_DAYS = 14
    today = dt.date.today()
    assert settles_until(dt.date(2026, 2, 20)) == dt.date(2026, 3, 6)
    with translation.override("en"):
        last = today - dt.timedelta(days=14)
        assert settling_words(last, False) == f"settles until {today:%d.%m}"
        assert settling_words(last - dt.timedelta(days=1), False) == "not settled"
        assert settling_words(last, True) == ""


@pytest.mark.integration
@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize("state", DayState.values)
    def test_wherever_the_number_shows(self, world: World, state):
        Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
        date = world.days[-1]
        SalesSummary.objects.filter(department=world.cafe, date=date).update(state=state)
        cafe, day = str(world.cafe.pk), {"date_from": str(date), "date_to": str(date)}
        with translation.override("en"):
            badge = day_badge(state)
        staff = reader(world, "staff")
        for path, query in (
            ("/", {}),
            (DAYS, day),
            (HOURS, day),
            (f"{DAYS}day/{cafe}/{date}/", {}),
            (DAY, {"department": cafe, "date": str(date)}),
            (COMPARISON, {"department": cafe, "from_date": str(date), "to_date": str(date)}),
        ):
            assert badge in staff.get(path, query).content.decode(), path

    def test_a_day_that_settles_says_until_when_and_a_settled_one_says_nothing(self, world: World):
        till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
        SalesSummary.objects.filter(department=world.cafe).update(connection=till)
        SourceDay.objects.create(organisation=world.organisation, connection=till, date=world.days[0], is_settled=True)
        staff = reader(world, "staff")
        for path in (DAYS, HOURS, COMPARISON):
            lines = rows(staff.get(path))
            for date in world.days:
                found = [line for line in lines if f"{date:%d.%m.%Y}" in line]
                until = f"settles until {date + dt.timedelta(days=14):%d.%m}"
                assert found and all((until in line) == (date != world.days[0]) for line in found), (path, date)

    def test_the_list_is_filtered_by_settled(self, world: World):
        till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
        SalesSummary.objects.filter(department__in=[world.cafe, world.bar]).update(connection=till)
        SourceDay.objects.create(organisation=world.organisation, connection=till, date=world.days[1], is_settled=True)
        analyst = reader(world, "analyst")
        settled = rows(analyst.get(DAYS, {"settled": "1"}))
        assert {line.split()[0] for line in settled} == {f"{world.days[1]:%d.%m.%Y}"} and len(settled) == 2
        assert len(rows(analyst.get(DAYS, {"settled": "0"}))) == 19
        assert len(rows(analyst.get(DAYS, {"settled": "nonsense"}))) == 21

    def test_the_chart_is_told_which_days_to_mark(self, world: World):
        html = reader(world, "analyst").get(COMPARISON, {"department": str(world.bar.pk)}).content.decode()
        marked = {
            re.search('data-date="([^"]+)"', tag)[1]: (
                re.search('data-state="([^"]+)"', tag)[1],
                "data-doubtful" in tag,
            )
            for tag in re.findall("<tr data-date[^>]*>", html)
            if "data-state" in tag
        }
        assert marked == {str(world.days[-1]): ("suspicious", True), str(world.days[-2]): ("missing", True)}

    def test_more_days_are_no_more_queries(self, world: World, django_assert_max_num_queries):
        analyst = reader(world, "analyst")
        analyst.get(HOURS)
        with django_assert_max_num_queries(14):
            analyst.get(HOURS)
