"""The one question asked about sales.

iiko's limits (help pages, "ogranicheniya i rekomendatsii"): at most 7 fields and a month per question, one question
after another, buildSummary false. Grouping by department, business date and hour with 4 aggregates is 7 exactly.
"""

from datetime import date, timedelta

import orjson

DEPARTMENT, DATE, HOUR = "Department.Id", "OpenDate.Typed", "HourClose"
REVENUE, GROSS, ORDERS, GUESTS = "DishDiscountSumInt", "DishSumInt", "UniqOrderId", "GuestNum"
GROUPS = (DEPARTMENT, DATE, HOUR)
AGGREGATES = (REVENUE, GROSS, ORDERS, GUESTS)
FIELDS = GROUPS + AGGREGATES
MAX_DAYS = 31


def sales_question(first: date, last: date, *, include_returns: bool, groups: tuple[str, ...] = GROUPS) -> bytes:
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
            "aggregateFields": AGGREGATES,
            "filters": filters,
        }
    )
