"""Money in JSON: a number with two places, rounded from the exact amount, never a sum of floats."""

import json
from decimal import Decimal

import pytest

from accounts.api.rendering import dump
from accounts.tables import csv_lines
from forecasting.models import Forecast
from sales.models import SalesSummary
from tests.world import World, restate

MONEY = {
    "total_sales", "sales_amount", "revenue", "gross", "total_sales_amount", "predicted_sales", "actual_sales", "error",
    "lower_80", "upper_80", "lower_95", "upper_95", "old_total", "new_total",
}  # fmt: skip


@pytest.mark.unit
def test_a_decimal_is_a_number_with_its_own_digits():
    amounts = [Decimal("1234.50"), Decimal("0.10"), Decimal("12345678901234567.89"), Decimal("1E+3"), Decimal("-0.01")]
    assert dump(amounts) == b"[1234.50,0.10,12345678901234567.89,1000,-0.01]"


@pytest.mark.integration
@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["sales/summary", "sales/hourly", "sales/restatements", "sales/stats", "forecast/batch", "forecast/comparison", "forecast/{today}/{cafe}",
     "forecast/hourly/{today}/{cafe}"],
)  # fmt: skip
def test_every_amount_is_a_number_with_two_places(world: World, path):
    restate(world.cafe, world.days[0], by=Decimal("0.0333"))
    text = world.client("administrator").get(f"/api/{path}".format(today=world.today, cafe=world.cafe.pk)).content
    found = []

    def visit(value, name=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                visit(inner, key)
        elif isinstance(value, list):
            for inner in value:
                visit(inner, name)
        elif name in MONEY and value is not None:
            found.append((name, value))

    visit(json.loads(text, parse_float=Decimal, parse_int=Decimal))
    assert found
    assert [(name, value) for name, value in found if value.as_tuple().exponent != -2] == []


@pytest.mark.integration
@pytest.mark.django_db
def test_the_sum_is_exact_where_floats_would_not_be(world: World):
    SalesSummary.objects.exclude(department=world.cafe, date__in=world.days[:4]).delete()
    SalesSummary.objects.filter(date=world.days[0]).update(total_sales=Decimal("0.1"))
    SalesSummary.objects.filter(date__gt=world.days[0]).update(total_sales=Decimal("99999999999.0333"))
    answer = world.client("administrator").get("/api/sales/stats").content
    assert b'"total_sales_amount":299999999997.20,' in answer


@pytest.mark.integration
@pytest.mark.django_db
def test_halves_are_rounded_away_from_zero(world: World):
    day = SalesSummary.objects.filter(department=world.cafe, date=world.days[0])
    day.update(total_sales=Decimal("10.005"), revenue=Decimal("-10.005"), gross=Decimal("10.0049"))
    row = world.client("administrator").get(f"/api/sales/summary?to_date={world.days[0]}&department_id={world.cafe.pk}")
    assert all(part in row.content for part in (b'"total_sales":10.01', b'"revenue":-10.01', b'"gross":10.00'))


@pytest.mark.unit
def test_a_spreadsheet_runs_nothing_that_stands_in_the_csv():
    rows = [[text, Decimal("-5.10")] for text in ("=1+1", "+7", "-2", "@SUM(A1)", "\t=1", "Cafe", None)]
    lines = "".join(csv_lines(["name", "amount"], rows)).removeprefix("\ufeff").splitlines()
    assert lines[0] == "name,amount"
    assert [line.rpartition(",")[0].strip('"') for line in lines[1:]] == [
        "'=1+1", "'+7", "'-2", "'@SUM(A1)", "'\t=1", "Cafe", "",
    ]  # fmt: skip
    assert all(line.endswith(",-5.10") for line in lines[1:])


@pytest.mark.integration
@pytest.mark.django_db
def test_the_csv_can_hold_the_figures_sold(world: World):
    world.cafe.name = '=HYPERLINK("http://evil.test")'
    world.cafe.save()
    query = f"from_date={world.days[0]}&to_date={world.days[1]}&include_actual=true&department_id={world.cafe.pk}"
    text = world.client("administrator").get(f"/api/forecast/export/csv?{query}").getvalue().decode("utf-8-sig")
    header, first, _second = text.splitlines()
    assert header.startswith("date,department_id,department_name,predicted_sales,actual_sales,error,error_percentage")
    assert ",60100.50,60000.75,99.75,0.17," in first
    assert "\"'=HYPERLINK" in first


@pytest.mark.integration
@pytest.mark.django_db
def test_a_past_date_is_compared_with_what_was_promised_and_not_with_what_came_later(world: World):
    later = Forecast.objects.get(issue=world.issue, department=world.cafe, date=world.days[3])
    later.pk, later.lead_days, later.predicted_sales = None, 0, Decimal("1.00")
    issue = world.issue
    issue.pk, issue.made_at = None, issue.made_at.replace(year=issue.made_at.year + 1)
    issue.save()
    later.issue = issue
    later.save()
    query = f"from_date={world.days[3]}&to_date={world.days[3]}&department_id={world.cafe.pk}"
    client = world.client("analyst")
    assert client.get(f"/api/forecast/comparison?{query}").json()[0]["predicted_sales"] == 60400.5
    assert client.get(f"/api/forecast/comparison?{query}&days_before=0").json()[0]["predicted_sales"] == 1
    assert client.get(f"/api/forecast/batch?{query}").json()[0]["predicted_sales"] == 1
