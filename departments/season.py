"""The season of a branch that sells only for a part of the year."""

import datetime as dt
from collections.abc import Iterator

from departments.models import Department

YEAR = dt.timedelta(days=365)


def in_season(department: Department, date: dt.date) -> bool:
    """Whether the branch sells on `date`. A season shorter than a year comes again every year on the same days.

    Without a start it has sold always, without an end it goes on.
    """
    first, last = department.season_start_date, department.season_end_date
    if first is None or last is None:
        return (first is None or date >= first) and (last is None or date <= last)
    if last - first >= YEAR:
        return first <= date <= last
    begins, ends, day = ((when.month, when.day) for when in (first, last, date))
    return begins <= day <= ends if begins <= ends else day >= begins or day <= ends


def out_of_season(department: Department, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """The days of the range, both ends included, on which the branch does not sell."""
    if department.season_start_date is None and department.season_end_date is None:
        return
    for day in range((last - first).days + 1):
        date = first + dt.timedelta(days=day)
        if not in_season(department, date):
            yield date
