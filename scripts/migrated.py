"""Databases that are migrated once and copied by every worker and process of the tests: each would else take seconds.

TEST_SQLITE_TEMPLATE is a file, TEST_POSTGRES_TEMPLATE a database of TEST_POSTGRES_URL's server; both go when the tests end.
"""

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

COMMAND = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]


@contextmanager
def migrated(server: str) -> Iterator[dict[str, str]]:
    """The environment that names both; `server` is the URL of a PostgreSQL whose user may create databases."""
    name = f"salesforecast_template_{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(prefix="salesforecast-template-") as folder:
        file = Path(folder) / "migrated.sqlite3"
        administer(server, f"CREATE DATABASE {name}")
        try:
            urls = [f"sqlite:///{file}", urlsplit(server)._replace(path=f"/{name}").geturl()]
            environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
            # Both at once, each on a core of its own.
            busy = [subprocess.Popen(COMMAND, env=environment | {"DATABASE_URL": url}) for url in urls]
            codes = [process.wait() for process in busy]
            if any(codes):
                raise SystemExit("phases: the databases could not be migrated")
            yield {"TEST_SQLITE_TEMPLATE": str(file), "TEST_POSTGRES_TEMPLATE": name}
        finally:
            administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def administer(server: str, statement: str) -> None:
    connection = psycopg2.connect(server)
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()
