"""How long a month of a chain takes from a till server's socket into PostgreSQL.

135,000 bills of 38 branches in 31 days, asked week by week. The yardstick is `orjson.loads` of the same bytes in the
same run: the least anyone can do with them. Beside it the usual way: a SELECT and an INSERT or UPDATE per row.
Without the control question after each week, and judging what came, the same load was held to 4.0 and 2.5; the price
of both may be a third at most.

    python -m tests.bench.load
"""

import datetime as dt
import gc
import itertools
import multiprocessing
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson

from tests.bench.database import scratch_database

ROWS, BRANCHES, DAYS = 135_000, 38, 31
LAST = dt.date(2026, 3, 31)
REPEATS = 5


def bills() -> list[dict[str, Any]]:
    """One row per bill, as a server answers when it is asked for bills; deterministic."""
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"branch {number}")) for number in range(BRANCHES)]
    return [
        {
            "Department.Id": ids[n * 7919 % BRANCHES],
            "OpenDate.Typed": str(LAST - dt.timedelta(days=n * 104_729 % DAYS)),
            "HourClose": f"{8 + n * 31 % 15:02d}",
            "DishDiscountSumInt": n * 37 % 9000 * 10 + (0.5 if n % 5 == 0 else 0),
            "DishSumInt": n * 37 % 9000 * 10 + 150,
            "UniqOrderId": 1,
            "GuestNum": n % 4,
        }
        for n in range(ROWS)
    ]


def grouped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same sales summed by department, date and hour, as we ask for them."""
    sums: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    keys = ("DishDiscountSumInt", "DishSumInt", "UniqOrderId", "GuestNum")
    for row in rows:
        key = (row["Department.Id"], row["OpenDate.Typed"], row["HourClose"])
        sums[key] = [total + Decimal(str(row[name])) for total, name in zip(sums[key], keys, strict=True)]
    return [
        {
            "Department.Id": department,
            "OpenDate.Typed": date,
            "HourClose": hour,
            **{name: float(value) if value % 1 else int(value) for name, value in zip(keys, values, strict=True)},
        }
        for (department, date, hour), values in sums.items()
    ]


def weekly_bodies(rows: list[dict[str, Any]], weeks: list[tuple[dt.date, dt.date]]) -> list[bytes]:
    return [
        orjson.dumps({"data": [row for row in rows if str(first) <= row["OpenDate.Typed"] <= str(last)], "summary": []})
        for first, last in weeks
    ]


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    with scratch_database():
        measure()


@contextmanager
def served(bodies: list[bytes], nodes: list[Any]) -> Iterator[str]:
    """The address of a server, a process of its own, that answers every question with the next of the bodies."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, bodies, nodes), daemon=True)
    process.start()
    yield ours.recv()
    process.terminate()
    process.join()


def _serve(pipe: Any, bodies: list[bytes], nodes: list[Any]) -> None:
    from sources.simulator import IikoServer
    from sources.simulator.worlds.static import PrerenderedWorld, day_totals

    class Weekly(PrerenderedWorld):
        """Each question with hours gets the next week's body, the check after it that week's totals."""

        turns = itertools.cycle([(body, day_totals(body)) for body in bodies])

        def answer(self, question: dict[str, Any]) -> bytes:
            if "HourClose" in question["groupByRowFields"]:
                self.body, self.totals = next(self.turns)
                return self.body
            return self.totals

    with IikoServer(Weekly(bodies[0], nodes), login="api", password="secret") as server:
        pipe.send(server.url)
        server.stopping.wait()


