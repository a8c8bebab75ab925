"""A database of an earlier version, with rows in every table, is brought up to this one and loses none of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.databases import new_database

ROOT = Path(__file__).resolve().parents[2]
GONE = {"sales_observedhour"}  # its rows moved into their days


@pytest.fixture
def empty_database(tmp_path):
    """The environment of an installation without any database yet."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"VAR_DIR": str(tmp_path), "DEBUG": "1"}
    if connection.vendor == "sqlite":
        yield environment
        return
    with new_database(os.environ["DATABASE_URL"]) as url:
        yield environment | {"DATABASE_URL": url}


@pytest.mark.long
@pytest.mark.parametrize(
    "start",
    [
        pytest.param("initial", marks=pytest.mark.deep),
        pytest.param("previous", marks=pytest.mark.integration),
    ],
)
def test_no_row_is_lost_on_the_way_up(empty_database, start):
    done = subprocess.run(
        [sys.executable, "-m", "tests.shipping.upgrade", start],
        cwd=ROOT, env=empty_database, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told["rows"]) > 20
    assert {table: counts for table, counts in told["rows"].items() if counts != [2, 2]}.keys() <= GONE
    assert told["sales"] == ["1.0000", "2.0000"]
    if start == "initial":
        assert told["hours"] == [[[1, "1.0000", "1.0000", 1, 1]], [[2, "2.0000", "2.0000", 2, 2]]]
