"""Real till files replayed by the simulated server come through the client to the last coin."""

import csv
import gzip
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sources.iiko.client import IikoClient, Server
from sources.ports import MemoryLock, MemoryTokens, SystemClock
from sources.simulator import IikoServer
from sources.simulator.worlds import load_world
from sources.simulator.worlds.transactions import TransactionsWorld, department_id

pytestmark = pytest.mark.unit
HEAD = "store,ts,ticket,item,category,qty,unit_price\n"
LINES = """A,2025-03-18 08:15:00,1,Tea,,2,0.1
A,2025-03-18 08:16:00,1,Bun,,1,0.2
A,2025-03-18 08:59:59,2,Bun,,3,1.15
A,2025-03-18 09:00:00,3,Bun,,-1,1.15
B,2025-03-19 23:10:00,1,Soup,,0.355,990
"""


@pytest.fixture
def till(tmp_path):
    path = tmp_path / "till.csv"
    path.write_text(HEAD + LINES, encoding="utf-8")
    return path


def test_lines_become_hours_orders_and_exact_money(till):
    world = load_world(f"csv:{till}")
    a, b = department_id("A"), department_id("B")
    got = [(c.department_id, c.date, c.hour, c.revenue, c.orders) for c in world.cells(date.min, date.max)]
    assert got == [
        (a, date(2025, 3, 18), 8, Decimal("3.85"), 2),
        (a, date(2025, 3, 18), 9, Decimal("-1.15"), 1),
        (b, date(2025, 3, 19), 23, Decimal("351.450"), 1),
    ]
    assert [node.name for node in world.departments() if node.type == "DEPARTMENT"] == ["A", "B"]
    assert world.departments()[-1].type == "CORPORATION"


def test_bills_are_the_real_tickets(till):
    bills = list(TransactionsWorld(till).receipts(date(2025, 3, 18), date(2025, 3, 18)))
    assert [(bill.closed_at.hour, bill.cell.revenue) for bill in bills] == [
        (8, Decimal("0.4")),
        (8, Decimal("3.45")),
        (9, Decimal("-1.15")),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("store,ts\n", "lacks the columns"), (HEAD + "A,yesterday,1,Tea,,1,1\n", "line 2"), (HEAD, "no lines")],
)
def test_a_file_that_is_none_is_named(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        TransactionsWorld(path)


def test_a_real_bakery_comes_through_to_the_last_cent(shared_data):
    path = shared_data / "french_bakery_transactions.csv.gz"
    want = defaultdict(Decimal)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            day, hour = date.fromisoformat(line["ts"][:10]), int(line["ts"][11:13])
            want[line["store"], day, hour] += Decimal(line["qty"]) * Decimal(line["unit_price"])
    got = {}
    with IikoServer(load_world(f"csv:{path}")) as server:
        parts = {"tokens": MemoryTokens(), "lock": MemoryLock(), "clock": SystemClock()}
        iiko = IikoClient(Server(server.url, "demo", "demo"), **parts)
        with iiko.session():
            names = {node.external_id: node.name for node in iiko.departments()}
            day = date(2021, 1, 1)
            while day <= date(2022, 9, 30):
                answer = iiko.sales(day, day + timedelta(days=30))
                got |= {(names[row.external_id], row.date, row.hour): row.revenue for row in answer.rows}
                day += timedelta(days=31)
        assert server.broken_rules() == []
    assert got == want
