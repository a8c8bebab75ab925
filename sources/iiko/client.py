"""The questions that one iiko server is asked, one after another, within a session."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar

from sources.errors import SourceError
from sources.iiko import catalogue, parse, receipts
from sources.iiko.query import (
    BY_NUMBER,
    BY_ORDER,
    DATE,
    DEPARTMENT,
    DISHES,
    FIELDS,
    HEADS_BY_NUMBER,
    HEADS_BY_ORDER,
    MAX_DAYS,
    ORDER,
    SALES,
    Asked,
    sales_question,
)
from sources.iiko.session import Server, Session
from sources.iiko.types import (
    Column,
    DayTotal,
    ProductList,
    RemoteCategory,
    RemoteDepartment,
    RemoteDish,
    RemoteGroup,
    RemoteHead,
    RemoteLine,
    RemotePrice,
    RemoteStore,
    RemoteUnit,
    SalesAnswer,
    ServerFacts,
    Shift,
)

T = TypeVar("T")
Heard = Callable[[str, dict[str, Any]], None]
"""Told what a check asks next, one of CHECKS, and the fields of ServerFacts that are known by then."""
logger = logging.getLogger(__name__)

CHECKS = ("login", "departments", "columns", "licence", "version", "shifts")
LACKING = frozenset({"not_found", "refused", "no_right"})
"""What a server of another version, or without the right, answers to a question it could do without."""
LICENCE_MODULE = "28008806"


class IikoClient(Session):
    """Every call but `session` and `check` belongs inside `with client.session():`. Raises SourceError only."""

    _columns: dict[str, Column] | None = None
    _points: dict[str, str] | None = None
    _knows_orders: bool | None = None

    def departments(self) -> list[RemoteDepartment]:
        """The whole corporation tree, all types, in the server's order (a child may come before its parent)."""

        def ask() -> list[RemoteDepartment]:
            reply = self._get("/corporation/departments/", {"revisionFrom": "-1"})
            return parse.departments(reply.body, reply.content_type)

        return self._patiently(ask)

    def columns(self) -> dict[str, Column]:
        """The fields of the SALES report; asked once."""
        if self._columns is None:
            self._columns = self._patiently(
                lambda: parse.columns(self._get("/v2/reports/olap/columns", {"reportType": "SALES"}).body)
            )
        return self._columns

    def sales(self, first: date, last: date) -> SalesAnswer:
        """The sales of the business dates `first`..`last` (both included, at most 31), by one question.

        Raises SourceError `unknown_field` naming what this server does not know.
        """
        question = sales_question(first, last, include_returns=self.server.include_returns)
        self._need(SALES)

        def ask() -> SalesAnswer:
            reply = self._call("POST", "/v2/reports/olap", json=question)
            return parse.sales(reply.body, first, last)

        return self._patiently(ask)

    def day_totals(self, first: date, last: date) -> dict[tuple[str, date], DayTotal]:
        """The same sales by a coarser question, as a check: per department ("": none named) and business date."""
        question = sales_question(first, last, include_returns=self.server.include_returns, groups=(DEPARTMENT, DATE))

        def ask() -> dict[tuple[str, date], DayTotal]:
            return parse.day_totals(self._call("POST", "/v2/reports/olap", json=question).body, first, last)

        return self._patiently(ask)

    def shifts(self, first: date, last: date) -> list[Shift]:
        """The cash shifts opened on `first`..`last`, both included, open and closed ones.

        Raises SourceError no_right or not_found where this login or this server has no such list.
        """
        params = {"openDateFrom": str(first), "openDateTo": str(last), "status": "ANY"}
        found = self._patiently(lambda: parse.shifts(self._get("/v2/cashshifts/list", params).body))
        if all(shift.department_id for shift in found):
            return found
        of = self._department_of_points()
        return [
            shift if shift.department_id else replace(shift, department_id=of.get(shift.point_of_sale or ""))
            for shift in found
        ]

    def _department_of_points(self) -> dict[str, str]:
        """Point of sale to department, nothing where the server has no such list; asked once."""
        if self._points is None:
            try:
                self._points = self._patiently(
                    lambda: parse.points_of_sale(self._get("/corporation/groups", {"revisionFrom": "-1"}).body)
                )
            except SourceError as error:
                if error.code not in LACKING:
                    raise
                logger.info("no groups from the server: %s", error)
                self._points = {}
        return self._points

    # -- receipts -----------------------------------------------------------------------------------------------

    def receipt_lines(self, first: date, last: date) -> Iterator[RemoteLine]:
        """The lines of all receipts of `first`..`last`, both included, in any order within a date; asked date by date.

        Raises SourceError `unknown_field` naming what this server does not know.
        """
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            yield from self._by_order(
                lambda by_order, day=day: self._lines(BY_ORDER if by_order else BY_NUMBER, day)  # type: ignore[misc]
            )

    def receipt_heads(self, day: date) -> list[RemoteHead]:
        """Numbers and guests of the receipts of a business date; bears the orders of `receipt_lines`."""

        def ask(by_order: bool) -> list[RemoteHead]:
            asked = HEADS_BY_ORDER if by_order else HEADS_BY_NUMBER
            self._need(asked)
            return self._patiently(lambda: receipts.heads(self._report(asked, day, day), asked))

        return self._by_order(ask)

    def dishes(self, first: date, last: date) -> dict[str, RemoteDish]:
        """What the dishes that were sold on `first`..`last` (both included, at most 31 days) are called, by id."""
        self._need(DISHES)
        return self._patiently(lambda: receipts.dishes(self._report(DISHES, first, last), DISHES))

    def _lines(self, asked: Sequence[Asked], day: date) -> list[RemoteLine]:
        for question in asked:
            self._need(question)
        return self._patiently(
            lambda: receipts.lines([self._report(question, day, day) for question in asked], asked, day)
        )

    def _report(self, asked: Asked, first: date, last: date) -> bytes:
        question = sales_question(
            first,
            last,
            include_returns=self.server.include_returns,
            groups=asked.groups,
            aggregates=asked.aggregates,
        )
        return self._call("POST", "/v2/reports/olap", json=question).body

    def _by_order(self, ask: Callable[[bool], T]) -> T:
        """`ask` by the order's own id, or where the server knows none by its shift, number and time."""
        if self._knows_orders is None and (columns := self._known_columns()):
            self._knows_orders = _usable(columns.get(ORDER), grouping=True)
        if self._knows_orders is not False:
            try:
                return ask(True)
            except SourceError as error:
                if ORDER not in f"{error.params.get('fields')} {error.params.get('text')}":
                    raise
                self._knows_orders = False
        return ask(False)

    def _need(self, asked: Asked) -> None:
        if missing := self._missing_fields(asked):
            raise SourceError("unknown_field", fields=", ".join(missing))

    # -- the catalogue: whole lists with what is deleted flagged, an empty one as an empty one ------------------------

    def products(self, since: int | None = None) -> ProductList:
        """The catalogue, or what has changed in it since that revision; a server that cannot tell gives the whole.

        Changes are asked for by POST (since iiko 6.4), the whole list by GET, which every version takes.
        """
        path, wanted = "/v2/entities/products/list", {"includeDeleted": "true"}

        def ask() -> ProductList:
            if since is not None:
                try:
                    reply = self._call("POST", path, form=wanted | {"revisionFrom": str(since)})
                    return catalogue.products(reply.body, is_full=False)
                except SourceError as error:
                    if error.code not in ("not_found", "refused"):
                        raise
                    logger.info("no changes since a revision from the server: %s", error)
            return catalogue.products(self._get(path, wanted).body, is_full=True)

        return self._patiently(ask)

    def product_groups(self) -> list[RemoteGroup]:
        """In the server's order: a group may come before the one it is part of, or without it."""
        return self._listed("/v2/entities/products/group/list", catalogue.groups)

    def categories(self) -> list[RemoteCategory]:
        """Those of all three kinds, by three questions."""
        return [
            *self._listed("/v2/entities/products/category/list", lambda body: catalogue.categories(body, "product")),
            *self._listed("/v2/entities/list", lambda body: catalogue.categories(body, "tax"), rootType="TaxCategory"),
            *self._listed(
                "/v2/entities/list",
                lambda body: catalogue.categories(body, "accounting"),
                rootType="AccountingCategory",
            ),
        ]

    def units(self) -> list[RemoteUnit]:
        return self._listed("/v2/entities/list", catalogue.units, rootType="MeasureUnit")

    def _listed(self, path: str, read: Callable[[bytes], list[T]], **params: str) -> list[T]:
        return self._patiently(lambda: read(self._get(path, {"includeDeleted": "true", **params}).body))

    def stores(self) -> list[RemoteStore]:
        def ask() -> list[RemoteStore]:
            reply = self._get("/corporation/stores/", {"revisionFrom": "-1"})
            return catalogue.stores(reply.body, reply.content_type)

        return self._patiently(ask)

    def prices(self, first: date, last: date) -> list[RemotePrice]:
        """The prices that hold on some day of `first`..`last`, both included; one may hold since long before `first`."""
        params = {"dateFrom": str(first), "dateTo": str(last), "type": "BASE"}
        return self._patiently(lambda: catalogue.prices(self._get("/v2/price", params).body))

    def check(self, heard: Heard = lambda step, facts: None) -> ServerFacts:
        """Proves login, departments and fields by asking; outside a session with a login of its own."""
        if not self._open:
            heard("login", {})
            with self._session(fresh=True):
                return self.check(heard)
        facts: dict[str, Any] = {}
        heard("departments", facts)
        nodes = self.departments()
        facts |= {"departments": sum(node.type == "DEPARTMENT" for node in nodes), "nodes": len(nodes)}
        heard("columns", facts)
        missing = self._missing_fields(SALES)
        facts |= {"fields_known": tuple(name for name in FIELDS if name not in missing), "fields_missing": missing}
        heard("licence", facts)
        facts["free_slots"] = self._free_slots()
        heard("version", facts)
        facts["version"] = self._version()
        heard("shifts", facts)
        return ServerFacts(**facts, sees_shifts=self._sees_shifts())

    def _version(self) -> str:
        """As the page says from which iikoOffice learns it; it asks for no token."""
        try:
            self._lock.renew(self.server.key)
            page = self.server.api.removesuffix("/api") + "/get_server_info.jsp"
            reply = self._http.request("GET", page, params={"encoding": "UTF-8"})
        except SourceError as error:
            logger.info("no version from the server: %s", error)
            return ""
        return parse.server_version(reply.body) if reply.status == 200 else ""

    def _sees_shifts(self) -> bool | None:
        today = self._clock.now().date()
        try:
            self.shifts(today, today)
        except SourceError as error:
            logger.info("no cash shifts from the server: %s", error)
            return False if error.code in LACKING else None
        return True

    def _missing_fields(self, asked: Asked) -> tuple[str, ...]:
        if not (columns := self._known_columns()):
            return ()
        return tuple(name for name in asked.fields if not _usable(columns.get(name), grouping=name in asked.groups))

    def _known_columns(self) -> dict[str, Column]:
        """The fields of the report, nothing where an older server has no list of them: then the question itself tells."""
        try:
            return self.columns()
        except SourceError as error:
            if error.code not in LACKING:
                raise
            self._columns = {}
            return {}

    def _free_slots(self) -> str:
        try:
            return self._http.words(self._get("/licence/info", {"moduleId": LICENCE_MODULE}))
        except SourceError as error:
            logger.info("no licence information from the server: %s", error)
            return ""


def _usable(column: Column | None, *, grouping: bool) -> bool:
    return column is not None and (column.grouping if grouping else column.aggregation)


__all__ = ["MAX_DAYS", "IikoClient", "Server"]
