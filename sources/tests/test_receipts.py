"""Receipts by line: what the client brings adds up to what the tills took, by department, hour and product."""

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from sources.errors import SourceError
from sources.iiko import receipts
from sources.iiko.client import IikoClient, Server
from sources.iiko.query import BY_NUMBER, BY_ORDER, HEADS_BY_NUMBER, HEADS_BY_ORDER
from sources.iiko.types import RemoteHead
from sources.ports import MemoryLock, MemoryTokens, SystemClock
from sources.simulator import IikoServer
from sources.simulator.olap import UNKNOWN_DEPARTMENT
from sources.simulator.worlds.base import sums
from sources.simulator.worlds.demo import demo_world
from sources.simulator.worlds.demo_chain import branches
from sources.simulator.worlds.menu import demo_menu
from sources.simulator.worlds.transactions import TransactionsWorld, department_id
from sources.tests.conftest import ABAY, DAY, SAIN

pytestmark = pytest.mark.unit
TODAY = date(2025, 3, 25)


def asked(iiko, first=DAY, last=DAY):
    with iiko.session():
        return list(iiko.receipt_lines(first, last))


def by_hour(lines):
    """[revenue, gross] of each department, date and hour."""
    found = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for line in lines:
        cell = found[line.department_id, line.date, line.hour]
        cell[0] += line.revenue
        cell[1] += line.gross
    return dict(found)


def bills(lines):
    return {(line.department_id, line.date, line.order) for line in lines}


def agree(lines, cells):
    truth = sums(cells)
    assert by_hour(lines) == {key: [revenue, gross] for key, (revenue, gross, _orders, _guests) in truth.items()}
    orders = defaultdict(int)
    for (department, day, _hour), row in truth.items():
        orders[department, day] += row[2]
    told = defaultdict(int)
    for department, day, order in bills(lines):
        assert order
        told[department, day] += 1
    assert told == orders


@pytest.mark.parametrize("knows_orders", [True, False])
def test_lines_add_up_to_the_tills(server, client, knows_orders):
    if not knows_orders:
        server.faults.missing_fields = ["UniqOrderId.Id"]
    last = DAY + timedelta(days=1)
    lines = asked(client(), DAY, last)
    agree(lines, server.world.cells(DAY, last))
    assert {line.product_id for line in lines} <= set(demo_menu().articles)
    assert {line.closed_at.date() - line.date for line in lines if line.hour == 0} == {timedelta(days=1)}
    assert all(line.quantity < 0 for line in lines if line.revenue < 0)
    asked_for = [(len(q["groupByRowFields"]), len(q["aggregateFields"])) for q in server.audit.questions]
    assert asked_for == ([(4, 3)] * 2 if knows_orders else [(5, 2), (5, 1)] * 2)


def test_the_demonstration_chain_sells_dishes():
    world = demo_world(1, days=40, departments=6, today=TODAY)
    with IikoServer(world) as server:
        iiko = IikoClient(
            Server(server.url, "demo", "demo"), tokens=MemoryTokens(), lock=MemoryLock(), clock=SystemClock()
        )
        with iiko.session():
            lines = list(iiko.receipt_lines(DAY, DAY + timedelta(days=1)))
            again = list(iiko.receipt_lines(DAY + timedelta(days=1), DAY + timedelta(days=1)))
            heads = iiko.receipt_heads(DAY)
            dishes = iiko.dishes(DAY, DAY)
    agree(lines, world.cells(DAY, DAY + timedelta(days=1)))
    assert sorted(map(repr, again)) == sorted(repr(line) for line in lines if line.date > DAY)
    of_day = [line for line in lines if line.date == DAY]
    assert {(head.department_id, DAY, head.order) for head in heads} == bills(of_day)
    cells = sums(world.cells(DAY, DAY)).values()
    assert sum(head.guests for head in heads) == sum(guests for _revenue, _gross, _orders, guests in cells)
    menu = demo_menu(1, 6).articles
    assert {id: (dish.name, dish.code) for id, dish in dishes.items()} == {
        id: (menu[id].name, menu[id].code) for id in {line.product_id for line in of_day}
    }
    bakery = next(branch.id for branch in branches(6) if branch.segment == "confectionery")
    sold = {menu[line.product_id].name for line in lines if line.department_id == bakery}
    assert "Медовик, кусок" in sold and "Плов" not in sold
    assert any(line.quantity % 1 for line in lines)


