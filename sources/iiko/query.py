"""The questions asked about sales.

iiko's limits (help pages, "ogranicheniya i rekomendatsii"): at most 7 fields and a month per question, one question
after another, buildSummary false. Grouping by department, business date and hour with 4 aggregates is 7 exactly.

Receipts are asked for one business date at a time. Where the server knows an id of the order, one question tells all
lines of a date (4 groups, 3 aggregates). Where it does not, shift, number and time of closing stand for the order; that
leaves room for 2 aggregates, so two questions are asked and joined. Lost is then what tells two bills of one number in
one shift apart that were closed in the same instant: they become one, their money stays whole.
"""

from datetime import date, timedelta
from typing import NamedTuple

import orjson

DEPARTMENT, DATE, HOUR = "Department.Id", "OpenDate.Typed", "HourClose"
REVENUE, GROSS, ORDERS, GUESTS = "DishDiscountSumInt", "DishSumInt", "UniqOrderId", "GuestNum"
GROUPS = (DEPARTMENT, DATE, HOUR)
AGGREGATES = (REVENUE, GROSS, ORDERS, GUESTS)
FIELDS = GROUPS + AGGREGATES
ORDER, SESSION, NUMBER, CLOSED = "UniqOrderId.Id", "SessionNum", "OrderNum", "CloseTime"
DISH, DISH_NAME, DISH_CODE, AMOUNT = "DishId", "DishName", "DishCode", "DishAmountInt"
MAX_DAYS = 31


class Asked(NamedTuple):
    """The fields of one question."""

    groups: tuple[str, ...]
    aggregates: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return self.groups + self.aggregates


SALES = Asked(GROUPS, AGGREGATES)
BY_ORDER = (Asked((DEPARTMENT, ORDER, CLOSED, DISH), (AMOUNT, REVENUE, GROSS)),)
BY_NUMBER = (
    Asked((DEPARTMENT, SESSION, NUMBER, CLOSED, DISH), (AMOUNT, REVENUE)),
    Asked((DEPARTMENT, SESSION, NUMBER, CLOSED, DISH), (GROSS,)),
)
HEADS_BY_ORDER = Asked((DEPARTMENT, ORDER, NUMBER), (GUESTS,))
HEADS_BY_NUMBER = Asked((DEPARTMENT, SESSION, NUMBER, CLOSED), (GUESTS,))
DISHES = Asked((DISH, DISH_NAME, DISH_CODE), (AMOUNT,))


def sales_question(
    first: date,
    last: date,
    *,
    include_returns: bool,
    groups: tuple[str, ...] = GROUPS,
    aggregates: tuple[str, ...] = AGGREGATES,
) -> bytes:
    """The JSON body asking for the business dates `first`..`last`, both included, summed by `groups`.

    The server's range is half open; both bounds are spelled out because equal ones are an empty range (409).
    Without both deletion filters the sums contain deleted orders and dishes.
    """
    if not 0 <= (last - first).days < MAX_DAYS:
        raise ValueError(f"ask for 1 to {MAX_DAYS} days, not {first} to {last}")
    filters: dict[str, dict[str, object]] = {
        DATE: {
            "filterType": "DateRange",
            "periodType": "CUSTOM",
            "from": f"{first}T00:00:00.000",
            "to": f"{last + timedelta(days=1)}T00:00:00.000",
            "includeLow": True,
            "includeHigh": False,
        },
        "OrderDeleted": {"filterType": "IncludeValues", "values": ["NOT_DELETED"]},
        "DeletedWithWriteoff": {"filterType": "IncludeValues", "values": ["NOT_DELETED"]},
    }
    if not include_returns:
        filters["Storned"] = {"filterType": "IncludeValues", "values": ["FALSE"]}
    return orjson.dumps(
        {
            "reportType": "SALES",
            "buildSummary": False,
            "groupByRowFields": groups,
            "aggregateFields": aggregates,
            "filters": filters,
        }
    )
