"""A connection kept between requests is found out when its server ended it, without a question to learn so."""

import time

import pytest
from django.db import connection
from django.db.backends.postgresql import base

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def test_a_connection_at_rest_is_asked_nothing_and_a_dead_one_is_noticed(monkeypatch):
    kept = connection.copy()
    try:
        with kept.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with monkeypatch.context() as asked:
            asked.setattr(base.DatabaseWrapper, "is_usable", lambda self: pytest.fail("asked"))
            assert kept.is_usable()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        until = time.monotonic() + 10
        while kept.is_usable() and time.monotonic() < until:
            time.sleep(0.01)
        assert not kept.is_usable()
    finally:
        kept.close()
