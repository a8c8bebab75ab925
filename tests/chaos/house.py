"""The product under fire: its processes on a database and a broker of their own, and tills whose truth is known."""

import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from sources.iiko.session import Server
from sources.simulator import IikoServer
from tests.chaos.own import Cluster, OwnRabbit, OwnRedis
from tests.databases import TEMPLATE
from tests.stack.stack import Stack

# Everything that is waited for is a tenth of what the product comes with; so are the limits.
TENTH = {
    "RUN_LEASE_SECONDS": "6",
    "RUN_SWEEP_SECONDS": "2",
    "RETRY_SECONDS": "60",
    "SOURCE_PATIENCE": "30",
    "SOURCE_READ_TIMEOUT": "20",
    "SOURCE_CONNECT_TIMEOUT": "2",
}
# What the product comes with, where tests are else in a hurry.
REAL = {"SOURCE_PATIENCE": "300", "RUN_SWEEP_SECONDS": "20"}
TABLES = "sales_by_hour, sales_summary, sales_observedday, sales_sourceday, sales_restatement, sales_departmentcutoff"


def copied(url: str) -> bool:
    """Whether the tables of all tests could be brought to a cluster of its own: in a tenth of the time of migrating."""
    if not TEMPLATE:
        return False
    source = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{TEMPLATE}").geturl()
    command = 'pg_dump --no-owner --no-privileges "$0" | psql --quiet --single-transaction -v ON_ERROR_STOP=1 "$1"'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command, source, url], capture_output=True, check=False)
    return done.returncode == 0  # another version's pg_dump, for one, does not understand the server


