"""Checked lines wait on disk by week and come back by day."""

import datetime as dt
import tempfile
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


def test_weeks_come_back_oldest_first_and_whole(tmp_path, monkeypatch):
    """Also of a file whose dates are not in order; nothing under the folder of temporary files has a name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = dt.date(2026, 3, 2)
    dates = [first + dt.timedelta(days=day) for day in (15, 0, 8, 1, 16, 9)]
    with Spool() as spool:
        for part in (dates[:4], dates[4:]):
            spool.add({"date": Coded.of(part), "hour": Coded.of([date.day for date in part])})
        batches = list(spool.batches(2))
        assert list(tmp_path.iterdir()) == []
    assert [last for last, _columns in batches] == [first + dt.timedelta(days=day) for day in (1, 9, 16)]
    came = [list(zip(columns["date"], columns["hour"], strict=True)) for _last, columns in batches]
    assert came == [[(date, date.day) for date in dates if date.isocalendar().week == week] for week in (10, 11, 12)]
