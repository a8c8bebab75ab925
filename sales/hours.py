"""The hours of a business date, which may end after midnight."""

from collections.abc import Sequence


def open_hours(busy: Sequence[bool]) -> list[int]:
    """The hours of a day from the first busy one to the last, in the order in which they are lived.

    The hours begin after the longest quiet stretch of the clock.

    >>> open_hours([hour in (0, 18, 23) for hour in range(24)])
    [18, 19, 20, 21, 22, 23, 0]
    """
    size = len(busy)
    first = [hour for hour in range(size) if busy[hour]]
    if not first:
        return []
    following = [*first[1:], first[0] + size]
    gap, start = max((after - hour, -(after % size)) for hour, after in zip(first, following, strict=True))
    return [(hour - start) % size for hour in range(size - gap + 1)]
