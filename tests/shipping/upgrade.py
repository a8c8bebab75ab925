"""Fill a database of an earlier version, bring it up to this one, and tell what became of it.

    DATABASE_URL=... python -m tests.shipping.upgrade initial|previous

`initial`: the first migration of each app; `previous`: all but the last one of each. Prints JSON: `rows` {table: [before, after]}
of the tables that were filled (after is null where a table is gone), and the `sales` and observed `hours` of now.
"""

import datetime as dt
import json
import os
import sys
import uuid
from decimal import Decimal
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesforecast.settings")
APPS = ("accounts", "runs", "departments", "sales", "items", "forecasting")
ROWS = 2


def start_of(executor: Any, kind: str) -> list[tuple[str, str]]:
    """The migrations at which the earlier version stood."""
    graph = executor.loader.graph
    found = []
    for app in APPS:
        names = sorted(name for label, name in graph.nodes if label == app)
        found.append((app, names[0] if kind == "initial" or len(names) == 1 else names[-2]))
    return found


def fill(apps: Any) -> dict[str, int]:
    """Two rows of every model of the house, as its fields allow them."""
    made: dict[str, list[Any]] = {}
    waiting = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    counts = {}
    while waiting:
        for model in waiting:
            needed = [
                field.related_model._meta.label
                for field in model._meta.concrete_fields
                if field.is_relation and not field.null and field.related_model is not model
            ]
            if all(label in made for label in needed):
                break
        else:
            raise AssertionError(f"These need each other: {waiting}")
        made[model._meta.label] = [
            model.objects.create(**{field.attname: value(field, n, made) for field in fields_of(model)})
            for n in range(ROWS)
        ]
        counts[model._meta.db_table] = model.objects.count()
        waiting.remove(model)
    return counts


def fields_of(model: Any) -> list[Any]:
    return [
        f
        for f in model._meta.concrete_fields
        if f.get_internal_type() not in ("AutoField", "BigAutoField", "CompositePrimaryKey")
    ]


def value(field: Any, n: int, made: dict[str, list[Any]]) -> Any:
    """The n-th value of a field. Of relations: the n-th row, or nothing where that may be."""
    kind = field.get_internal_type()
    if field.is_relation:
        rows = made.get(field.related_model._meta.label)
        return rows[n].pk if rows else None
    if kind == "UUIDField":
        return uuid.uuid4()
    if field.choices:
        return field.choices[0][0]
    simple = {
        "BooleanField": True, "DecimalField": Decimal(n + 1), "FloatField": n + 0.5, "JSONField": [],
        "DateField": dt.date(2026, 3, 1 + n), "DateTimeField": dt.datetime(2026, 3, 1 + n, 12, tzinfo=dt.UTC),
    }  # fmt: skip
    if kind in simple:
        return simple[kind]
    if "Integer" in kind:
        return n + 1
    if kind == "BinaryField":
        return b"x"
    text = f"{field.name}-{n}"
    return text[-field.max_length :] if field.max_length else text


def main(kind: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    state = executor.migrate(start_of(executor, kind))
    before = fill(state.apps)
    call_command("migrate", interactive=False, verbosity=0)
    tables = connection.introspection.table_names()
    after = {}
    with connection.cursor() as cursor:
        for table in before:
            if table in tables:
                cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")
                after[table] = cursor.fetchone()[0]
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    connection.check_constraints()
    from sales.models import ObservedDay, SalesSummary

    told = {
        "rows": {table: [number, after.get(table)] for table, number in before.items()},
        "sales": [
            str(amount) for amount in SalesSummary.objects.order_by("date").values_list("total_sales", flat=True)
        ],
        "hours": list(ObservedDay.objects.order_by("date").values_list("hours", flat=True)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
