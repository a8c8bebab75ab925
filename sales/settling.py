"""Which dates are still moving: cash shifts that are open or were closed only now.

A shift that is left open adds money to its old business date until somebody closes it.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal

from sources.errors import SourceError
from sources.iiko.client import LACKING, IikoClient

log = logging.getLogger(__name__)

# Shifts are asked for in loads that reach into the last RECENT days; a night looks back LOOK_BACK days for old ones.
RECENT, LOOK_BACK = 35, 92
# A date is read again for so many days after its last shift was closed.
AFTER_CLOSING = 3
# Where patience did not help, this path has no list to give; a server that is starting says the same of the sales.
NO_LIST = frozenset({"html", "empty_body"})

Pair = tuple[str | None, dt.date]


@dataclass(frozen=True)
class Shifts:
    """By source id (None: the server does not tell whose shift it is) and business date.

    `unreadable`: the server has a list of shifts and this login may see it, but nothing in it could be understood.
    """

    open: frozenset[Pair] = frozenset()
    moving: frozenset[dt.date] = frozenset()
    paid: dict[tuple[str, dt.date], Decimal] = field(default_factory=dict)
    unreadable: SourceError | None = None

    def is_open(self, external_id: str, date: dt.date) -> bool:
        return (external_id, date) in self.open or (None, date) in self.open

    def any_open(self, date: dt.date) -> bool:
        return any(day == date for _external_id, day in self.open)


def read_shifts(client: IikoClient, first: dt.date, last: dt.date, today: dt.date) -> Shifts:
    """The shifts of the business dates; nothing known if this login may not see them or the server has no such list.

    A list that makes no sense is told in `unreadable`. `moving`: dates with an open shift, or with one closed in the
    last AFTER_CLOSING days. Raises SourceError for passing troubles.
    """
    try:
        shifts = client.shifts(first, last)
    except SourceError as error:
        if error.transient and error.code not in NO_LIST:
            raise
        log.info("no cash shifts from the server: %s", error)
        return Shifts(unreadable=None if error.code in LACKING else error)
    recently = today - dt.timedelta(days=AFTER_CLOSING)
    paid: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
    unknown: set[tuple[str, dt.date]] = set()
    for shift in shifts:
        if shift.department_id is None:
            continue
        key = shift.department_id, shift.business_date
        if shift.pay_orders is None or shift.closed_at is None:
            unknown.add(key)
        else:
            paid[key] += shift.pay_orders
    return Shifts(
        open=frozenset((shift.department_id, shift.business_date) for shift in shifts if shift.closed_at is None),
        moving=frozenset(
            shift.business_date for shift in shifts if shift.closed_at is None or shift.closed_at.date() >= recently
        ),
        paid={key: amount for key, amount in paid.items() if key not in unknown},
    )


def questions(dates: Collection[dt.date], most: int) -> list[tuple[dt.date, dt.date]]:
    """Scattered dates as ranges of at most `most` days, newest first; no date that was not asked for lies in them."""
    found: list[tuple[dt.date, dt.date]] = []
    for date in sorted(dates, reverse=True):
        if found and found[-1][0] - date == dt.timedelta(days=1) and (found[-1][1] - date).days < most:
            found[-1] = date, found[-1][1]
        else:
            found.append((date, date))
    return found
