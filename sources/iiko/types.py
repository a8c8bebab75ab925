"""What the iiko client hands out."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class RemoteDepartment:
    """One node of the server's corporation tree.

    `type` as the server names it (CORPORATION, JURPERSON, DEPARTMENT, STORE, ...; unknown ones are kept).
    `taxpayer_id` is the branch's own, for a legal entity its BIN; empty where none is given.
    """

    external_id: str
    parent_id: str | None
    name: str
    type: str
    code: str
    taxpayer_id: str


class SalesRow(NamedTuple):
    """Sales of one department, business date and hour; money with 4 places, may be negative (returns).

    `external_id` None: the server named no department. `hour` is the local hour of closing 0-23, None if not given.
    `orders`, `guests` are None if the server left them out.
    """

    external_id: str | None
    date: date
    hour: int | None
    revenue: Decimal
    gross: Decimal
    orders: int | None
    guests: int | None


@dataclass(frozen=True, slots=True)
class SalesAnswer:
    """All sales of the business dates `first`..`last`, both included: a row per department, date and hour, in any order."""

    rows: list[SalesRow]
    raw_rows: int
    first: date
    last: date


class DayTotal(NamedTuple):
    """Sales of one department and business date as the coarser question tells them; see SalesRow."""

    revenue: Decimal
    gross: Decimal
    orders: int | None
    guests: int | None


@dataclass(frozen=True, slots=True)
class Shift:
    """A cash shift. Times are the till's local ones; `closed_at` None: it is still open.

    `department_id` None: the server does not tell whose it is. `business_date` is the date of its opening: bills belong
    to the accounting day of their shift, however late they are closed. `pay_orders` is the sum of its paid orders.
    """

    external_id: str
    department_id: str | None
    opened_at: datetime
    closed_at: datetime | None
    business_date: date
    pay_orders: Decimal | None
    status: str
    point_of_sale: str | None


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the SALES report as the server describes it; a flag the server leaves out counts as allowed."""

    name: str
    title: str
    type: str
    grouping: bool
    aggregation: bool
    filtering: bool


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a check of a connection found. `free_slots` is the server's own text, empty if it gave none.

    `version` is empty where the server does not tell. `sees_shifts` None: it could not be found out.
    """

    departments: int
    nodes: int
    fields_known: tuple[str, ...]
    fields_missing: tuple[str, ...]
    free_slots: str
    version: str = ""
    sees_shifts: bool | None = None