class House(Stack):
    """Web, a worker that is started again whenever it dies, a cluster and a Redis; tills run in this very process."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: dict[str, str] = TENTH,
        broker: str = "redis",
        cluster: Cluster | None = None,
    ) -> None:
        self.cluster = cluster or Cluster()
        # Without a broker of its own the product passes messages in files.
        self.broker = {"redis": OwnRedis, "rabbitmq": OwnRabbit, "files": lambda: None}[broker]()
        super().__init__(folder, self.cluster.url, self.broker.url if self.broker else "")
        self.environment |= settings
        self.environment["FAILPOINT_FILE"] = str(folder / "failpoint")
        self.environment["CLOCK_FILE"] = str(folder / "clock")
        self.tills: list[IikoServer] = []
        self._watched = threading.Event()
        self._nurse: threading.Thread | None = None
        self.deaths = 0
        if not copied(self.cluster.url):
            self.manage("migrate", "--verbosity", "0")
        self.key = self.manage("create_api_key", "--name", "chaos", "--role", "administrator").split()[-1]
        self.start_web()

    # -- processes ------------------------------------------------------------------------------------------------

    def start_worker(self, name: str = "worker") -> None:
        self.start(
            name, "-m", "celery", "-A", "tests.chaos.worker", "worker", "--concurrency", "1", "-Q", "default,train",
            "--loglevel", "warning", "--without-mingle", "--without-gossip", "-n", f"{name}@%h",
        )  # fmt: skip

    def start_beat(self, name: str = "beat") -> None:
        self.start(
            name, "-m", "celery", "-A", "salesforecast", "beat", "--pidfile=", "--loglevel", "warning",
            "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler",
        )  # fmt: skip

    def nurse(self) -> None:
        """Do what a service manager does: start the worker again when it has died."""

        def watch() -> None:
            while not self._watched.wait(0.1):
                process = self.processes.get("worker")
                if process and process.poll() is not None:
                    self.deaths += 1
                    self.start_worker()

        if self._nurse and self._nurse.is_alive():
            return
        self._watched.clear()
        self.start_worker()
        self._nurse = threading.Thread(target=watch, daemon=True)
        self._nurse.start()

    def pause_nurse(self) -> None:
        """Nobody works, and nobody starts a worker again."""
        self._watched.set()
        if self._nurse:
            self._nurse.join(5)
        self.kill("worker", signal.SIGKILL)

    def kill_worker(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.processes["worker"].pid, signal.SIGKILL)

    def forgotten(self, till: IikoServer) -> int:
        """Slots of the till whose token nobody has: their worker was killed between the answer to a login and its storing.

        The till takes such a slot back after an hour, here at once: to log in beside it is all that can be done.
        """
        time.sleep(0.3)  # a login on its way is still answered
        known = self.cluster.execute(
            "SELECT 1 FROM departments_sourcesession WHERE server = %s AND token IS NOT NULL",
            Server(till.url, till.login, "").key,
        )
        tokens = [] if known else till.live_tokens()
        return sum(till.tokens.give_back(token) for token in tokens)

    def fail_at(self, point: str) -> None:
        Path(self.environment["FAILPOINT_FILE"]).write_text(point)

    def move_clock(self, seconds: float) -> None:
        Path(self.environment["CLOCK_FILE"]).write_text(str(seconds))

    def close(self) -> None:
        self._watched.set()
        if self._nurse:
            self._nurse.join(5)
        for name in list(self.processes):
            with suppress(ProcessLookupError):
                self.kill(name, signal.SIGKILL)
        self._send_tills_home()
        if self.broker:
            self.broker.close()
        self.cluster.close()

    def fresh(self) -> None:
        """As if nothing had been done yet; the processes go on."""
        for name in self.processes.keys() - {"web", "worker"}:
            self.kill(name, signal.SIGKILL)
        self._send_tills_home()
        for file in (self.environment["CLOCK_FILE"], self.environment["FAILPOINT_FILE"]):
            Path(file).unlink(missing_ok=True)
        found = self.cluster.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(sales|runs_|department|forecast)'"
        )
        self.cluster.execute(f"TRUNCATE {', '.join(name for (name,) in found)} RESTART IDENTITY CASCADE")

    def _send_tills_home(self) -> None:
        for till in self.tills:
            with suppress(Exception):
                till.stop()
        self.tills.clear()

    # -- tills ----------------------------------------------------------------------------------------------------

    def add_till(self, world: Any, name: str = "till") -> IikoServer:
        till = IikoServer(world, login="demo", password="demo")
        till.start()
        self.tills.append(till)
        self.manage("add_connection", "--name", name, "--url", till.url, "--login", "demo", "--password", "demo")
        self.manage("sync_departments")
        return till

    # -- what stands in the database ------------------------------------------------------------------------------

    def clear(self) -> None:
        self.cluster.execute(f"TRUNCATE {TABLES}")

    def days(self) -> dict[tuple[str, date], Decimal]:
        rows = self.cluster.execute(
            "SELECT department_id::text, date, total_sales FROM sales_summary WHERE total_sales IS NOT NULL"
        )
        return {(department, day): amount for department, day, amount in rows}

    def hours(self) -> dict[tuple[str, date, int], Decimal]:
        rows = self.cluster.execute("SELECT department_id::text, date, hour, sales_amount FROM sales_by_hour")
        assert len(rows) == len({row[:3] for row in rows}), "an hour stands twice"
        return {(department, day, hour): amount for department, day, hour, amount in rows}

    def fingerprint(self) -> str:
        """Of all published figures; not of who wrote them when."""
        (row,) = self.cluster.execute(
            """SELECT md5(string_agg(t, '|' ORDER BY t)) FROM (
                 SELECT department_id || ' ' || date || ' ' || total_sales || ' ' || gross || ' ' || orders AS t
                 FROM sales_summary
                 UNION ALL SELECT department_id || ' ' || date || ' ' || hour || ' ' || sales_amount FROM sales_by_hour
               ) all_rows"""
        )
        return str(row[0])

    def log_tails(self, lines: int = 15) -> str:
        """What the processes said last, for a row that failed."""
        texts = []
        for log in sorted(self.folder.glob("*.log")):
            texts.append(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:]))
        return "\n".join(texts)

    def runs(self, where: str = "true") -> list[dict[str, Any]]:
        names = "id, kind, state, errors, counts, attempts, message_code"
        rows = self.cluster.execute(f"SELECT {names} FROM runs_run WHERE {where} ORDER BY id")
        return [dict(zip(names.split(", "), row, strict=True)) for row in rows]

    # -- work -----------------------------------------------------------------------------------------------------

    def sync(self, first: date, last: date) -> int:
        """Begin a load over the API; the id of its run."""
        answer = self.call(
            "POST",
            "/api/sales/sync",
            params={"from_date": str(first), "to_date": str(last)},
            headers={"Prefer": "respond-async"},
        )
        assert answer.status_code == 202, f"{answer.status_code} {answer.text[:300]}"
        return int(answer.headers["Location"].rstrip("/").rpartition("/")[2])

    def ended(self, run: int, seconds: float) -> dict[str, Any]:
        """The run when it has ended; raises AssertionError after `seconds`."""

        def finished() -> Any:
            try:
                (found,) = self.runs(f"id = {run}")
            except psycopg2.OperationalError:
                return None
            return found if found["state"] not in ("queued", "running") else None

        return self.until(finished, f"run {run} has ended", seconds)  # type: ignore[no-any-return]


class Reader:
    """A reader that looks every 50 ms whether the hours of each published day add up to it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.looks = self.wrong = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _read(self) -> None:
        connection = None
        while not self._stop.wait(0.05):
            try:
                connection = connection or psycopg2.connect(self.house.cluster.url)
                connection.autocommit = True
                cursor = connection.cursor()
                cursor.execute(
                    """SELECT count(*) FROM sales_summary d LEFT JOIN (
                         SELECT department_id, date, sum(sales_amount) AS hours FROM sales_by_hour GROUP BY 1, 2
                       ) h USING (department_id, date) WHERE d.total_sales IS DISTINCT FROM h.hours"""
                )
                self.looks += 1
                self.wrong += bool(cursor.fetchone()[0])  # type: ignore[index]
            except psycopg2.Error:
                connection = None


def truth(world: Any, first: date, last: date) -> tuple[dict[Any, Decimal], dict[Any, Decimal]]:
    """The sums of a world by (department, date) and by (department, date, hour), without deleted bills."""
    days: dict[Any, Decimal] = defaultdict(Decimal)
    hours: dict[Any, Decimal] = defaultdict(Decimal)
    for cell in world.cells(first, last):
        if cell.department_id and cell.order_deleted == cell.dish_deleted == "NOT_DELETED":
            days[cell.department_id, cell.date] += cell.revenue
            hours[cell.department_id, cell.date, cell.hour] += cell.revenue
    return dict(days), dict(hours)


def differences(ours: dict[Any, Decimal], theirs: dict[Any, Decimal]) -> int:
    return sum(ours.get(key) != theirs.get(key) for key in ours.keys() | theirs.keys())


def spread(last: date, days: int) -> tuple[date, date]:
    return last - timedelta(days=days - 1), last


def eventually(happens: Callable[[], Any], seconds: float, *, every: float = 0.1) -> float | None:
    """Seconds until it happened; None if it did not. A database that is away is asked again."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        with suppress(psycopg2.OperationalError):
            if happens():
                return time.monotonic() - begun
        time.sleep(every)
    return None
