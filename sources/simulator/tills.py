"""Points of sale and their cash shifts, as a simulated server tells them: one shift per department and date with sales."""

import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import orjson

from sources.simulator.olap import digits
from sources.simulator.worlds.base import Node, session_number, sums
from sources.simulator.worlds.edited import EditedWorld

OPENS, LASTS = time(7, 56, 32, 937_000), timedelta(hours=18)
STATUSES = {"ANY", "OPEN", "CLOSED", "ACCEPTED", "UNACCEPTED", "HASWARNINGS"}


def shift_list(
    world: EditedWorld,
    first: date,
    last: date,
    status: str,
    department_id: str | None = None,
    *,
    newest_open: bool = False,
    old_names: bool = False,
) -> list[dict[str, Any]]:
    """The shifts opened on `first`..`last`. `newest_open`: of each department the newest of them is still open."""
    paid: dict[tuple[str, date], Decimal] = {
        (department, day): Decimal(0)
        for (department, day), closed in world.shifts.items()
        if closed is None and first <= day <= last
    }
    for (department, day, _hour), (revenue, *_) in sums(world.cells(first, last)).items():
        if department:
            paid[department, day] = paid.get((department, day), Decimal(0)) + revenue
    newest: dict[str, date] = {}
    for department, day in paid:
        newest[department] = max(day, newest.get(department, day))
    found = []
    for (department, day), money in sorted(paid.items()):
        closed = world.shifts.get((department, day), _usual_end(day))
        is_open = closed is None or (newest_open and newest[department] == day)
        told = {"ANY", "OPEN"} if is_open else {"ANY", "CLOSED", "UNACCEPTED"}
        if status in told and department_id in (None, department):
            found.append(_shift(department, day, money, None if is_open else closed, old_names=old_names))
    return found


def _usual_end(day: date) -> datetime:
    return datetime.combine(day, OPENS) + LASTS


def _shift(department: str, day: date, money: Decimal, closed: datetime | None, *, old_names: bool) -> dict[str, Any]:
    amount = orjson.Fragment(digits(money))
    manager = _id("manager", department)
    names = ("conception", "pointOfSale") if old_names else ("conceptionId", "pointOfSaleId")
    return {
        "id": _id("shift", department, str(day)),
        "sessionNumber": session_number(day),
        "fiscalNumber": day.toordinal() - 729_000,
        "cashRegNumber": 1,
        "cashRegSerial": "115744 ",
        "openDate": datetime.combine(day, OPENS).isoformat(timespec="milliseconds"),
        "closeDate": closed.isoformat(timespec="milliseconds") if closed else None,
        "acceptDate": None,
        "managerId": manager,
        "responsibleUser": manager,
        "sessionStartCash": 0,
        "payOrders": amount,
        "sumWriteoffOrders": 0,
        "salesCash": 0,
        "salesCredit": 0,
        "salesCard": amount,
        "payIn": 0,
        "payOut": 0,
        "payIncome": 0,
        "cashRemain": 0,
        "cashDiff": 0,
        "sessionStatus": "CLOSED" if closed else "OPEN",
        names[0]: None,
        names[1]: point_of_sale(department),
    }


def _id(*what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join(what)))


def point_of_sale(department: str) -> str:
    return _id("point of sale", department)


def groups(nodes: list[Node]) -> bytes:
    """The answer of /corporation/groups: a group with one point of sale for each department of the tree."""
    items = (
        f"<groupDto><id>{_id('group', node.id)}</id><name>{escape(node.name)}</name>"
        f"<departmentId>{node.id}</departmentId><groupServiceMode>TABLE_SERVICE</groupServiceMode>"
        f"<pointOfSaleDtoes><pointOfSaleDto><id>{point_of_sale(node.id)}</id><name>Касса 1</name><main>true</main>"
        "</pointOfSaleDto></pointOfSaleDtoes><restaurantSectionInfos/></groupDto>"
        for node in nodes
        if node.type == "DEPARTMENT"
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return f"{head}<groupDtoes>{''.join(items)}</groupDtoes>".encode()
