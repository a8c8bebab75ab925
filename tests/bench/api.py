"""How fast the API reads sales out of PostgreSQL, each time beside a yardstick of the same run.

A list of 10,000 days against `json_agg` of the same rows; pages of 100 days under gunicorn with two workers against a
plain FastAPI and SQLAlchemy endpoint under uvicorn with two (`api_peer.py`); a CSV of a million hours against
`COPY TO STDOUT` of the same rows, and the memory that takes. Ends with 1 if a limit is exceeded.

    python -m tests.bench.api
"""

import gc
import http.client
import io
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.database import scratch_database

BRANCHES, DAYS, LISTED = 40, 1800, 10_000
HOURS = 1_000_000  # of the newest days
REPEATS = 5
PAGE, CALLERS, SECONDS, ROUNDS = 100, 4, 4.0, 3
MEGABYTE = 2**20

# What is measured, over its yardstick (megabytes for memory): at most, or for pages at least.
MOST = {"list": 4.0, "export": 1.5, "memory": 32.0}
LEAST = {"pages": 2.5}


def main() -> int:
    with scratch_database():
        key = fill()
        found = {"list": lists(key), "pages": pages(key)} | export(key)
    late = [name for name, most in MOST.items() if found[name] > most]
    late += [name for name, least in LEAST.items() if found[name] < least]
    if late:
        print(f"api: beyond the limit: {', '.join(late)}", file=sys.stderr)
    return 1 if late else 0


def fill() -> str:
    """A chain with its sales, written by PostgreSQL itself; returns a key that reads them."""
    from django.db import connection

    from accounts.keys import create_api_key
    from accounts.models import Organisation
    from accounts.roles import Role
    from departments.models import Connection, Department

    organisation = Organisation.objects.main()
    till = Connection.objects.create(organisation=organisation, name="till", url="http://till.test")
    Department.objects.bulk_create(
        Department(id=uuid.uuid5(uuid.NAMESPACE_OID, f"branch {n}"), organisation=organisation, name=f"Кофейня, {n}")
        for n in range(BRANCHES)
    )
    days = f"generate_series(date '2026-03-31' - {DAYS - 1}, date '2026-03-31', interval '1 day')"
    money = "(((extract(epoch FROM day) / 86400)::int * 7919 + n * 104729) % 900000)::numeric / 16"
    figures = f"{money} AS total, 40 + n AS orders, 50 + n AS guests"
    branches = "(SELECT id, (row_number() OVER (ORDER BY id))::int AS n FROM departments) branch"
    moments = "now() AS created_at, now() AS updated_at, now() AS synced_at"
    common = f"'{organisation.pk}'::uuid, {till.pk}, id, day::date, total, total, total * 1.1, orders, guests"
    with connection.cursor() as cursor:
        cursor.execute(f"""
            INSERT INTO sales_sourceday (organisation_id, connection_id, date, state, is_settled, raw_rows, digest, fence)
            SELECT '{organisation.pk}', {till.pk}, day, 'complete', day < '2026-03-15', 0, '', 0 FROM {days} day""")
        columns = "organisation_id, connection_id, department_id, date"
        measures = "revenue, gross, orders, guests, created_at, updated_at, synced_at"
        cursor.execute(f"""
            INSERT INTO sales_summary ({columns}, total_sales, {measures}, state)
            SELECT {common}, created_at, updated_at, synced_at, 'complete'
            FROM (SELECT day, id, {figures}, {moments} FROM {days} day, {branches}) made""")
        cursor.execute(f"""
            INSERT INTO sales_by_hour ({columns}, hour, sales_amount, {measures})
            SELECT '{organisation.pk}'::uuid, {till.pk}, id, day::date, hour, total, total, total * 1.1, orders, guests,
                   created_at, updated_at, synced_at
            FROM (SELECT day, id, hour, {figures}, {moments}
                  FROM {days} day, {branches}, generate_series(8, 21) hour) made""")
        cursor.execute("ANALYZE")
    limits = {"per_minute": 10**8, "per_hour": None, "per_day": None}
    return create_api_key(organisation=organisation, name="bench", role=Role.INTEGRATOR, limits=limits)[1]


