"""Single sales as files: what is stored, within the scope, without formulas."""

import csv
import datetime as dt
import io
import zipfile
from decimal import Decimal
from types import SimpleNamespace

import pytest

from departments.models import Department
from items.lines import Line
from items.models import Product, SaleLine
from items.sources import by_hand
from items.store import store_lines
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
URL = "/api/v1/sales/export"
EVIL = '=HYPERLINK("http://evil.test")'


@pytest.fixture
def lines(world: World):
    latte = Product.objects.create(organisation=world.organisation, code="L-1", name="Latte, large")
    noon = dt.datetime(2026, 1, 5, 7, tzinfo=dt.UTC)
    found = [
        Line("1", world.cafe.pk, latte.pk, world.days[0], sold_at=noon, quantity=Decimal("1.25"), currency="KZT",
             unit_price=Decimal("650.3333"), total=Decimal("812.9166"), discount=Decimal(0), metadata={"table": "Ё"}),
        Line("2", world.bakery.pk, latte.pk, world.days[0], quantity=Decimal(-2), total=Decimal("-5.005")),
        *(Line(f"3{text}", world.cafe.pk, latte.pk, world.days[1], quantity=Decimal(1), notes=text, location=text,
               channel=text[:50], customer=text[:100], transaction_id=text[:100], payment_method=text[:50])
          for text in (EVIL, "+1", "-1", "@x", "\tx", 'a "b"; c, d', "Ёж\nи ещё")),
    ]  # fmt: skip
    store_lines(by_hand(world.organisation), found)
    return found


def read(client, path, language="en") -> list[dict[str, str]]:
    response = client.get(f"{URL}/{path}", headers={"accept-language": language})
    assert response.status_code == 200, response.content
    text = response.getvalue().decode("utf-8-sig")
    separator = ";" if "style=excel" in path else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def test_a_file_is_what_the_database_holds(world: World, lines):
    rows = read(world.client("administrator"), "csv")
    assert {row["id"] for row in rows} == {str(pk) for pk in SaleLine.objects.values_list("pk", flat=True)}
    first = next(row for row in rows if row["metadata"])
    assert first | {"id": "", "tenant_id": "", "product_id": ""} == {
        "id": "", "tenant_id": "", "product_id": "", "sale_date": str(world.days[0]),
        "sale_timestamp": "2026-01-05 07:00:00+00", "department_id": str(world.cafe.pk),
        "department_name": "Cafe on Abay", "product_code": "L-1", "product_name": "Latte, large", "quantity": "1.250",
        "unit_price": "650.33", "discount_amount": "0.00", "tax_amount": "", "total_amount": "812.92",
        "currency": "KZT", "channel": "pos", "location": "", "customer_id": "", "transaction_id": "",
        "payment_method": "", "notes": "", "metadata": '{"table": "Ё"}',
    }  # fmt: skip
    refund = next(row for row in rows if row["department_name"] == "Bakery")
    assert (refund["quantity"], refund["total_amount"], refund["unit_price"]) == ("-2.000", "-5.01", "")


def test_nothing_in_it_is_a_formula(world: World, lines):
    Department.objects.filter(pk=world.cafe.pk).update(name=EVIL)
    Product.objects.update(name="@SUM(1)", code="-1+1")
    for style in ("plain", "excel"):
        for row in read(world.client("staff"), f"csv?style={style}"):
            for value in list(row.values())[5:9] + list(row.values())[15:]:
                assert not value.startswith(("=", "+", "-", "@", "\t")), value
    book = world.client("staff").get(f"{URL}/excel").getvalue()
    with zipfile.ZipFile(io.BytesIO(book)) as sheets:
        assert b"<f>" not in sheets.read("xl/worksheets/sheet1.xml")


def test_a_russian_excel_opens_it(world: World, lines):
    row = read(world.client("staff"), f"csv?style=excel&to_date={world.days[0]}")[0]
    assert (row["Business date"], row["Quantity"], row["Total"]) == (f"{world.days[0]:%d.%m.%Y}", "1,250", "812,92")


def test_filters_and_the_scope_hold(world: World, lines):
    assert len(read(world.client("manager"), "csv")) == 8
    assert len(read(world.client("administrator"), f"csv?department_id={world.bakery.pk}")) == 1
    assert read(world.client("stranger"), "csv") == []
    for path in (f"csv?department_id={world.bakery.pk}", f"excel?department_id={world.foreign.pk}"):
        answer = world.client("manager").get(f"{URL}/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")


@pytest.mark.postgres
@pytest.mark.parametrize("style", ["plain", "excel"])
def test_postgresql_writes_what_the_program_would(world: World, lines, monkeypatch, style):
    client = world.client("administrator")
    fast = read(client, f"csv?style={style}")
    monkeypatch.setattr("items.api.record_export.connection", SimpleNamespace(vendor="another"))
    assert fast == read(client, f"csv?style={style}") and len(fast) == 9
