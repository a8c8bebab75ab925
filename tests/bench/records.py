"""How fast single sales are read out of PostgreSQL, each time beside a yardstick of the same run.

A list of the newest 10,000 of more than a million sales against `json_agg` of the same rows and columns; a CSV of a
million against `COPY TO STDOUT` of the same rows, and the memory that takes. Ends with 1 if a limit is exceeded.

    python -m tests.bench.records
"""

import io
import sys
import uuid
from typing import Any

from tests.bench.api import in_turn, memory_of_export, told
from tests.bench.database import scratch_database

BRANCHES, PRODUCTS, DAYS, LINES_A_DAY, LISTED = 40, 300, 60, 420, 10_000
# What is measured, over its yardstick; megabytes for memory.
MOST = {"list": 4.0, "export": 1.5, "memory": 32.0}
COLUMNS = """
    l.id, l.organisation_id, l.date, l.sold_at, l.department_id, d.name AS department_name, l.product_id, p.code,
    p.name AS product_name, l.quantity, l.unit_price, l.discount, l.tax, l.total, l.currency, l.channel, l.location,
    l.customer, l.transaction_id, l.payment_method, l.notes, l.metadata"""
LISTED_COLUMNS = """
    l.id, l.organisation_id, l.product_id, p.code, p.name, l.department_id, l.date, l.sold_at, l.quantity, l.unit_price,
    l.total, l.currency, l.channel, l.location, l.customer, l.transaction_id, l.payment_method, l.discount, l.tax,
    l.notes, l.metadata, l.is_deleted, l.deleted_at, l.created_at, l.updated_at, l.created_by_id"""
JOINED = "sales_data l JOIN products p ON p.id = l.product_id JOIN departments d ON d.id = l.department_id"


def main() -> int:
    with scratch_database():
        key = fill()
        found = {"list": lists(key)} | export(key)
    late = [name for name, most in MOST.items() if found[name] > most]
    if late:
        print(f"records: beyond the limit: {', '.join(late)}", file=sys.stderr)
    return 1 if late else 0


def fill() -> str:
    """A chain with its receipts, written by PostgreSQL itself; returns a key that reads them."""
    from django.db import connection

    from accounts.keys import create_api_key
    from accounts.models import Organisation
    from accounts.roles import Role
    from departments.models import Department
    from items.models import Product
    from items.sources import item_source

    organisation = Organisation.objects.main()
    source = item_source(organisation, "till")
    Department.objects.bulk_create(
        Department(id=uuid.uuid5(uuid.NAMESPACE_OID, f"branch {n}"), organisation=organisation, name=f"Кофейня, {n}")
        for n in range(BRANCHES)
    )
    Product.objects.bulk_create(
        Product(
            id=uuid.uuid5(uuid.NAMESPACE_OID, f"product {n}"),
            organisation=organisation,
            code=f"P-{n}",
            name=f"Латте {n}",
        )
        for n in range(PRODUCTS)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO sales_data (id, organisation_id, connection_id, department_id, product_id, date, external_id,
                sold_at, hour, quantity, unit_price, gross, discount, total, currency, channel, location, customer,
                transaction_id, payment_method, notes, is_deleted, created_at, updated_at)
            SELECT md5(branch.id::text || day || n)::uuid, %s, %s, branch.id, product.id, day::date, n::text,
                   day + n * interval '2 minutes', (n / 30) %% 24, 1 + n %% 3, 650.5, (1 + n %% 3) * 650.5, 0,
                   (1 + n %% 3) * 650.5, 'KZT', 'pos', '', '', 'R-' || n / 3, 'card', '', FALSE, now(), now()
            FROM generate_series(date '2026-03-31' - {DAYS - 1}, date '2026-03-31', interval '1 day') day,
                 departments branch, generate_series(1, {LINES_A_DAY}) n
                 JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM products) product
                   ON product.place = 1 + n %% {PRODUCTS}""",
            [organisation.pk, source.pk],
        )
        cursor.execute("""
            INSERT INTO item_days (organisation_id, connection_id, department_id, date, lines, receipts, quantity, revenue,
                                   gross, is_counted, updated_at)
            SELECT organisation_id, connection_id, department_id, date, COUNT(*), COUNT(DISTINCT transaction_id),
                   SUM(quantity), SUM(total), SUM(gross), TRUE, now()
            FROM sales_data GROUP BY organisation_id, connection_id, department_id, date""")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    limits = {"per_minute": 10**8, "per_hour": None, "per_day": None}
    return create_api_key(organisation=organisation, name="bench", role=Role.INTEGRATOR, limits=limits)[1]


def lists(key: str) -> float:
    """A list of the newest sales, from the request to the last byte, over `json_agg` of the same rows and columns."""
    from django.db import connection
    from django.test import Client

    client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Api-Key {key}"})

    def ours() -> int:
        response = client.get(f"/api/v1/sales?limit={LISTED}")
        assert response.status_code == 200, response.content
        return len(response.content)

    def aggregated() -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"""
                SELECT json_agg(listed)::text FROM (
                    SELECT {LISTED_COLUMNS} FROM {JOINED} WHERE NOT l.is_deleted AND l.date >= date '2026-03-31'
                    ORDER BY l.date DESC, l.id LIMIT {LISTED}) listed""")
            return len(cursor.fetchone()[0])

    assert ours() > LISTED * 400 and aggregated() > LISTED * 400
    mine, yardstick = in_turn(ours, aggregated)
    told(f"list of {LISTED:,} sales", mine, yardstick, f"at most {MOST['list']}")
    return mine / yardstick


def export(key: str) -> dict[str, float]:
    """A CSV of a million sales, read to its end, over COPY of the same rows; and how much memory it took at most."""
    from django.db import connection
    from django.test import Client

    from items.models import SaleLine

    client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Api-Key {key}"})
    lines, path = SaleLine.objects.count(), "/api/v1/sales/export/csv?from_date=2025-12-31"

    def ours() -> int:
        response = client.get(path)
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
                f"COPY (SELECT {COLUMNS} FROM {JOINED} WHERE NOT l.is_deleted ORDER BY l.date, l.department_id, l.id)"
                " TO STDOUT WITH (FORMAT csv)",
                counted,
            )
        return counted.size

    memory = memory_of_export(key, path, lines)
    assert ours() > lines * 200 and copied() > lines * 200
    mine, yardstick = in_turn(ours, copied)
    told(f"CSV of {lines:,} sales", mine, yardstick, f"at most {MOST['export']}")
    print(f"  memory over start                {memory:7.1f} MB  (at most {MOST['memory']:.0f})", flush=True)
    return {"export": mine / yardstick, "memory": memory}


if __name__ == "__main__":
    sys.exit(main())
