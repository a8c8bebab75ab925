"""R11: the disk of the data is full. A clear word, nothing corrupt, and the work goes on when there is room."""

import datetime as dt
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from sources.simulator import IikoServer
from sources.simulator.worlds.static import StaticWorld
from tests.chaos.house import TENTH, House, differences, eventually, truth
from tests.chaos.own import Cluster, as_user
from tests.chaos.report import Row
from tests.chaos.worlds import BillsWorld
from tests.stack.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.row("R11", "the disk of data and models full")]

LAST = dt.date.today() - dt.timedelta(days=2)
MEGABYTES = 120


# What /readyz says, and what the API's refusals mean in the same words.
WORDS = {"elsewhere": {"full"}, "beside": {"full", "unreachable"}}
CODES = {"disk_full": "full", "out_of_order": "unreachable"}
# Broken pages of tables; indexes that lack a row end the statement with an error.
BROKEN = (
    "SELECT count(*) FROM pg_class c, verify_heapam(c.oid) WHERE c.relkind = 'r' AND c.relpersistence = 'p'",
    """SELECT 0 * count(*) FROM (
         SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
         WHERE c.relkind = 'i' AND a.amname = 'btree' AND c.relpersistence = 'p'
       ) checked""",
)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="salesforecast-chaos-disk-"))
    place.chmod(0o755)  # PostgreSQL, a user of its own, passes through
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"a small disk needs root to mount it: {done.stderr.strip()}", pytrace=False)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)
    place.rmdir()


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


@pytest.fixture
def cluster(small_disk: Path, tmp_path_factory: pytest.TempPathFactory, journal: str) -> Iterator[Cluster]:
    """On the small disk, with a service manager that starts it again and again; its journal there too, or not."""
    place = small_disk / "postgresql"
    place.mkdir()
    made_with: tuple[str, ...] = ("--wal-segsize=1",)
    elsewhere = Path(tempfile.mkdtemp(prefix="salesforecast-chaos-journal-"))
    if journal == "elsewhere":
        as_user("postgres", elsewhere)
        made_with += ("-X", str(elsewhere / "journal"))
    cluster = Cluster(place, ("max_wal_size=8MB", "min_wal_size=8MB"), made_with)
    stopped = threading.Event()

    def keep_up() -> None:
        while not stopped.wait(0.5):
            cluster.start_again()

    manager = threading.Thread(target=keep_up, daemon=True)
    manager.start()
    yield cluster
    stopped.set()
    manager.join()
    shutil.rmtree(elsewhere, ignore_errors=True)


@pytest.mark.parametrize("journal", ["beside", "elsewhere"])
def test_a_full_disk_of_postgresql(
    small_disk: Path, cluster: Cluster, tmp_path: Path, report: Callable[[Row], None], journal: str
) -> None:
    """Where the journal has no room the server itself goes down, and nobody can ask it why."""
    house = House(tmp_path, cluster=cluster)
    first = LAST - dt.timedelta(days=27)
    world = BillsWorld(LAST, days=28, departments=60, rows=60_000)
    true_days, true_hours = truth(world, first, LAST)
    ballast = small_disk / "ballast"
    try:
        house.add_till(StaticWorld(world.rows, world.departments()))
        house.nurse()
        house.ended(house.sync(first, first + dt.timedelta(days=3)), 60)
        os.killpg(house.processes["worker"].pid, signal.SIGSTOP)
        run = house.sync(first, LAST)
        _fill(ballast)
        os.killpg(house.processes["worker"].pid, signal.SIGCONT)
        named = eventually(lambda: _unready(house) & WORDS[journal], 60)
        refused = eventually(lambda: _refused(house) in WORDS[journal], 60)
        ballast.unlink()
        done = eventually(lambda: house.runs(f"id = {run}")[0]["state"] == "done", 120)
        wrong = differences(house.days(), true_days) + differences(house.hours(), true_hours)
        cluster.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        broken = sum(cluster.execute(statement)[0][0] for statement in BROKEN)
        ready = eventually(lambda: not _unready(house) & {"full", "unreachable"}, 30)
        logs = [house.log_tails(), (cluster.folder / "log").read_text()[-3000:]]
    finally:
        ballast.unlink(missing_ok=True)
        house.close()
    passed = None not in (named, refused, done, ready) and not wrong and not broken
    figure = (
        f"PostgreSQL with its journal {journal}: /readyz names it: {named is not None}, the API refuses with 503 in its"
        f" error shape: {refused is not None}; goes on by itself when there is room: {done is not None}; {wrong}"
        f" differences, {broken} broken pages or indexes"
    )
    report(Row("R11", passed, figure, [] if passed else logs))


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def _unready(house: House) -> set[str]:
    return set(house.call("GET", "/readyz").json()["checks"].values()) - {"ok"}


_other_days = itertools.count(100)


def _refused(house: House) -> str:
    """The code with which the API refuses to begin a load, once it does: a new one each time, which needs room."""
    first = LAST - dt.timedelta(days=next(_other_days))
    params = {"from_date": str(first), "to_date": str(first)}
    answer = house.call("POST", "/api/sales/sync", params=params, headers={"Prefer": "respond-async"})
    return CODES.get(answer.json()["errors"][0]["code"], "") if answer.status_code == 503 else ""


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
