"""A scratch PostgreSQL database for one benchmark, migrated and thrown away."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from scripts.migrated import administer

NAME = f"salesforecast_bench_{os.getpid()}"


@contextmanager
def scratch_database() -> Iterator[None]:
    """Django, set up on an empty, migrated database on TEST_POSTGRES_URL's server."""
    url = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    administer(url, f"DROP DATABASE IF EXISTS {NAME}")
    administer(url, f"CREATE DATABASE {NAME}")
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{NAME}"))
    os.environ.setdefault("DEBUG", "1")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ["DJANGO_SETTINGS_MODULE"] = "salesforecast.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    settings.DEBUG = False  # else every statement is kept in memory
    call_command("migrate", verbosity=0)
    try:
        yield
    finally:
        connections.close_all()
        administer(url, f"DROP DATABASE {NAME} WITH (FORCE)")
