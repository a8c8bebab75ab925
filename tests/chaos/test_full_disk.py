"""R11: the disk of the data is full. A clear word, nothing corrupt, and the work goes on when there is room."""

import datetime as dt
import os
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sources.simulator import IikoServer
from sources.simulator.worlds.static import StaticWorld
from tests.chaos.house import TENTH, differences, eventually, truth
from tests.chaos.report import Row
from tests.chaos.worlds import BillsWorld
from tests.stack.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.row("R11", "the disk of data and models full")]

LAST = dt.date.today() - dt.timedelta(days=2)
MEGABYTES = 48


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"a small disk needs root to mount it: {done.stderr.strip()}", pytrace=False)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk(small_disk: Path, tmp_path: Path, report: Callable[[Row], None]) -> None:
    # The logs are on another disk, or nobody could say what happened.
    stack = Stack(tmp_path)
    stack.environment |= TENTH | {"VAR_DIR": str(small_disk)}
    world = BillsWorld(LAST, days=28, departments=30, rows=30_000)
    till = IikoServer(StaticWorld(world.rows, world.departments()), login="demo", password="demo").start()
    first = LAST - dt.timedelta(days=27)
    true_days, true_hours = truth(world, first, LAST)
    ballast = small_disk / "ballast"
    try:
        stack.manage("migrate", "--verbosity", "0")
        stack.manage("add_connection", "--name", "till", "--url", till.url, "--login", "demo", "--password", "demo")
        stack.manage("sync_departments")
        stack.manage("sync_sales", "--from", str(first), "--to", str(first + dt.timedelta(days=3)))
        stack.key = stack.manage("create_api_key", "--name", "test", "--role", "administrator").split()[-1]
        stack.start_web()
        stack.start_worker()
        free = os.statvfs(small_disk)
        ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - 900_000))
        location = stack.call(
            "POST",
            "/api/sales/sync",
            params={"from_date": str(first), "to_date": str(LAST)},
            headers={"Prefer": "respond-async"},
        ).headers["Location"]
        said = eventually(lambda: "disk" in _word(small_disk) or "диск" in stack.get(location)["message"].lower(), 60)
        ballast.unlink()
        done = eventually(lambda: stack.get(location)["state"] == "done", 120)
        days, hours = _published(small_disk)
        wrong = differences(days, true_days) + differences(hours, true_hours)
        sound = sqlite3.connect(small_disk / "salesforecast.sqlite3").execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        ballast.unlink(missing_ok=True)
        stack.close()
        till.stop()
    passed = said is not None and done is not None and not wrong and sound == "ok"
    figure = (
        f"the full disk is named: {said is not None}; goes on by itself when there is room: {done is not None};"
        f" {wrong} differences, integrity {sound}"
    )
    report(Row("R11", passed, figure))


def _word(folder: Path) -> str:
    with sqlite3.connect(f"file:{folder / 'salesforecast.sqlite3'}?mode=ro", uri=True) as database:
        return " ".join(row[0] for row in database.execute("SELECT message_code FROM runs_run"))


def _published(folder: Path) -> tuple[dict[tuple[str, dt.date], Decimal], dict[tuple[str, dt.date, int], Decimal]]:
    def amount(value: float) -> Decimal:
        return Decimal(str(value))

    with sqlite3.connect(folder / "salesforecast.sqlite3") as database:
        days = {
            (str(uuid.UUID(who)), dt.date.fromisoformat(day)): amount(total)
            for who, day, total in database.execute("SELECT department_id, date, total_sales FROM sales_summary")
        }
        hours = {
            (str(uuid.UUID(who)), dt.date.fromisoformat(day), hour): amount(total)
            for who, day, hour, total in database.execute(
                "SELECT department_id, date, hour, sales_amount FROM sales_by_hour"
            )
        }
    return days, hours