def test_real_till_lines_come_through_as_they_are(tmp_path):
    path = tmp_path / "till.csv"
    path.write_text(
        "store,ts,ticket,item,category,qty,unit_price\n"
        "A,2025-03-18 08:15:00,1,Tea,Drinks,2,0.1\n"
        "A,2025-03-18 08:15:00,1,Bun,,1,0.2\n"
        "A,2025-03-18 09:01:00,1,Bun,,1,0.2\n"
        "A,2025-03-18 09:30:00,2,Tea,Drinks,-1,0.1\n"
        "B,2025-03-18 23:10:00,1,Soup,,0.355,990\n",
        encoding="utf-8",
    )
    world = TransactionsWorld(path)
    with IikoServer(world) as server:
        iiko = IikoClient(
            Server(server.url, "demo", "demo"), tokens=MemoryTokens(), lock=MemoryLock(), clock=SystemClock()
        )
        lines = asked(iiko)
    names = {id: article.name for id, article in world.menu.articles.items()}
    assert sorted((line.department_id == department_id("A"), names[line.product_id], line.hour, str(line.quantity), str(line.revenue)) for line in lines) == [
        (False, "Soup", 23, "0.355", "351.4500"),
        (True, "Bun", 8, "1.000", "0.2000"),
        (True, "Bun", 9, "1.000", "0.2000"),
        (True, "Tea", 8, "2.000", "0.2000"),
        (True, "Tea", 9, "-1.000", "-0.1000"),
    ]  # fmt: skip
    assert len(bills(lines)) == 3
    assert [(group.name, group.parent_id) for group in world.menu.groups] == [("Drinks", None)]


def test_corrections_at_the_till_change_the_lines(server, client):
    server.edited.add_bill(ABAY, DAY, 13, revenue=Decimal("10.01"))
    server.edited.delete_hour(ABAY, DAY, 0)
    agree(asked(client()), server.edited.cells(DAY, DAY))


def test_returns_count_unless_the_connection_leaves_them_out(server, client):
    assert by_hour(asked(client()))[SAIN, DAY, 15] == [-1200, -1200]
    assert (SAIN, DAY, 15) not in by_hour(asked(client(include_returns=False)))


def test_a_server_without_the_list_of_fields_is_found_out_by_asking(server, client):
    server.faults.no_columns = True
    server.faults.missing_fields = ["UniqOrderId.Id"]
    agree(asked(client()), server.world.cells(DAY, DAY))
    server.faults.missing_fields = ["DishId"]
    with pytest.raises(SourceError, match="unknown_field"):
        asked(client())


def test_a_field_that_is_missing_is_named(server, client):
    server.faults.missing_fields = ["DishId", "DishAmountInt"]
    with pytest.raises(SourceError) as caught:
        asked(client())
    assert (caught.value.code, caught.value.params["fields"]) == ("unknown_field", "DishId, DishAmountInt")


@pytest.mark.parametrize("shape", ["number_mix", "binary_noise", "shuffled", "mixed_fractions"])
def test_the_figures_do_not_depend_on_how_the_server_writes_them(server, client, shape):
    server.faults.plan("olap", shape)
    agree(asked(client()), server.world.cells(DAY, DAY))


@pytest.mark.parametrize(("shape", "id"), [("null_department", None), ("unknown_department", UNKNOWN_DEPARTMENT)])
def test_lines_of_no_or_an_unknown_department_are_not_lost(server, client, shape, id):
    server.faults.plan("olap", shape)
    lines = asked(client())
    assert id in {line.department_id for line in lines}
    assert sum(line.revenue for line in lines) == sum(row[0] for row in sums(server.world.cells(DAY, DAY)).values())


