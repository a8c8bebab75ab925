"""Real sales of a bakery and of three coffee shops, from a till server's socket to the screen, to the cent."""

import csv
import datetime as dt
import gzip
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.databases import TEMPLATE, new_database
from tests.stack.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.stack]

SETS = {
    "french_bakery": ("2021-01-02", "2022-09-30", 1),
    "maven_coffee": ("2023-01-01", "2023-06-30", 3),
}


def sums_of(path: Path) -> tuple[dict[tuple[str, str], Decimal], dict[tuple[str, str, int], Decimal]]:
    """Sales by (store, date) and by (store, date, hour), added up from the file's own texts."""
    days: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    hours: dict[tuple[str, str, int], Decimal] = defaultdict(Decimal)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            amount = Decimal(row["qty"]) * Decimal(row["unit_price"])
            days[row["store"], row["ts"][:10]] += amount
            hours[row["store"], row["ts"][:10], int(row["ts"][11:13])] += amount
    return days, hours


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    made = ExitStack()
    if request.param == "embedded":
        stack = Stack(tmp_path)
    else:
        broker = request.getfixturevalue({"redis": "redis_url", "rabbitmq": "rabbitmq_url"}[request.param])
        server = request.getfixturevalue("postgres_url")
        stack = Stack(tmp_path, made.enter_context(new_database(server, template=TEMPLATE)), broker)
    stack.migrate()
    stack.key = stack.manage("create_api_key", "--name", "test", "--role", "administrator").split()[-1]
    stack.start_web()
    stack.start_worker()
    yield stack
    stack.close()
    made.close()


@pytest.mark.parametrize(
    ("stack", "name"),
    [
        pytest.param("embedded", "french_bakery", marks=pytest.mark.deep),
        ("embedded", "maven_coffee"),
        ("redis", "french_bakery"),
        pytest.param("redis", "maven_coffee", marks=pytest.mark.deep),
        ("rabbitmq", "french_bakery"),
    ],
    indirect=["stack"],
)
def test_a_real_chain_from_the_till_to_the_forecast(stack: Stack, shared_data: Path, name: str) -> None:
    first, last, departments = SETS[name]
    path = shared_data / f"{name}_transactions.csv.gz"
    url = stack.start_till(f"csv:{path}")
    stack.manage("add_connection", "--name", "till", "--url", url, "--login", "demo", "--password", "demo")
    assert "login accepted" in stack.manage("check_connection", "till")

    run = stack.work("/api/sales/sync", from_date=first, to_date=last)
    assert run["state"] == "done", run
    names = {row["id"]: row["name"] for row in stack.get("/api/departments/")}
    days, hours = sums_of(path)
    assert loaded_days(stack, names) == days
    assert loaded_hours(stack, names) == hours

    again = stack.work("/api/sales/sync", from_date=first, to_date=last)
    assert again["state"] == "done", again
    assert again["counts"]["changed_rows"] == 0

    trained = stack.work("/api/forecast/retrain")
    assert trained["state"] == "done", trained
    forecasts = stack.get("/api/forecast/batch", from_date=following(last, 1), to_date=following(last, 35))
    assert len(forecasts) == 35 * departments
    assert all(row["predicted_sales"] >= 0 for row in forecasts)
    assert stack.get("/api/forecast/model/info")["training_metrics"]["origins"] >= 2


def loaded_days(stack: Stack, names: dict[str, str]) -> dict[Any, Decimal]:
    rows = stack.get("/api/sales/summary", limit=10_000)
    return {(names[row["department_id"]], row["date"]): row["total_sales"] for row in rows}


def loaded_hours(stack: Stack, names: dict[str, str]) -> dict[Any, Decimal]:
    rows = stack.get("/api/sales/hourly", limit=10_000)
    return {(names[row["department_id"]], row["date"], row["hour"]): row["sales_amount"] for row in rows}


def following(day: str, days: int) -> str:
    return str(dt.date.fromisoformat(day) + dt.timedelta(days=days))
