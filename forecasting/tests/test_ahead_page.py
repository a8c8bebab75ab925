"""Forecast by branch: each forecast with its interval and its rule, and exact sums by day and by branch."""

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from html import unescape

import pytest

from accounts.formats import amount
from departments.models import Department
from forecasting import ahead_page
from forecasting.ahead import by_branch, by_day, expected, together
from forecasting.choices import Rule
from forecasting.models import Forecast
from tests.reading import content, reader, rows, words
from tests.world import World, forecast

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = "/admin/forecasting/modelversion/ahead/"


def links(page, text: str) -> list[str]:
    return [unescape(address) for address in re.findall(rf'href="([^"]*)">{text}<', page.content.decode())]


def test_it_opens_on_the_next_seven_days_with_interval_and_rule_of_each(world: World):
    lines = rows(reader(world, "analyst").get(PAGE), 'id="lines"')
    assert len(lines) == 21
    one = Forecast.objects.get(department=world.cafe, date=world.today)
    line = next(line for line in lines if "Cafe on Abay" in line and f"{world.today:%d.%m.%Y}" in line)
    for value in (one.predicted_sales, one.lower_80, one.upper_80, one.lower_95, one.upper_95):
        assert words(amount(value)) in line
    assert str(Rule(one.rule).label) in line


def test_sums_are_exact_to_the_last_place(world: World):
    Forecast.objects.filter(department=world.cafe).update(predicted_sales=Decimal("0.1"))
    Forecast.objects.filter(department=world.bar).update(predicted_sales=Decimal("0.2"))
    Forecast.objects.filter(department=world.bakery).update(predicted_sales=Decimal("12345678901.0001"))
    found = expected(Department.objects.visible_to(world.analyst), world.today, world.today + dt.timedelta(days=2))
    assert [(day.predicted, day.n) for day in by_day(found)] == [(Decimal("12345678901.3001"), 3)] * 3
    assert {line.name: line.predicted for line in by_branch(found)} == {
        "Bakery": Decimal("37037036703.0003"),
        "Bar 22": Decimal("0.6"),
        "Cafe on Abay": Decimal("0.3"),
    }
    assert [line.predicted for line in together(found)] == [Decimal("37037036703.9003")]


def test_a_day_and_a_branch_have_the_intervals_of_their_sums(world: World):
    analyst = reader(world, "analyst")
    page = analyst.get(PAGE)
    week = f"from_date={world.today}&to_date={world.today + dt.timedelta(days=6)}"
    for table, by in (("days", "day"), ("branches", "department")):
        told = analyst.get(f"/api/forecast/aggregate?{week}&by={by}").json()
        lines = rows(page, f'id="{table}"')
        assert len(lines) == len(told)
        for line, total in zip(lines, told, strict=True):
            lower, upper = (words(amount(Decimal(str(total[name])))) for name in ("lower_80", "upper_80"))
            assert f"{lower} – {upper}" in line
    summed = [sum(row.upper_80 - row.lower_80 for row in page.context["days"][0]["line"].parts)]
    assert (
        page.context["days"][0]["line"].bounds["upper_80"] < page.context["days"][0]["line"].predicted + summed[0] / 2
    )


def test_the_newest_issue_counts(world: World):
    world.version.state, world.version.number = "retired", 9
    world.version.save()
    _version, new = forecast([world.cafe], made_on=world.today, last=world.today)
    new.forecasts.update(predicted_sales=77_777)
    lines = rows(reader(world, "staff").get(PAGE), 'id="lines"')
    assert "77 777" in lines[0] and "77 777" not in lines[1]


def test_tables_by_day_and_by_branch_lead_to_their_lines(world: World):
    analyst = reader(world, "analyst")
    page = analyst.get(PAGE)
    assert len(rows(page, 'id="days"')) == 7 and len(rows(page, 'id="branches"')) == 3
    (address,) = links(page, "Bar 22")
    lines = rows(analyst.get(PAGE + address), 'id="lines"')
    assert len(lines) == 7
    day = unescape(re.findall(r'href="(\?[^"]+)"', page.content.decode().partition('id="days"')[2])[0])
    assert [line.split()[0] for line in rows(analyst.get(PAGE + day), 'id="lines"')] == [f"{world.today:%d.%m.%Y}"] * 3


