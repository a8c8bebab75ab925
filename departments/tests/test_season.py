"""A seasonal branch sells on the same days every year."""

import datetime as dt

import pytest

from departments.models import Department
from departments.season import in_season, out_of_season

pytestmark = pytest.mark.unit


def department(first: str | None, last: str | None) -> Department:
    dates = [text and dt.date.fromisoformat(text) for text in (first, last)]
    return Department(season_start_date=dates[0], season_end_date=dates[1])


@pytest.mark.parametrize(
    ("first", "last", "inside", "outside"),
    [
        ("2025-05-01", "2025-09-30", ["2025-05-01", "2027-09-30", "2024-07-01"], ["2025-04-30", "2026-10-01"]),
        ("2025-11-15", "2026-03-01", ["2026-12-31", "2027-01-01", "2028-02-29"], ["2026-03-02", "2026-11-14"]),
        ("2025-05-01", None, ["2025-05-01", "2031-01-01"], ["2025-04-30"]),
        (None, "2025-09-30", ["2020-01-01", "2025-09-30"], ["2026-05-01"]),
        ("2025-05-01", "2027-05-01", ["2026-12-01"], ["2025-04-30", "2027-05-02"]),
        (None, None, ["2026-01-01"], []),
    ],
)
def test_inside_and_outside(first, last, inside, outside):
    branch = department(first, last)
    assert [date for date in inside if not in_season(branch, dt.date.fromisoformat(date))] == []
    assert [date for date in outside if in_season(branch, dt.date.fromisoformat(date))] == []


def test_the_days_out_of_season():
    branch = department("2025-05-01", "2025-09-30")
    found = list(out_of_season(branch, dt.date(2026, 9, 29), dt.date(2026, 10, 2)))
    assert found == [dt.date(2026, 10, 1), dt.date(2026, 10, 2)]
