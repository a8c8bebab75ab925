"""How long a file of a million sales takes from its bytes into PostgreSQL, and a workbook of a hundred thousand rows
into memory; and how much memory either needs.

The yardsticks run beside it: `pandas.read_csv` of the same file and one COPY of the finished rows into the same table
with its indexes, the least anyone can do; and openpyxl's read-only reading, the usual way to read a workbook.

    python -m tests.bench.imports
"""

import csv
import datetime as dt
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.database import scratch_database

ROWS, DAYS, BRANCHES, PRODUCTS = 1_000_000, 365, 20, 300
SHEET_ROWS = 100_000
# Of an import half is the same COPY, a fifth adding up, the rest reading, judging and writing the rows as text.
MOST_RATIO, MOST_MEGABYTES = 2.5, 150
MOST_OF_OPENPYXL, MOST_SHEET_MEGABYTES = 0.4, 256
FIRST = dt.date(2025, 1, 1)
HEAD = ("date", "time", "store", "receipt", "product", "quantity", "price")


def rows(count: int) -> Any:
    """Receipts of three lines, in the order in which tills write them."""
    for number in range(count):
        day = number * DAYS // count
        yield (
            (FIRST + dt.timedelta(days=day)).isoformat(),
            f"{7 + number * 31 % 15:02}:{number * 7 % 60:02}",
            f"Branch {number // 3 % BRANCHES}",
            f"{number // 3}",
            f"Product {number * 7919 % PRODUCTS}",
            str(1 + number % 4),
            f"{100 + number * 37 % 900}.{number % 20 * 5:02}",
        )


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows(rows(count))


def write_book(path: Path, count: int) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("Sales")
    date = book.add_format({"num_format": "dd.mm.yyyy"})
    sheet.write_row(0, 0, HEAD)
    for number, row in enumerate(rows(count), 1):
        sheet.write_datetime(number, 0, dt.datetime.fromisoformat(row[0]), date)
        sheet.write_row(number, 1, row[1:5])
        sheet.write_row(number, 5, (int(row[5]), float(row[6])))
    book.close()


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def peak(*, reset: bool = False) -> float:
    """Megabytes of memory this process held at most since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def sheet(folder: Path) -> bool:
    """Reading alone, without a database."""
    import openpyxl

    from items.files.layout import look_at, sources_of

    path = folder / "sales.xlsx"
    write_book(path, SHEET_ROWS)

    def usual() -> None:
        for row in openpyxl.load_workbook(path, read_only=True)["Sales"].iter_rows(values_only=True):
            assert row

    def ours() -> None:
        look = look_at(path)
        found = sum(1 for _sheet, source in sources_of(path, look.layout, look.book) for _row in source.records())
        assert found == SHEET_ROWS + 1

    start = peak(reset=True)
    mine = timed(ours)
    memory = peak() - start
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    theirs = timed(usual)
    print(f"workbook of {SHEET_ROWS} rows: {mine:.2f} s to look and read, openpyxl {theirs:.2f} s: {mine / theirs:.2f}"
          f"  (at most {MOST_OF_OPENPYXL})")  # fmt: skip
    print(
        f"  memory {memory:.0f} MB above start, the reader's own process {child:.0f} MB  (at most {MOST_SHEET_MEGABYTES})"
    )
    return mine <= MOST_OF_OPENPYXL * theirs and max(memory, child) <= MOST_SHEET_MEGABYTES


def million(folder: Path) -> bool:
    import pandas as pd
    from django.conf import settings
    from django.db import connection

    from accounts.models import Organisation
    from departments.models import Department
    from items.imports.receive import receive, start_import
    from items.models import ItemDay, SaleLine
    from runs.choices import State
    from runs.ledger import run_now

    settings.MAX_IMPORT_ROWS, settings.MAX_IMPORT_FILE_SIZE_MB = ROWS, 500
    path, ready = folder / "sales.csv", folder / "ready.copy"
    write_csv(path, ROWS)
    organisation = Organisation.objects.main()
    for number in range(BRANCHES):
        Department.objects.create(organisation=organisation, name=f"Branch {number}")

    def import_file() -> dict[str, Any]:
        with path.open("rb") as file:
            job, _look = receive(file, name="sales.csv", organisation=organisation, user=None)
        run = run_now(start_import(job, user=None))
        assert run.state == State.DONE, run.errors
        return run.counts

    start = peak(reset=True)
    begun = time.perf_counter()
    counts = import_file()
    first = time.perf_counter() - begun
    memory = peak() - start
    assert counts["inserted"] == ROWS, counts
    assert sum(ItemDay.objects.values_list("lines", flat=True)) == ROWS
    again = timed(import_file)

    parse = timed(lambda: pd.read_csv(path))
    table = SaleLine._meta.db_table
    with connection.cursor() as cursor, ready.open("wb") as file:
        cursor.copy_expert(f"COPY {table} TO STDOUT", file)
    with connection.cursor() as cursor, ready.open("rb") as file:
        cursor.execute(f"TRUNCATE {table}")
        copy = timed(lambda: cursor.copy_expert(f"COPY {table} FROM STDIN", file))
    base = parse + copy
    print(f"{ROWS} sales of {BRANCHES} branches x {DAYS} days, {path.stat().st_size / 1e6:.0f} MB")
    print(f"pandas.read_csv {parse:.1f} s + COPY of the finished rows {copy:.1f} s      1.00")
    print(
        f"import, checked, stored, added up, published          {first:6.1f} s   {first / base:.2f}  (at most {MOST_RATIO})"
    )
    print(f"  unchanged, again                                    {again:6.1f} s   {again / base:.2f}")
    print(f"  memory {memory:.0f} MB above start  (at most {MOST_MEGABYTES})")
    return first <= MOST_RATIO * base and memory <= MOST_MEGABYTES


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="salesforecast-bench-") as name:
        folder = Path(name)
        held = sheet(folder)
        with scratch_database():
            held = million(folder) and held
    if not held:
        print("a limit was exceeded", file=sys.stderr)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