def test_departments_and_a_segment_narrow_the_page_and_its_files(world: World):
    analyst = reader(world, "analyst")
    two = analyst.get(PAGE, {"departments": [world.cafe.pk, world.bar.pk]})
    assert len(rows(two, 'id="lines"')) == 14
    one = analyst.get(PAGE, {"segment": "bakery"})
    assert len(rows(one, 'id="lines"')) == 7
    assert analyst.get(PAGE, {"segment": "bakery", "departments": [world.bar.pk]}).context["sums"] == []
    for page, names in ((two, {"Cafe on Abay", "Bar 22"}), (one, {"Bakery"})):
        (file,) = links(page, "CSV")
        text = analyst.get(file).getvalue().decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(text), delimiter=";"))
        assert {line["Department"] for line in lines} == names
        total = sum(Decimal(line["Forecast"].replace(",", ".")) for line in lines)
        assert [total] == [line.predicted for line in page.context["sums"]]


def test_more_lines_than_one_reads_are_sums_that_lead_to_them(world: World, monkeypatch):
    monkeypatch.setattr(ahead_page, "MOST_LINES", 20)
    page = reader(world, "analyst").get(PAGE)
    assert rows(page, 'id="lines"') == [] and len(rows(page, 'id="branches"')) == 3
    assert "Choose a day or a department below" in content(page)
    monkeypatch.setattr(ahead_page, "MOST_LINES", 2)
    for address in (*links(page, "Bar 22"), page.context["days"][0]["address"]):
        assert rows(reader(world, "analyst").get(PAGE + address), 'id="lines"')


def test_who_lacks_a_forecast_is_named(world: World):
    Forecast.objects.filter(department=world.bar).delete()
    assert "Without a forecast in this period: Bar 22" in content(reader(world, "analyst").get(PAGE))


def test_a_manager_sees_and_sums_own_departments(world: World):
    manager = reader(world, "manager")
    page = manager.get(PAGE)
    assert "Bakery" not in content(page)
    own = Forecast.objects.filter(department__in=[world.cafe, world.bar], date=world.today)
    assert page.context["days"][0]["line"].predicted == sum(row.predicted_sales for row in own)
    refused = manager.get(PAGE, {"departments": [world.bakery.pk]})
    assert "Select a valid choice" in content(refused) and rows(refused) == []


def test_names_are_escaped(world: World):
    Department.objects.filter(pk=world.cafe.pk).update(name='<img src=x onerror="alert(1)">')
    Forecast.objects.filter(department=world.bar).delete()
    Department.objects.filter(pk=world.bar.pk).update(name="<b>bar</b>")
    html = reader(world, "analyst").get(PAGE).content
    assert b"<img src=x" not in html and b"<b>bar" not in html


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("02.01.2026", "01.01.2026", "lies after the last date"),
        ("01.01.2026", "31.12.2026", "At most 92 days"),
        ("1", "2", "Enter a valid date"),
        ("01.01.2031", "02.01.2031", "There are no forecasts"),
    ],
)
def test_a_period_that_cannot_be_shown_is_answered_with_a_sentence(world: World, first, last, said):
    page = reader(world, "analyst").get(PAGE, {"from_date": first, "to_date": last})
    assert said in content(page) and rows(page) == []


def test_a_chain_that_plans_has_its_quarter_at_hand_and_is_told_how_far_forecasts_reach(world: World, settings):
    page = f"{PAGE}?from_date=2090-01-01&to_date=2090-01-02"
    assert "reach 35 days ahead" in words(content(reader(world, "analyst").get(page)))
    assert not links(reader(world, "analyst").get(PAGE), "92 days")
    settings.FORECAST_HORIZON = 92
    assert "reach 92 days ahead" in words(content(reader(world, "analyst").get(page)))
    (address,) = links(reader(world, "analyst").get(PAGE), "92 days")
    assert f"to_date={world.today + dt.timedelta(days=91)}" in address
