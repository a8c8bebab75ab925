"""How long item sales take to store on PostgreSQL, and what a week's correction costs beside adding everything up.

A million lines from a ready frame against a bare COPY of the same rows into the same table with the same indexes; then
the sums of seven days of five million lines touched, against adding up all of them: sums against sums. Publishing the
seven days, which a rebuild does only where it finds them wrong, is told beside it.

    python -m tests.bench.items [LINES]
"""

import datetime as dt
import io
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.database import scratch_database

BATCH, BATCHES = 1_000_000, 5
BRANCHES, PRODUCTS, FIRST = 40, 200, dt.date(2024, 1, 1)
DAYS_OF_A_BATCH = 146
# Storing against a bare COPY of the same rows; seven days' sums against all of them; both measured when recorded.
STORE_LIMIT, WEEK_LIMIT = 3.5, 0.02


def frame(number: int, rows: int, departments: list[uuid.UUID], products: list[uuid.UUID]) -> pd.DataFrame:
    """`rows` lines of the `number`-th DAYS_OF_A_BATCH days, day by day, receipts of three lines; deterministic."""
    n = np.arange(rows)
    dates = [FIRST + dt.timedelta(days=DAYS_OF_A_BATCH * number + day) for day in range(DAYS_OF_A_BATCH)]
    receipt = [f"{number}-{one}" for one in n // 3]
    cents = (n * 37 % 9000) + 100
    amount = [f"{cent // 10}.{cent % 10}0" for cent in cents]
    return pd.DataFrame(
        {
            "external_id": [f"{one}/{k}" for one, k in zip(receipt, n % 3, strict=True)],
            "department": np.array(departments, dtype=object)[n // 3 * 7919 % len(departments)],
            "product": np.array(products, dtype=object)[(n * n // 7 + n // 3) % len(products)],
            "date": np.array(dates, dtype=object)[n * DAYS_OF_A_BATCH // rows],
            "hour": 8 + n // 3 * 13 % 14,
            "quantity": [str(1 + one) for one in n % 4],
            "gross": amount,
            "total": amount,
            "transaction_id": receipt,
        }
    )


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def bare_copy(lines: pd.DataFrame, organisation: uuid.UUID, connection: int) -> float:
    """Ready rows into a table like that of the lines, with its indexes."""
    from django.db import connection as database

    ids = [uuid.uuid5(uuid.NAMESPACE_OID, one).hex for one in lines["external_id"]]
    ready = lines.assign(id=ids, organisation_id=organisation, connection_id=connection, is_deleted=False)
    ready = ready.rename(columns={"department": "department_id", "product": "product_id"})
    text = io.StringIO(ready.to_csv(sep="\t", header=False, index=False))
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (LIKE sales_data INCLUDING ALL)")
        for name in ("channel", "location", "customer", "payment_method", "notes", "currency"):
            cursor.execute(f"ALTER TABLE bare ALTER {name} SET DEFAULT ''")
        for name in ("created_at", "updated_at"):
            cursor.execute(f"ALTER TABLE bare ALTER {name} SET DEFAULT now()")
        seconds = timed(lambda: cursor.copy_expert(f"COPY bare ({', '.join(ready.columns)}) FROM STDIN", text))
        cursor.execute("DROP TABLE bare")
    return seconds


def measure(batch: int) -> bool:
    from django.db import connection as database

    from accounts.models import Organisation
    from departments.models import Department
    from items.days import refresh_days
    from items.models import ItemDay, Product, ProductDay, ProductMonth, SalesProduct
    from items.repair import check_items, rebuild_rollups
    from items.sources import item_source
    from items.store import store_lines

    organisation = Organisation.objects.create(name="Bench")
    departments = [Department.objects.create(organisation=organisation, name=f"D{n}").pk for n in range(BRANCHES)]
    made = Product.objects.bulk_create(Product(organisation=organisation, name=f"P{n}") for n in range(PRODUCTS))
    products = [product.pk for product in made]
    source = item_source(organisation, "till")

    lines = frame(0, batch, departments, products)
    columns = lines.to_dict("list")
    bare = bare_copy(lines, organisation.pk, source.pk)
    stored = timed(lambda: store_lines(source, columns, refresh=False))
    again = timed(lambda: store_lines(source, columns, refresh=False))
    for number in range(1, BATCHES):
        store_lines(source, frame(number, batch, departments, products).to_dict("list"), refresh=False)
    first = timed(lambda: refresh_days(source))
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")

    # The median of three weeks, far from each other: the first still waits for what storing has left to write.
    weeks = [touched_week(source, frame(number, batch, departments, products), number) for number in (1, 2, 3)]
    lines_of_week, seven, published = (statistics.median(part) for part in zip(*weeks, strict=True))
    for table in (ItemDay, ProductDay, ProductMonth, SalesProduct):
        table.objects.all().delete()
    rebuilt = timed(lambda: rebuild_rollups(organisation))
    wrong = check_items(organisation)

    print(
        f"{batch:,} lines stored in {stored:.1f} s, {stored / bare:.2f} of a bare COPY ({bare:.1f} s), at most {STORE_LIMIT}"
    )
    print(f"  the same again {again:.1f} s; the first sums of {BATCHES * batch:,} lines {first:.1f} s")
    print(
        f"sums of 7 days ({lines_of_week:,} lines) {seven:.2f} s, {seven / rebuilt:.1%} of all of them ({rebuilt:.1f} s),"
        f" at most {WEEK_LIMIT:.0%}; wrong afterwards: {wrong}"
    )
    print("  the weeks one after another: " + ", ".join(f"{one:.2f} s" for _lines, one, _published in weeks))
    print(f"  publishing these days {published:.2f} s, {(seven + published) / rebuilt:.1%} with the sums")
    return stored / bare <= STORE_LIMIT and seven / rebuilt <= WEEK_LIMIT and not any(wrong.values())


def touched_week(source: Any, lines: pd.DataFrame, number: int) -> tuple[int, float, float]:
    """A week of the `number`-th days is corrected: its lines, the seconds of its sums, and those of publishing it."""
    from django.db import transaction

    from items.locks import lock_rollups
    from items.models import StaleDay
    from items.observe import observe
    from items.rollup import refresh_rollups
    from items.store import store_lines

    start = FIRST + dt.timedelta(days=DAYS_OF_A_BATCH * number + 30)
    lines = lines[[0 <= (date - start).days < 7 for date in lines["date"]]]
    touched = store_lines(source, lines.assign(total="1.00").to_dict("list"), refresh=False)
    with transaction.atomic():  # what `refresh_days` does, in two parts: the rebuilding does not publish either
        lock_rollups(source.organisation_id)
        seven = timed(lambda: refresh_rollups(source.organisation_id, touched.touched, connection=source.pk))
        published = timed(lambda: observe(source, touched.touched, run=None, staged=True))
        StaleDay.objects.all().delete()
    return touched.updated, seven, published


def main() -> None:
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else BATCH
    with scratch_database():
        held = measure(batch)
    if not held:
        sys.exit("a limit was exceeded")


if __name__ == "__main__":
    main()
