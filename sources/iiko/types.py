"""What the iiko client hands out."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple


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


class RemoteLine(NamedTuple):
    """One dish of one receipt. What the server does not name is None; its money counts all the same.

    `order` tells receipts of one department and date apart, empty if the server names none. `closed_at` is the till's
    local time of closing, `hour` its hour. `quantity` has 3 places, money 4; both are negative for what was returned.
    """

    department_id: str | None
    date: date
    order: str
    product_id: str | None
    closed_at: datetime | None
    hour: int | None
    quantity: Decimal
    revenue: Decimal
    gross: Decimal


class RemoteHead(NamedTuple):
    """What the server knows of a receipt beside its lines."""

    department_id: str | None
    order: str
    number: str
    guests: int | None


class RemoteDish(NamedTuple):
    """What sold dishes are called; the catalogue knows more of them, the sales also what left the catalogue."""

    external_id: str
    name: str
    code: str


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


@dataclass(frozen=True, slots=True)
class RemoteModifier:
    """A product that may or must be sold with another. `extra["group"]` names the group it is offered in, with its limits.

    Of such a group the limits are the group's: its members are each free, unless they carry limits of their own.
    """

    product_id: str
    at_least: int
    at_most: int | None
    by_default: int
    required: bool
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteProduct:
    """An article of the catalogue. Texts that are missing are empty; `type` as the server names it, unknown ones too.

    Everything the wire tells beside is in `extra`, as plain JSON. `default_price` has 4 places.
    """

    external_id: str
    name: str
    code: str
    num: str
    type: str
    parent_id: str | None
    category_id: str | None
    tax_category_id: str | None
    accounting_category_id: str | None
    unit_id: str | None
    default_price: Decimal | None
    description: str
    deleted: bool
    modifiers: tuple[RemoteModifier, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductList:
    """`revision`: what to ask for changes since; None where the server does not state it. `is_full`: all there are."""

    rows: list[RemoteProduct]
    revision: int | None
    is_full: bool


@dataclass(frozen=True, slots=True)
class RemoteGroup:
    external_id: str
    parent_id: str | None
    name: str
    code: str
    deleted: bool
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteCategory:
    """`kind`: product, tax or accounting. Ids are unique within their kind."""

    external_id: str
    kind: str
    name: str
    code: str
    deleted: bool
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteUnit:
    external_id: str
    name: str
    code: str
    deleted: bool
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteStore:
    """A store house; `parent_id` is its department, or another node of the corporation."""

    external_id: str
    parent_id: str | None
    name: str
    code: str
    extra: dict[str, Any] = field(default_factory=dict)


class RemotePrice(NamedTuple):
    """What a product costs in a department (None: in all) from a date on, by an order to the menu; 4 places."""

    product_id: str
    department_id: str | None
    from_date: date
    amount: Decimal
