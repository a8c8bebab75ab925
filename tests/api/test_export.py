"""Files to take away: for programs, for a Russian Excel, and for any spreadsheet; within the scope, and without formulas."""

import csv
import io
import zipfile
from decimal import Decimal
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from departments.models import Department
from sales.models import SalesSummary
from tests.world import World, sell

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
SALES, FORECAST = "/api/sales/export", "/api/forecast/export"
EVIL = '=HYPERLINK("http://evil.test")'
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read(client, path, language="en") -> list[dict[str, str]]:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200, response.content
    text = response.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";" if "style=excel" in path else ","))


def sheet(client, path, language="en") -> list[list[str]]:
    """The cells of the first sheet as text."""
    response = client.get(path, headers={"accept-language": language})
    assert response["Content-Disposition"].endswith('.xlsx"')
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as book:
        rows = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).iter(f"{SHEET}row")
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
        return [["".join(cell.itertext()) for cell in row.iter(f"{SHEET}c")] for row in rows]


def test_days_are_what_the_database_holds(world: World):
    rows = read(world.client("administrator"), f"{SALES}/csv?from_date={world.days[1]}&to_date={world.days[2]}")
    stored = SalesSummary.objects.filter(organisation=world.organisation, date__range=(world.days[1], world.days[2]))
    assert {(row["date"], row["department_id"], Decimal(row["total_sales"])) for row in rows} == {
        (str(day.date), str(day.department_id), day.total_sales.quantize(Decimal("0.01"))) for day in stored
    }
    assert len(rows) == 6


def test_a_missing_day_has_no_figures_and_says_so(world: World):
    row = read(world.client("administrator"), f"{SALES}/csv?departments={world.bar.pk}")[-2]
    assert (row["total_sales"], row["state"]) == ("", "missing")


def test_hours_when_asked_for(world: World):
    rows = read(world.client("staff"), f"{SALES}/csv?hours=true&to_date={world.days[0]}")
    assert [(row["hour"], row["sales_amount"]) for row in rows] == [
        ("8", "12000.25"), ("13", "40000.50"), ("20", "8000.00"),
    ]  # fmt: skip


def test_a_russian_excel_opens_it(world: World):
    path = f"{SALES}/csv?style=excel&to_date={world.days[0]}&department_id={world.cafe.pk}"
    row = list(read(world.client("staff"), path)[0].values())
    assert row[0] == f"{world.days[0]:%d.%m.%Y}"
    assert row[2:8] == ["Cafe on Abay", "60000,75", "60000,75", "61000,75", "60", "75"]
    raw = world.client("staff").get(path).getvalue()
    assert raw.startswith(b"\xef\xbb\xbf")


def test_nothing_in_it_is_a_formula(world: World):
    Department.objects.filter(pk=world.cafe.pk).update(name=EVIL)
    staff = world.client("staff")
    for path in (f"{SALES}/csv", f"{SALES}/csv?style=excel", f"{FORECAST}/csv", f"{FORECAST}/csv?include_actual=true"):
        assert {list(row.values())[2] for row in read(staff, path)} == {"'" + EVIL}, path
    for path in (f"{SALES}/xlsx", f"{FORECAST}/xlsx"):
        assert EVIL in sheet(staff, path)[1]


def test_a_sheet_holds_numbers_and_dates(world: World):
    head, first, *others = sheet(world.client("staff"), f"{SALES}/xlsx")
    assert head[:4] == ["Date", "Id of the department", "Department", "Sales"]
    assert len(others) == 6
    assert (float(first[3]), first[0].isdigit()) == (60000.75, True)


def test_a_negative_amount_stays_a_number(world: World):
    SalesSummary.objects.filter(department=world.cafe).update(total_sales=Decimal("-5.5"))
    assert read(world.client("staff"), f"{SALES}/csv")[0]["total_sales"] == "-5.50"
    assert read(world.client("staff"), f"{SALES}/csv?style=excel")[0]["Sales"] == "-5,50"


