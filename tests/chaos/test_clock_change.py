"""R7: the last day of February 2024, when the clocks of Almaty went back, and hosts in other zones."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest

from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell
from sources.simulator.worlds.static import StaticWorld
from tests.chaos.house import differences, truth
from tests.chaos.report import Row
from tests.databases import TEMPLATE, new_database
from tests.stack.stack import Stack

FIRST, LAST = dt.date(2024, 2, 26), dt.date(2024, 3, 3)
ALMATY, ORAL = (str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("almaty", "oral"))


@pytest.fixture
def till() -> Iterator[IikoServer]:
    rows = [
        Cell(branch, FIRST + dt.timedelta(days=day), hour, Decimal(1000 * day + 37 * hour + 1) / 4, Decimal(9999), 2, 3)
        for day in range(7)
        for branch in (ALMATY, ORAL)
        # The trading day ends at five in the morning: every hour of the clock is one of it.
        for hour in range(24)
        if hour != 6
    ]
    with IikoServer(StaticWorld(rows), login="demo", password="demo") as server:
        yield server


@pytest.mark.row("R7", "the change of clocks of Almaty on 29.02.2024, trade to 05:00, a branch in another zone")
@pytest.mark.parametrize(
    "host",
    [
        pytest.param("Asia/Omsk", marks=pytest.mark.stack, id="short"),
        pytest.param("UTC", marks=pytest.mark.chaos, id="in UTC"),
        pytest.param("Asia/Omsk", marks=pytest.mark.chaos, id="in UTC+6"),
    ],
)
def test_no_hour_is_lost_or_doubled(
    till: IikoServer, tmp_path: Path, postgres_url: str, report: Callable[[Row], None], host: str
) -> None:
    with new_database(postgres_url, template=TEMPLATE) as database:
        stack = Stack(tmp_path, database)
        stack.environment["TZ"] = host
        stack.migrate()
        stack.manage("add_connection", "--name", "till", "--url", till.url, "--login", "demo", "--password", "demo")
        stack.manage("sync_departments")
        rows = _ask(database, f"UPDATE departments SET time_zone = 'Asia/Oral' WHERE id = '{ORAL}' RETURNING 1")
        assert len(rows) == 1
        stack.manage("sync_sales", "--from", str(FIRST), "--to", str(LAST))
        days = _ask(database, "SELECT department_id::text, date, total_sales FROM sales_summary")
        hours = _ask(database, "SELECT department_id::text, date, hour, sales_amount FROM sales_by_hour")
    true_days, true_hours = truth(till.world, FIRST, LAST)
    wrong = differences({row[:2]: row[2] for row in days}, true_days)
    wrong_hours = differences({row[:3]: row[3] for row in hours}, true_hours)
    passed = not wrong and not wrong_hours and len(hours) == len(true_hours)
    figure = f"host in {host}: {len(hours)} hours of {len(true_hours)}, {wrong + wrong_hours} differences"
    report(Row("R7", passed, figure))


def _ask(url: str, statement: str) -> list[tuple]:  # type: ignore[type-arg]
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(statement)
    rows = cursor.fetchall()
    connection.close()
    return rows
