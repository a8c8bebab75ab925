"""PostgreSQL databases that a test makes for processes of its own."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from scripts.migrated import administer

# Migrated once for all tests of this run, see scripts/migrated.py; a test that runs alone has none.
TEMPLATE = os.environ.get("TEST_POSTGRES_TEMPLATE", "")


@contextmanager
def new_database(server: str, *, template: str = "") -> Iterator[str]:
    """The URL of a database of its own on the server, dropped afterwards; empty without a template."""
    name = f"salesforecast_{uuid.uuid4().hex[:12]}"
    administer(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        administer(server, f"DROP DATABASE {name} WITH (FORCE)")
