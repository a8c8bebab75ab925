"""Fact against forecast on the screen: the rows of the comparison, its total, and the figures the chart is drawn from."""

import datetime as dt
import re
from html import unescape

import pytest

from accounts.formats import amount, percent
from departments.models import Department
from forecasting import pages
from forecasting.compare import compare, summary
from tests.reading import content, reader, rows, words
from tests.world import World, forecast

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = "/admin/forecasting/modelversion/comparison/"
TABLE = 'id="comparison"'


def compared(world: World, *departments: Department, **more: object) -> list:
    return compare(
        departments=Department.objects.filter(pk__in=[department.pk for department in departments]),
        **{"first": world.days[0], "last": world.days[-1], "today": world.today} | more,
    )


def data(page: object) -> list[dict[str, str]]:
    """What each row gives the chart and the sorting."""
    return [
        dict(re.findall(r'data-(\w+)="([^"]*)"', tag))
        for tag in re.findall(r"<tr (data-date.*?)>", page.content.decode())
    ]


def test_without_a_choice_it_shows_four_weeks_up_to_yesterday_of_all_departments(world: World):
    page = reader(world, "analyst").get(PAGE)
    found = data(page)
    assert len(found) == len(compared(world, *world.departments)) == 21
    assert {row["date"] for row in found} == {day.isoformat() for day in world.days}
    first = world.today - dt.timedelta(days=28)
    assert f'value="{first:%d.%m.%Y}"' in page.content.decode()


def test_rows_and_total_are_those_of_the_comparison(world: World):
    expected = compared(world, *world.departments)
    page = reader(world, "analyst").get(PAGE)
    for line, row in zip(rows(page, TABLE), expected, strict=True):
        assert row.department_name in line and f"{row.date:%d.%m.%Y}" in line
        for value in (row.predicted, row.actual, row.lower_80, row.upper_80):
            assert words(amount(value)) in line
    total = summary(expected)
    text = content(page)
    assert f"Mean miss (WAPE) {words(percent(total['wape']))}" in text
    assert f"Days compared {total['n']}" in text
    assert words(amount(total["predicted"])) in text and words(amount(total["actual"])) in text


def test_the_chart_appears_with_one_department_and_gets_exact_figures(world: World):
    assert "<canvas" not in reader(world, "analyst").get(PAGE).content.decode()
    page = reader(world, "analyst").get(PAGE, {"department": str(world.cafe.pk)})
    assert "<canvas" in page.content.decode() and "chart.umd.js" in page.content.decode()
    expected = compared(world, world.cafe)
    assert [(row["forecast"], row["actual"], row["lower"]) for row in data(page)] == [
        (str(row.predicted), str(row.actual), str(row.lower_80)) for row in expected
    ]


def test_a_missing_day_has_no_figure_rather_than_zero(world: World):
    page = reader(world, "analyst").get(PAGE, {"department": str(world.bar.pk)})
    missing = next(row for row in data(page) if row["date"] == world.days[-2].isoformat())
    assert missing["actual"] == "" and missing["error"] == ""
    line = next(line for line in rows(page, TABLE) if f"{world.days[-2]:%d.%m.%Y}" in line)
    assert "missing" in line and "—" in line


def test_days_ahead_show_the_forecast_alone(world: World):
    last = world.today + dt.timedelta(days=6)
    page = reader(world, "analyst").get(PAGE, {"from_date": world.today.isoformat(), "to_date": last.isoformat()})
    found = data(page)
    assert len(found) == 21 and all(row["forecast"] and not row["actual"] for row in found)


def test_as_promised_seven_days_before_is_the_older_promise(world: World):
    day = world.days[-1]
    forecast_value = {}
    made = day - dt.timedelta(days=7)
    world.issue.delete()
    world.version.delete()
    _version, old = forecast([world.cafe], made_on=made, last=world.today)
    old.version.state = "retired"
    old.version.number = 9
    old.version.save()
    _version, new = forecast([world.cafe], made_on=day - dt.timedelta(days=1), last=world.today)
    new.forecasts.filter(date=day).update(predicted_sales=1)
    for before in ("1", "7"):
        asked = {
            "department": str(world.cafe.pk),
            "from_date": day.isoformat(),
            "to_date": day.isoformat(),
            "days_before": before,
        }
        (row,) = data(reader(world, "analyst").get(PAGE, asked))
        forecast_value[before] = row["forecast"]
    assert forecast_value["1"] == "1.0000"
    assert forecast_value["7"] == str(old.forecasts.get(date=day).predicted_sales)


def test_a_manager_compares_own_departments_only(world: World):
    manager = reader(world, "manager")
    assert {row["department"] for row in data(manager.get(PAGE))} == {"Cafe on Abay", "Bar 22"}
    page = manager.get(PAGE, {"department": str(world.bakery.pk)})
    assert data(page) == [] and "Select a valid choice" in content(page)


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [("01.02.2026", "01.01.2026", "lies after the last date"), ("32.01.2026", "01.02.2026", "Enter a valid date")],
)
def test_a_wrong_period_is_answered_with_a_sentence(world: World, first, last, sentence):
    page = reader(world, "analyst").get(PAGE, {"from_date": first, "to_date": last})
    assert sentence in content(page) and data(page) == []


def test_more_rows_than_a_page_can_bear_are_refused(world: World):
    page = reader(world, "analyst").get(PAGE, {"from_date": "01.01.2020", "to_date": "31.12.2025"})
    assert "too many rows" in content(page)


def test_names_of_departments_are_escaped(world: World):
    Department.objects.filter(pk=world.cafe.pk).update(name='<img src=x onerror="alert(1)">')
    assert b"<img src=x" not in reader(world, "analyst").get(PAGE).content
    page = reader(world, "analyst").get(PAGE, {"department": str(world.cafe.pk)})
    assert b"<img src=x" not in page.content and b"&lt;img" in page.content


def test_who_may_not_see_forecasts_is_refused(world: World):
    world.staff.memberships.all().delete()
    assert reader(world, "staff").get(PAGE).status_code == 403


def test_many_rows_are_one_line_per_department_that_leads_to_its_days(world: World, monkeypatch):
    monkeypatch.setattr(pages, "MOST_LINES", 20)
    expected = compared(world, *world.departments)
    query = {"from_date": world.days[0].isoformat(), "to_date": world.days[-1].isoformat(), "days_before": "1"}
    page = reader(world, "analyst").get(PAGE, query)
    lines = data(page)
    assert len(lines) == 3 and "2026" not in lines[0]["department"]
    for line in lines:
        own = summary([row for row in expected if row.department_name == line["department"]])
        assert (line["forecast"], line["actual"]) == (str(own["predicted"]), str(own["actual"]))
        assert float(line["share"]) == pytest.approx(own["wape"])
    misses = [float(line["share"]) for line in lines]
    assert misses == sorted(misses, reverse=True)
    address = next(unescape(link) for link in re.findall(r'href="(\?[^"]*department=[^"]*)">', page.content.decode()))
    days = data(reader(world, "analyst").get(PAGE + address))
    assert {row["department"] for row in days} == {lines[0]["department"]} and len(days) == 7
