"""Whether the sales of a day stop long before the same weekdays did: what came is the day's beginning, not the day."""

from collections.abc import Sequence
from decimal import Decimal

from sales.hours import open_hours

# Each of the same weekdays sold at least so much of its revenue in the hours that are missing.
MISSING_SHARE = Decimal("0.15")

# (clock hour, revenue)
Hours = Sequence[tuple[int, Decimal]]


def stops_early(day: Hours, before: Sequence[Hours]) -> bool:
    """`before`: the same weekdays. The hours of a day end where its longest quiet stretch begins, perhaps after midnight."""
    busy = [{hour for hour, revenue in hours if revenue} for hours in (day, *before)]
    if not busy[0] or not all(busy[1:]) or not before:
        return False
    lived = open_hours([any(hour in hours for hours in busy) for hour in range(24)])
    last = max(lived.index(hour) for hour in busy[0])
    return all(_after(last, lived, hours) >= MISSING_SHARE for hours in before)


def _after(place: int, lived: Sequence[int], hours: Hours) -> Decimal:
    """The share of the revenue that came after the hour at `place`."""
    whole = sum((revenue for _hour, revenue in hours), Decimal(0))
    late = sum((revenue for hour, revenue in hours if hour in lived[place + 1 :]), Decimal(0))
    return late / whole if whole > 0 else Decimal(0)