def lists(key: str) -> float:
    """A list of 10,000 days, from the request to the last byte, over `json_agg` of the same rows and columns."""
    from django.db import connection
    from django.test import Client

    client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Api-Key {key}"})

    def ours() -> int:
        response = client.get(f"/api/sales/summary?limit={LISTED}")
        assert response.status_code == 200, response.content
        return len(response.content)

    def aggregated() -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"""
                SELECT json_agg(listed)::text FROM (
                    SELECT id, department_id, date, revenue, gross, orders, guests, created_at, updated_at, synced_at,
                           state, total_sales, EXISTS (
                               SELECT 1 FROM sales_sourceday known WHERE known.organisation_id = day.organisation_id
                               AND known.connection_id = day.connection_id AND known.date = day.date AND is_settled
                           ) AS settled
                    FROM sales_summary day ORDER BY date DESC, department_id, id LIMIT {LISTED}) listed""")
            return len(cursor.fetchone()[0])

    assert ours() > LISTED * 200 and aggregated() > LISTED * 200
    mine, yardstick = in_turn(ours, aggregated)
    told(f"list of {LISTED:,} days", mine, yardstick, f"at most {MOST['list']}")
    return mine / yardstick


def in_turn(*works: Callable[[], Any]) -> list[float]:
    """The median of each, measured in turns so that a slow moment hits all of them."""
    gc.collect()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for place, work in enumerate(works):
            begun = time.perf_counter()
            work()
            times[place].append(time.perf_counter() - begun)
    return [statistics.median(values) for values in times]


def told(name: str, mine: float, yardstick: float, limit: str) -> None:
    print(f"{name:34} {mine:7.3f} s   yardstick {yardstick:7.3f} s   {mine / yardstick:5.2f}  ({limit})", flush=True)


def pages(key: str) -> float:
    """Pages a second of ours over those of the peer, in turns; each in two processes of a server of its own."""
    peer, path = _free_port(), f"/api/sales/summary?page_size={PAGE}"
    uvicorn = ["uvicorn", "tests.bench.api_peer:app", f"--port={peer}", "--workers=2", "--log-level=warning"]
    with gunicorn() as (ours, _pid), server([*uvicorn, "--no-access-log"], peer, _redis()):
        headers = {"Authorization": f"Api-Key {key}", "Host": "127.0.0.1"}
        rates: dict[str, list[float]] = {"ours": [], "peer": []}
        for measured in range(-1, ROUNDS):  # the first round warms both
            for name, port, address, more in (
                ("ours", ours, path, headers),
                ("peer", peer, f"/summary?page_size={PAGE}", headers),
            ):
                rate = rate_of(port, address, more)
                rates[name] += [rate] if measured >= 0 else []
    mine, theirs = (statistics.median(values) for values in rates.values())
    print(
        f"pages of {PAGE} days a second         {mine:7.0f}     FastAPI   {theirs:7.0f}     {mine / theirs:5.2f}"
        f"  (at least {LEAST['pages']})",
        flush=True,
    )
    return mine / theirs


@contextmanager
def gunicorn() -> Iterator[tuple[int, int]]:
    """Port and process of the product as it is served: two workers, with Redis where there is one."""
    port = _free_port()
    command = ["gunicorn", "salesforecast.wsgi", f"--bind=127.0.0.1:{port}", "--workers=2", "--threads=4"]
    here = {"DEBUG": "", "SECRET_KEY": "b" * 50, "FIELD_ENCRYPTION_KEY": "b" * 50} | _redis()
    with server([*command, "--no-control-socket", "--log-level=warning"], port, here) as pid:
        yield port, pid


def _redis() -> dict[str, str]:
    url = os.environ.get("TEST_REDIS_URL")
    return {"REDIS_URL": url} if url else {}


