"""The client's one question about sales, asked of a server that keeps to iiko's rules."""

from datetime import timedelta
from decimal import Decimal

import pytest

from sources.simulator.olap import UNKNOWN_DEPARTMENT
from sources.tests.conftest import ABAY, DAY, SAIN, week

pytestmark = pytest.mark.unit


def ask(iiko, first=DAY, last=DAY):
    with iiko.session():
        return iiko.sales(first, last)


def expected(first, last, *, returns=True):
    """What a straight sum over the world gives."""
    sums = {}
    for cell in week():
        kept = cell.order_deleted == cell.dish_deleted == "NOT_DELETED" and (returns or not cell.storned)
        if kept and first <= cell.date <= last:
            key = (cell.department_id, cell.date, cell.hour)
            sums[key] = sums.get(key, 0) + cell.revenue
    return sums


def as_sums(answer):
    return {(row.external_id, row.date, row.hour): row.revenue for row in answer.rows}


@pytest.mark.parametrize("days", [1, 2, 7])
def test_both_ends_of_the_range_are_in_and_nothing_beyond(server, client, days):
    last = DAY + timedelta(days=days - 1)
    answer = ask(client(), DAY, last)
    assert as_sums(answer) == expected(DAY, last)
    assert {row.date for row in answer.rows} == {DAY + timedelta(days=n) for n in range(days)}


def test_the_question_is_word_for_word_the_documented_one(server, client):
    ask(client())
    assert server.audit.questions == [
        {
            "reportType": "SALES",
            "buildSummary": False,
            "groupByRowFields": ["Department.Id", "OpenDate.Typed", "HourClose"],
            "aggregateFields": ["DishDiscountSumInt", "DishSumInt", "UniqOrderId", "GuestNum"],
            "filters": {
                "OpenDate.Typed": {
                    "filterType": "DateRange",
                    "periodType": "CUSTOM",
                    "from": "2025-03-18T00:00:00.000",
                    "to": "2025-03-19T00:00:00.000",
                    "includeLow": True,
                    "includeHigh": False,
                },
                "OrderDeleted": {"filterType": "IncludeValues", "values": ["NOT_DELETED"]},
                "DeletedWithWriteoff": {"filterType": "IncludeValues", "values": ["NOT_DELETED"]},
            },
        }
    ]


def test_returns_count_unless_the_connection_leaves_them_out(server, client):
    assert as_sums(ask(client()))[SAIN, DAY, 15] == -1200
    answer = ask(client(include_returns=False))
    assert as_sums(answer) == expected(DAY, DAY, returns=False)
    assert server.audit.questions[-1]["filters"]["Storned"]["values"] == ["FALSE"]


@pytest.mark.parametrize("shape", ["number_mix", "binary_noise", "shuffled"])
def test_the_figures_do_not_depend_on_how_the_server_writes_them(server, client, shape):
    plain = ask(client(), DAY, DAY + timedelta(days=6))
    server.faults.plan("olap", shape)
    assert ask(client(), DAY, DAY + timedelta(days=6)) == plain


def test_rows_after_midnight_stay_on_their_business_date(client):
    assert as_sums(ask(client()))[ABAY, DAY, 0] == 9800


@pytest.mark.parametrize("shape", ["null_hour", "empty_hour"])
def test_an_hour_not_known_stays_unknown(server, client, shape):
    server.faults.plan("olap", shape)
    answer = ask(client())
    assert [row.hour for row in answer.rows].count(None) == 1
    assert sum(row.revenue for row in answer.rows) == sum(expected(DAY, DAY).values())


def test_sales_of_no_or_an_unknown_department_are_not_lost(server, client):
    for shape, id in (("null_department", None), ("unknown_department", UNKNOWN_DEPARTMENT)):
        server.faults.plan("olap", shape)
        answer = ask(client())
        assert id in {row.external_id for row in answer.rows}
        assert sum(row.revenue for row in answer.rows) == sum(expected(DAY, DAY).values())


def test_negative_rows_are_added_to_their_hour(server, client):
    before = ask(client())
    server.faults.plan("olap", "negative")
    after = ask(client())
    assert after.raw_rows == before.raw_rows + 1
    assert len(after.rows) == len(before.rows)
    assert any(row.revenue < 0 for row in after.rows)


def test_an_hour_that_vanished_is_not_in_the_answer(server, client):
    before = ask(client())
    server.faults.plan("olap", "vanishing_hours")
    assert {row.hour for row in before.rows} - {row.hour for row in ask(client()).rows} == {15}


def test_an_empty_answer_is_no_error(server, client):
    server.faults.plan("olap", "no_rows")
    answer = ask(client())
    assert (answer.rows, answer.raw_rows) == ([], 0)


def test_money_has_four_places(client):
    assert {row.revenue.as_tuple().exponent for row in ask(client()).rows} == {-4}
    assert isinstance(ask(client()).rows[0].revenue, Decimal)
