"""The control total: the same dates asked for by a coarser question must come to the same sums."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal

from sources.iiko.types import DayTotal, SalesAnswer

ZERO = Decimal(0)


def uncontrolled(
    answer: SalesAnswer,
    totals: Mapping[tuple[str, dt.date], DayTotal],
    is_open: Callable[[str, dt.date], bool],
) -> dict[tuple[str, dt.date], tuple[Decimal, Decimal]]:
    """Source ids and closed dates whose rows do not add up to their total: the revenue of both questions.

    Where only money before discounts differs, that is what is shown. Days that are still being sold are passed over.
    """
    sums: dict[tuple[str, dt.date], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for row in answer.rows:
        pair = sums[row.external_id or "", row.date]
        pair[0] += row.revenue
        pair[1] += row.gross
    found = {}
    for key in sums.keys() | totals.keys():
        revenue, gross = sums.get(key, [ZERO, ZERO])
        total = totals.get(key)
        wanted = (total.revenue, total.gross) if total else (ZERO, ZERO)
        if (revenue, gross) != wanted and not is_open(*key):
            found[key] = (revenue, wanted[0]) if revenue != wanted[0] else (gross, wanted[1])
    return found