def measure() -> None:
    from django.db import connection as database

    from accounts.models import Organisation
    from departments.models import Connection
    from runs.choices import State
    from runs.ledger import run_now
    from sales.models import ObservedDay, Restatement, SalesByHour, SalesSummary, SourceDay
    from sales.settling import questions as weeks_of
    from sales.sync import start_sync
    from sources.simulator.worlds.base import Node

    rows = bills()
    questions = weeks_of([LAST - dt.timedelta(days=back) for back in range(DAYS)], 7)
    row_bodies, cell_bodies = weekly_bodies(rows, questions), weekly_bodies(grouped(rows), questions)
    nodes = [Node(id, None, id, "DEPARTMENT") for id in sorted({row["Department.Id"] for row in rows})]

    with served(row_bodies, nodes) as row_url, served(cell_bodies, nodes) as cell_url:
        connection = Connection.objects.create(
            organisation=Organisation.objects.main(), name="till", url=cell_url, login="api", password="secret"
        )

        def clear() -> None:
            tables = [
                model._meta.db_table for model in (SalesByHour, SalesSummary, ObservedDay, SourceDay, Restatement)
            ]
            with database.cursor() as cursor:
                cursor.execute(f"TRUNCATE {', '.join(tables)}")

        def load(url: str) -> None:
            Connection.objects.filter(pk=connection.pk).update(url=url)
            run, _created = start_sync(
                organisation=connection.organisation,
                from_date=LAST - dt.timedelta(days=DAYS - 1),
                to_date=LAST,
                trigger="command",
            )
            assert run_now(run).state == State.DONE, run.errors

        load(cell_url)  # departments are known and caches are warm
        del rows
        gc.collect()
        gc.freeze()  # what the benchmark itself holds is no work of the collector
        figures: dict[str, list[float]] = defaultdict(list)
        for _ in range(REPEATS):
            figures["orjson"].append(timed(lambda: [orjson.loads(body) for body in row_bodies]))
            for name, url in (("rows", row_url), ("cells", cell_url)):
                clear()
                figures[name].append(timed(lambda url=url: load(url)))  # type: ignore[misc]
                figures[f"{name} again"].append(timed(lambda url=url: load(url)))  # type: ignore[misc]
        clear()
        loop = timed(lambda: row_by_row(grouped(bills()), connection))

    middle = {name: statistics.median(values) for name, values in figures.items()}
    base = middle["orjson"]
    size = sum(map(len, row_bodies)) / 1e6
    print(f"{ROWS} bills, {size:.0f} MB, {BRANCHES} branches x {DAYS} days, medians of {REPEATS}")
    print(f"orjson.loads of the bills                      {base:7.3f} s   1.00")
    for name, most in (("rows", 5.2), ("cells", 3.2)):
        ratio, again = middle[name] / base, middle[f"{name} again"] / middle[name]
        print(
            f"load of {name:6} (fetch, parse, sum, write)       {middle[name]:7.3f} s   {ratio:.2f}  (at most {most})"
        )
        print(
            f"  unchanged, again                             {middle[f'{name} again']:7.3f} s   {again:.2f} of the first  (at most 0.8)"
        )
    print(
        f"SELECT and INSERT per cell, without fetching   {loop:7.3f} s   {loop / base:.1f}, {loop / middle['cells']:.1f} times ours"
    )


def row_by_row(cells: list[dict[str, Any]], connection: Any) -> None:
    """The usual way: look each hour up, insert or update it, one statement at a time, one commit at the end."""
    from django.db import transaction
    from django.utils import timezone

    from sales.models import SalesByHour

    now = timezone.now()
    with transaction.atomic():
        for cell in cells:
            common = {
                "revenue": Decimal(str(cell["DishDiscountSumInt"])),
                "gross": Decimal(str(cell["DishSumInt"])),
                "orders": cell["UniqOrderId"],
                "guests": cell["GuestNum"],
            }
            SalesByHour.objects.update_or_create(
                department_id=cell["Department.Id"],
                date=cell["OpenDate.Typed"],
                hour=int(cell["HourClose"]),
                defaults={
                    **common,
                    "organisation": connection.organisation,
                    "sales_amount": common["revenue"],
                    "created_at": now,
                    "updated_at": now,
                    "synced_at": now,
                },
            )


if __name__ == "__main__":
    main()
