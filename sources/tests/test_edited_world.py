"""The past of a simulated server can be changed, and it tells the truth it would be compared with."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
import requests

from sources.simulator import IikoServer
from sources.simulator.worlds.base import KEPT, sums
from sources.simulator.worlds.demo import demo_world
from sources.simulator.worlds.edited import EditedWorld
from sources.simulator.worlds.static import PrerenderedWorld, StaticWorld, row_level_body
from sources.simulator.worlds.transactions import TransactionsWorld
from sources.tests.conftest import ABAY, DAY, SAIN, cell, week

pytestmark = pytest.mark.unit
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def world():
    return EditedWorld(StaticWorld(week()))


def told(world, first=DAY, last=NEXT):
    return sums(world.cells(first, last))


def day(world, department=ABAY, date=DAY):
    found = {hour: row for (who, when, hour), row in told(world).items() if (who, when) == (department, date)}
    return found, sum(row[0] for row in found.values())


def test_without_edits_it_is_the_world_itself(world):
    assert list(world.cells(DAY, NEXT)) == list(world.world.cells(DAY, NEXT))


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (lambda world: world.set_hour(ABAY, DAY, 13, revenue=Decimal(1)), Decimal("-41249.5")),
        (lambda world: world.set_hour(ABAY, DAY, 20, revenue=Decimal(500)), Decimal(500)),
        (lambda world: world.delete_hour(ABAY, DAY, 0), Decimal(-9800)),
        (lambda world: world.delete_day(ABAY, DAY), Decimal("-51050.5")),
        (lambda world: world.add_bill(ABAY, DAY, 10, revenue=Decimal(990)), Decimal(990)),
        (lambda world: world.delete_bill(ABAY, DAY, 13, revenue=Decimal("1250.25")), Decimal("-1250.25")),
    ],
)
def test_an_edit_changes_its_day_and_no_other(world, edit, change):
    before = told(world)
    total = day(world)[1]
    edit(world)
    assert day(world)[1] == total + change
    untouched = {key: row for key, row in told(world).items() if key[:2] != (ABAY, DAY)}
    assert untouched == {key: row for key, row in before.items() if key[:2] != (ABAY, DAY)}


def test_a_moved_bill_changes_two_days_and_no_sum(world):
    before = told(world)
    world.move_bill(ABAY, DAY, 13, to=NEXT, to_hour=9)
    assert sum(row[0] for row in told(world).values()) == sum(row[0] for row in before.values())
    hours, _total = day(world, date=NEXT)
    assert hours[9][2] == 1
    assert day(world)[0][13][2] == 17


def test_the_last_bill_takes_its_hour_with_it(world):
    for _ in range(4):
        world.delete_bill(ABAY, DAY, 0)
    assert set(day(world)[0]) == {13}
    with pytest.raises(ValueError):
        world.delete_bill(ABAY, DAY, 0)


def test_returns_and_deleted_bills_stay_what_they_are(world):
    world.add_bill(SAIN, DAY, 15, revenue=Decimal(200))
    assert day(world, SAIN)[0][15][0] == -1000
    assert sum(cell.order_deleted == "DELETED" for cell in world.cells(DAY, DAY)) == 1


def test_bills_add_up_after_an_edit(world):
    world.add_bill(ABAY, DAY, 13, revenue=Decimal("10.01"))
    bills = [bill for bill in world.receipts(DAY, DAY) if bill.cell.department_id == ABAY and bill.cell.hour == 13]
    assert sum(bill.cell.revenue for bill in bills if bill.cell.order_deleted == "NOT_DELETED") > 41260


def test_other_worlds_can_be_edited_too(tmp_path: Path):
    file = tmp_path / "till.csv"
    file.write_text("store,ts,ticket,item,category,qty,unit_price\nA,2025-03-18 09:30:00,1,x,y,2,1.50\n")
    for world in (demo_world(1, days=20, departments=4, today=NEXT + timedelta(days=3)), TransactionsWorld(file)):
        edited = EditedWorld(world)
        (who, when, hour), row = next(iter(told(edited).items()))
        edited.add_bill(who, when, hour, revenue=Decimal("0.01"))
        assert told(edited)[who, when, hour][0] == row[0] + Decimal("0.01")
        assert list(edited.receipts(DAY, NEXT))


def test_the_past_is_changed_and_the_truth_is_told_from_outside(server, client):
    def ordered(**orders):
        return requests.post(server.url + "/__control__", json=orders, timeout=5)

    iiko = client()
    with iiko.session():
        assert DAY in {row.date for row in iiko.sales(DAY, DAY).rows}
        edits = [
            {"do": "set_hour", "department": ABAY, "day": str(DAY), "hour": 13, "revenue": "100.55", "orders": 2},
            {"do": "move_bill", "department": SAIN, "day": str(DAY), "hour": 12, "to": str(NEXT)},
            {"do": "open_shift", "department": SAIN, "day": str(DAY)},
            {"do": "close_shift", "department": ABAY, "day": str(DAY), "at": "2025-03-24T10:26:53"},
        ]
        truth = ordered(edit=edits, truth={"first": str(DAY), "last": str(NEXT)}).json()["truth"]
        rows = iiko.sales(DAY, NEXT).rows
        shifts = {shift.department_id: shift for shift in iiko.shifts(DAY, DAY)}
    assert sorted(
        (who, date.fromisoformat(on), hour, Decimal(money), n) for who, on, hour, money, _, n, _ in truth
    ) == [(row.external_id, row.date, row.hour, row.revenue, row.orders) for row in rows]
    assert [ABAY, str(DAY), 13, "100.55", "100.55", 2, 1] in truth
    assert shifts[SAIN].closed_at is None
    assert shifts[ABAY].closed_at.day == 24
    for nonsense in (
        {"edit": [{"do": "burn"}]},
        {"edit": [{"do": "delete_hour", "department": ABAY, "day": "2025-03-18", "hour": 4}]},
        {"edit": [{"do": "delete_day", "department": ABAY, "day": "18.03.2025"}]},
        {"down": {"how": "sideways"}},
        {"plan": [{"kind": "olap", "fault": "empty", "start": "2025-03-18T02:00:00"}]},
    ):
        assert ordered(**nonsense).status_code == 400, nonsense


def test_answers_made_before_cannot_be_edited():
    with IikoServer(PrerenderedWorld(row_level_body(DAY, departments=2, rows=20))) as server:
        for orders in ({"edit": [{"do": "delete_day"}]}, {"truth": {"first": str(DAY), "last": str(DAY)}}):
            with pytest.raises(ValueError):
                server.control(orders)


@pytest.mark.parametrize("edited", [False, True])
def test_the_lines_of_bills_add_up_to_every_hour_before_and_after_edits(tmp_path: Path, edited):
    file = tmp_path / "till.csv"
    till = "A,2025-03-18 08:59:00,7,Tea,Drinks,2,0.105\nA,2025-03-18 09:01:00,7,Bun,,1,0.2\nA,2025-03-19 09:01:00,1,Bun,,-1,0.2\n"
    file.write_text(f"store,ts,ticket,item,category,qty,unit_price\n{till}")
    for world in (
        EditedWorld(StaticWorld(week())),
        EditedWorld(demo_world(2, days=20, departments=4, today=NEXT + timedelta(days=3))),
        EditedWorld(TransactionsWorld(file)),
    ):
        who, when, hour = next(iter(told(world)))
        if edited:
            world.add_bill(who, when, hour, revenue=Decimal("0.01"))
            world.delete_bill(who, when, hour)
        kept = [line for line in world.lines(DAY, NEXT) if line.cell.order_deleted == line.cell.dish_deleted == KEPT]
        assert {key: row[:2] for key, row in told(world).items()} == {
            key: row[:2] for key, row in sums(line.cell for line in kept).items()
        }
        bills = {(line.cell.department_id, line.cell.date, line.key) for line in kept}
        assert len(bills) == sum(row[2] for row in told(world).values())
        assert {line.dish for line in kept} <= set(world.menu.articles)


def test_the_catalogue_changes_and_what_was_sold_before_stays(world):
    some, *_rest = world.menu.articles
    before = list(world.lines(DAY, NEXT))
    world.edit("rename_product", product=some, name="Другое")
    world.edit("delete_product", product=some)
    world.edit("add_product", product="new", name="Новинка", price="990.50")
    world.edit("set_price", product=some, price="1500", from_date=str(NEXT), department=ABAY)
    assert (world.menu.articles[some].name, world.menu.articles[some].deleted) == ("Другое", True)
    assert world.revision == 5
    assert world.menu.articles["new"].revision == 4
    assert list(world.lines(DAY, NEXT)) == before
    for nonsense in (
        {"do": "rename_product", "product": "nobody", "name": "x"},
        {"do": "set_price", "product": some, "price": "x"},
    ):
        with pytest.raises((ValueError, ArithmeticError, TypeError)):
            world.edit(**nonsense)


def test_odd_amounts_are_split_to_the_last_coin():
    random = Random(7)

    def amount():
        return Decimal(random.choice((0, 1, -1))) * Decimal(random.randint(0, 3_000_000)).scaleb(
            -random.choice((0, 2, 4))
        )

    cells = [
        cell(ABAY, DAY, random.choice((None, 0, 9, 23)), str(amount()), gross=amount(), orders=random.choice((0, 1, 7)))
        for _ in range(60)
    ]
    lines = list(EditedWorld(StaticWorld(cells)).lines(DAY, DAY))
    assert {key: row[:2] for key, row in sums(line.cell for line in lines).items()} == {
        key: row[:2] for key, row in sums(cells).items()
    }
    assert all(line.quantity != 0 for line in lines)