def test_forecasts_with_and_without_intervals_and_the_figures_sold(world: World):
    client = world.client("administrator")
    week = f"from_date={world.days[0]}&to_date={world.days[-1]}&departments={world.cafe.pk},{world.bakery.pk}"
    with_all = read(client, f"{FORECAST}/csv?{week}&include_actual=true")
    assert len(with_all) == 14
    assert {"lower_80", "actual_sales"} <= set(with_all[0])
    alone = read(client, f"{FORECAST}/csv?{week}&include_intervals=false")
    assert not {"lower_80", "upper_95", "actual_sales"} & set(alone[0])
    assert sheet(client, f"{FORECAST}/xlsx?{week}&include_intervals=false")[0][3] == "Forecast"


def test_a_file_of_promises_made_earlier_and_of_a_segment(world: World):
    client = world.client("administrator")
    query = f"from_date={world.days[0]}&to_date={world.days[-1]}&include_actual=true&segment_type=bakery"
    late = read(client, f"{FORECAST}/csv?{query}&days_before=7")
    assert {row["department_name"] for row in late} == {"Bakery"}
    assert [row["predicted_sales"] != "" for row in late] == [False] * 6 + [True]
    assert all(row["predicted_sales"] for row in read(client, f"{FORECAST}/csv?{query}&days_before=1"))


def test_only_what_one_sees(world: World):
    assert {row["department_name"] for row in read(world.client("manager"), f"{SALES}/csv")} == {
        "Cafe on Abay",
        "Bar 22",
    }
    for path in (SALES, FORECAST):
        for kind in ("csv", "xlsx"):
            answer = world.client("manager").get(f"{path}/{kind}?departments={world.cafe.pk},{world.bakery.pk}")
            assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")


def test_every_row_says_in_which_money_it_is(world: World):
    for path in (f"{SALES}/csv", f"{SALES}/csv?hours=true", f"{FORECAST}/csv"):
        assert {row["currency"] for row in read(world.client("analyst"), path)} == {"KZT"}
    Department.objects.filter(pk=world.bar.pk).update(currency="KGS")
    for path in (f"{SALES}/csv", f"{SALES}/csv?style=excel", f"{FORECAST}/csv?include_actual=true", f"{SALES}/xlsx"):
        if path.endswith("xlsx"):
            head, *lines = sheet(world.client("analyst"), path)
            found = [dict(zip(head, line, strict=False)) for line in lines]
        else:
            found = read(world.client("analyst"), path)
        currencies = {(row.get("department_name") or row["Department"]): list(row.values())[-1] for row in found}
        assert currencies == {"Cafe on Abay": "KZT", "Bakery": "KZT", "Bar 22": "KGS"}, path


def test_nonsense_is_refused(world: World):
    for query, attr in (("departments=x", "departments"), ("style=pdf", "style"), ("from_date=1.1.2026", "from_date")):
        for path in (SALES, FORECAST):
            answer = world.client("manager").get(f"{path}/csv?{query}")
            assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)


@pytest.mark.postgres
@pytest.mark.parametrize("query", ["", "style=excel", "hours=true", "hours=true&style=excel"])
def test_postgresql_writes_what_the_program_would(world: World, monkeypatch, query):
    for name in ("=1", "+1", "-1", "@x", "\t", "\r=1", 'a "b"; c, d', "Ёж\nи ещё"):
        twin = Department.objects.create(organisation=world.organisation, name=name)
        sell(twin, world.days[:1], Decimal("-0.33335"))
    client = world.client("administrator")
    fast = client.get(f"{SALES}/csv?{query}").getvalue().decode("utf-8-sig")
    monkeypatch.setattr("sales.api.export.connection", SimpleNamespace(vendor="another"))
    slow = client.get(f"{SALES}/csv?{query}").getvalue().decode("utf-8-sig")
    assert fast != slow  # the ends of lines differ
    separator = ";" if "excel" in query else ","
    rows = [list(csv.reader(io.StringIO(text, newline=""), delimiter=separator)) for text in (fast, slow)]
    assert rows[0] == rows[1] and len(rows[0]) > 28
