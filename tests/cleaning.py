"""After a test with real transactions its rows go, and only they: Django's own flush truncates every table and makes
permissions and content types anew, which on PostgreSQL takes longer than most tests."""

from functools import cache
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@cache
def _who_is_full() -> str:
    tables = sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)
    return " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)


def delete_rows(_case: Any) -> None:
    """Empty every table that holds rows. Foreign keys are looked at when all are gone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_who_is_full())
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')


@pytest.fixture(scope="session", autouse=True)
def quick_cleaning() -> None:
    TransactionTestCase._fixture_teardown = delete_rows  # type: ignore[method-assign]
