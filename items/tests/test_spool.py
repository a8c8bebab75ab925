"""Checked lines wait on disk by week and come back by day."""

import datetime as dt
from decimal import Decimal

import pytest

from items.coded import Coded
from items.imports.spool import Spool

pytestmark = pytest.mark.unit


def test_zero_says_something_and_nothing_does_not():
    day = dt.date(2026, 3, 18)
    with Spool() as spool:
        said = {"date": [day], "hour": [0], "total": [Decimal(0)], "notes": [""], "tax": [None]}
        spool.add({name: Coded.of(column) for name, column in said.items()})
        ((_dates, columns),) = spool.batches(1)
    assert (list(columns["hour"]), list(columns["total"])) == ([0], [Decimal(0)])
    assert not {"notes", "tax"} & set(columns)