@pytest.mark.parametrize(
    "shape", ["data_missing", "data_null", "null_money", "nan_money", "missing_field", "double_keys"]
)
def test_answers_that_make_no_sense_are_refused(server, client, shape):
    server.faults.plan("olap", shape, count=None)
    with pytest.raises(SourceError, match="bad_data"):
        asked(client())


ROW = {"Department.Id": ABAY, "UniqOrderId.Id": "o1", "CloseTime": "2025-03-18T12:05:24.618", "DishId": "d1",
       "DishAmountInt": 1, "DishDiscountSumInt": 90.5, "DishSumInt": 100}  # fmt: skip
NUMBERED = {
    "Department.Id": ABAY,
    "SessionNum": 17,
    "OrderNum": 1041,
    "CloseTime": "2025-03-18T12:05:24",
    "DishId": "d1",
}


def read(*rows, question=BY_ORDER):
    return receipts.lines([json.dumps({"data": rows, "summary": []}).encode()], question, DAY)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-03-18T12:05:24.618", datetime(2025, 3, 18, 12, 5, 24, 618000)),
        ("2025-03-18T12:05:24.99", datetime(2025, 3, 18, 12, 5, 24, 990000)),
        ("2025-03-19T00:41:07", datetime(2025, 3, 19, 0, 41, 7)),
        ("2025-03-15 14:30:00.000", datetime(2025, 3, 15, 14, 30)),
        ("15.03.2025 14:30:00", datetime(2025, 3, 15, 14, 30)),
        (None, None),
        ("", None),
    ],
)
def test_times_of_closing_in_every_form_known(text, at):
    [line] = read(ROW | {"CloseTime": text})
    assert (line.closed_at, line.hour) == (at, at and at.hour)


def test_a_time_that_is_none_is_refused():
    with pytest.raises(SourceError, match="CloseTime"):
        read(ROW | {"CloseTime": "noon"})


def test_an_id_that_is_none_is_refused():
    with pytest.raises(SourceError, match="id xxx"):
        read(ROW | {"DishId": "x" * 81})


def test_what_is_not_named_is_unknown_and_what_comes_twice_is_one():
    [line] = read(ROW | {"UniqOrderId.Id": None, "DishId": None, "Department.Id": ""})
    assert (line.department_id, line.order, line.product_id, line.revenue) == (None, "", None, Decimal("90.5"))
    [line] = read(ROW, ROW | {"DishAmountInt": 0.3333})
    assert (line.quantity, line.revenue, line.gross) == (Decimal("1.333"), 181, 200)


def test_two_answers_are_joined_and_what_one_lacks_is_asked_again():
    def told(*rows):
        return json.dumps({"data": rows, "summary": []}).encode()

    first = told(NUMBERED | {"DishAmountInt": 2, "DishDiscountSumInt": 90.5})
    second = told(NUMBERED | {"DishSumInt": 100})
    [line] = receipts.lines([first, second], BY_NUMBER, DAY)
    assert (line.quantity, line.revenue, line.gross) == (2, Decimal("90.5"), 100)
    [head] = receipts.heads(told(NUMBERED | {"GuestNum": 3}), HEADS_BY_NUMBER)
    assert (head.order, head.number, head.guests) == (line.order, "1041", 3)
    # Numbers begin anew in every department and shift.
    for other in ({"Department.Id": SAIN}, {"SessionNum": 18}, {"CloseTime": "2025-03-18T12:05:25"}):
        [one] = receipts.lines(
            [
                told(NUMBERED | other | {"DishAmountInt": 1, "DishDiscountSumInt": 1}),
                told(NUMBERED | other | {"DishSumInt": 1}),
            ],
            BY_NUMBER,
            DAY,
        )
        assert one.order != line.order
    with pytest.raises(SourceError) as caught:
        receipts.lines([first, told()], BY_NUMBER, DAY)
    assert caught.value.transient


def test_heads_have_a_number_and_guests():
    rows = [{"Department.Id": ABAY, "UniqOrderId.Id": "o1", "OrderNum": number, "GuestNum": 2} for number in (7, 8)]
    body = json.dumps({"data": rows, "summary": []}).encode()
    assert receipts.heads(body, HEADS_BY_ORDER) == [RemoteHead(ABAY, "o1", "7", 4)]
