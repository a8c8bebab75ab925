"""Cash shifts: whose they are, until when they were open, and what was paid in them."""

from datetime import datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from sources.errors import SourceError
from sources.iiko import parse
from sources.iiko.types import DayTotal
from sources.simulator.tills import point_of_sale
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.static import StaticWorld
from sources.tests.conftest import ABAY, DAY, SAIN, week
from sources.tests.test_session import assert_clean

pytestmark = pytest.mark.unit
SAMPLE = {
    "id": "1c81",
    "sessionNumber": 17,
    "openDate": "2025-03-18T09:56:32.937",
    "closeDate": None,
    "acceptDate": None,
    "payOrders": 51050.5,
    "sessionStatus": "OPEN",
    "conception": None,
    "pointOfSale": "1b17",
}


def read(*shifts):
    return parse.shifts(orjson.dumps(shifts))


def test_a_shift_is_read_as_the_manual_shows_it():
    [shift] = read(SAMPLE)
    assert shift.opened_at == datetime(2025, 3, 18, 9, 56, 32, 937_000)
    assert (shift.business_date, shift.closed_at) == (DAY, None)
    assert (shift.pay_orders, shift.status, shift.point_of_sale) == (Decimal("51050.5"), "OPEN", "1b17")
    assert shift.department_id is None


@pytest.mark.parametrize(
    "told",
    [
        {"pointOfSale": None, "pointOfSaleId": "1b17"},
        {"payOrders": 51050.50},
        {"openDate": "2025-03-18T09:56:32.937000"},
        {"somethingNew": {"deep": [1]}},
    ],
)
def test_versions_tell_the_same_in_other_ways(told):
    assert read(SAMPLE | told) == read(SAMPLE)


@pytest.mark.parametrize(
    "told",
    [
        {"openDate": "18.03.2025"},
        {"openDate": None},
        {"payOrders": 1e15},
        {"payOrders": "much"},
        {"closeDate": "later"},
        {"id": None},
    ],
)
def test_a_shift_that_makes_no_sense_is_bad_data(told):
    with pytest.raises(SourceError) as caught:
        read(SAMPLE | told)
    assert caught.value.code == "bad_data"


def test_a_shift_told_twice_is_one_and_two_stories_are_none():
    assert len(read(SAMPLE, SAMPLE)) == 1
    with pytest.raises(SourceError):
        read(SAMPLE, SAMPLE | {"payOrders": 1})
    with pytest.raises(SourceError):
        parse.shifts(b'[{"id":"1","openDate":"2025-03-18T09:56:32","payOrders":1,"payOrders":2}]')


@pytest.mark.parametrize("old_names", [False, True])
def test_a_shift_belongs_to_the_department_of_its_point_of_sale(server, wires, client, old_names):
    server.faults.old_shift_names = old_names
    iiko = client()
    with iiko.session():
        shifts = iiko.shifts(DAY - timedelta(days=1), DAY)
        totals = iiko.day_totals(DAY - timedelta(days=1), DAY)
        iiko.shifts(DAY, DAY)
    assert {(s.department_id, s.business_date): s.pay_orders for s in shifts} == {
        key: total.revenue for key, total in totals.items()
    }
    assert {s.point_of_sale for s in shifts} == {point_of_sale(ABAY), point_of_sale(SAIN)}
    assert all(s.status == "CLOSED" and s.closed_at.date() == s.business_date + timedelta(days=1) for s in shifts)
    assert server.audit.requests["groups"] == 1
    assert_clean(server, wires)


def test_a_branch_outside_the_tree_leaves_its_shift_without_a_department(server, client):
    server.world = StaticWorld(week(), [Node(ABAY, None, "Abay", "DEPARTMENT")])
    iiko = client()
    with iiko.session():
        assert {shift.department_id for shift in iiko.shifts(DAY, DAY)} == {ABAY, None}


@pytest.mark.parametrize("fault", ["not_found", "no_right"])
def test_a_server_without_groups_tells_shifts_of_nobody(server, wires, client, fault):
    server.faults.plan("groups", fault, count=None)
    iiko = client()
    with iiko.session():
        assert {shift.department_id for shift in iiko.shifts(DAY, DAY)} == {None}
        iiko.shifts(DAY, DAY)
    assert server.audit.requests["groups"] == 1
    assert_clean(server, wires)


def test_groups_that_make_no_sense_are_no_reason_to_guess(server, client):
    server.world = StaticWorld(week(), [Node(ABAY, None, "Абай", "DEPARTMENT")])
    server.faults.plan("groups", "wrong_charset", count=None)
    iiko = client()
    with iiko.session(), pytest.raises(SourceError) as caught:
        iiko.shifts(DAY, DAY)
    assert caught.value.code == "bad_data"


@pytest.mark.parametrize("kind", ["shifts", "groups"])
def test_a_cut_list_is_asked_for_again(server, wires, client, kind):
    server.faults.plan(kind, "truncated", count=2)
    iiko = client()
    with iiko.session():
        assert {shift.department_id for shift in iiko.shifts(DAY, DAY)} == {ABAY, SAIN}
    assert server.audit.requests[kind] == 3
    assert_clean(server, wires)


@pytest.mark.parametrize(
    ("fault", "code"), [("no_right", "no_right"), ("not_found", "not_found"), ("html_200", "html")]
)
def test_a_refused_list_of_shifts_is_named(server, wires, client, fault, code):
    server.faults.plan("shifts", fault, count=None)
    iiko = client(patience=0)
    with iiko.session(), pytest.raises(SourceError) as caught:
        iiko.shifts(DAY, DAY)
    assert caught.value.code == code
    assert_clean(server, wires)


def test_an_open_shift_is_open_until_somebody_closes_it(server, client):
    def shift():
        return next(shift for shift in iiko.shifts(DAY, DAY) if shift.department_id == ABAY)

    iiko = client()
    with iiko.session():
        server.edited.open_shift(ABAY, DAY)
        assert (shift().closed_at, shift().status) == (None, "OPEN")
        late = datetime(2025, 3, 24, 10, 26, 53)
        server.edited.close_shift(ABAY, DAY, at=late)
        assert (shift().closed_at, shift().status) == (late, "CLOSED")


def test_day_totals_are_the_sums_of_the_hours(server, wires, client):
    iiko = client()
    with iiko.session():
        rows = iiko.sales(DAY, DAY + timedelta(days=6)).rows
        totals = iiko.day_totals(DAY, DAY + timedelta(days=6))
    sums = {}
    for row in rows:
        total = sums.get((row.external_id, row.date), (0, 0, 0, 0))
        sums[row.external_id, row.date] = DayTotal(*(a + b for a, b in zip(total, row[3:], strict=True)))
    assert totals == sums
    assert [len(asked["groupByRowFields"]) + len(asked["aggregateFields"]) for asked in server.audit.questions] == [
        7,
        6,
    ]
    assert_clean(server, wires)