@contextmanager
def server(command: list[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """The process of a server that answers on the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env={**os.environ, **environment}, cwd=Path(__file__).parents[2]
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, f"{command[0]} ended at once"
                time.sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def rate_of(port: int, path: str, headers: dict[str, str]) -> float:
    """Answers a second of CALLERS that ask again and again over a connection each."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    question = "\r\n".join([*lines, "", ""]).encode()
    counts, until = [0] * CALLERS, time.monotonic() + SECONDS

    def call(place: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.monotonic() < until:
                connection.sendall(question)
                body = _answer(connection)
                assert body.count(b'"total_sales"') == PAGE, body[:300]
                counts[place] += 1

    threads = [threading.Thread(target=call, args=[place]) for place in range(CALLERS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(counts), "a caller got no answer"
    return sum(counts) / (time.monotonic() - begun)


def _answer(connection: socket.socket) -> bytes:
    """The body of an answer that tells its length: an HTTP library would cost as much as what is measured."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _some(connection)
    head, _end, body = got.partition(b"\r\n\r\n")
    assert b" 200 " in head[:20], got[:300]
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += _some(connection)
    return body


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(2**16)
    assert piece, "the server hung up"
    return piece


def export(key: str) -> dict[str, float]:
    """A CSV of a million hours, read to its end, over COPY of the same rows; and how much memory it took at most."""
    from django.db import connection
    from django.test import Client

    from sales.models import SalesByHour

    client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Api-Key {key}"})
    newest = SalesByHour.objects.order_by("-date").values_list("date", flat=True)[HOURS - 1]
    lines = SalesByHour.objects.filter(date__gte=newest).count()

    def ours() -> int:
        response = client.get(f"/api/sales/export/csv?hours=true&from_date={newest}")
        assert response.status_code == 200
        return sum(len(piece) for piece in response.streaming_content)

    class Count(io.RawIOBase):
        size = 0

        def write(self, piece: Any) -> int:
            self.size += len(piece)
            return len(piece)

    def copied() -> int:
        counted = Count()
        with connection.cursor() as cursor:
            cursor.copy_expert(
                f"""COPY (SELECT h.date, h.department_id, d.name, h.hour, h.sales_amount, h.revenue, h.gross, h.orders,
                         h.guests, 'KZT' FROM sales_by_hour h JOIN departments d ON d.id = h.department_id
                         WHERE h.date >= '{newest}' ORDER BY h.date, h.department_id, h.hour)
                    TO STDOUT WITH (FORMAT csv)""",
                counted,
            )
        return counted.size

    memory = memory_of_export(key, f"/api/sales/export/csv?hours=true&from_date={newest}", lines)
    assert ours() > lines * 60 and copied() > lines * 60
    mine, yardstick = in_turn(ours, copied)
    told(f"CSV of {lines:,} hours", mine, yardstick, f"at most {MOST['export']}")
    print(f"  memory over start                {memory:7.1f} MB  (at most {MOST['memory']:.0f})", flush=True)
    return {"export": mine / yardstick, "memory": memory}


def memory_of_export(key: str, path: str, lines: int) -> float:
    """By how many megabytes the processes of a server grew at most while one of them sent the file."""
    with gunicorn() as (port, pid):
        small = f"{path}&to_date=2026-01-01"
        _download(port, key, small)
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        done, highest = threading.Event(), [0]
        before = sum(map(_resident, children))

        def look() -> None:
            while not done.wait(0.005):
                highest[0] = max(highest[0], sum(map(_resident, children)))

        watcher = threading.Thread(target=look)
        watcher.start()
        assert _download(port, key, path) > lines * 60
        done.set()
        watcher.join()
    return (highest[0] - before) / MEGABYTE


def _download(port: int, key: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"Authorization": f"Api-Key {key}"})
    response, size = connection.getresponse(), 0
    assert response.status == 200
    while piece := response.read(2**16):
        size += len(piece)
    connection.close()
    return size


def _resident(pid: int) -> int:
    """All memory of a process, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
