"""The simulated server keeps to the documented wire, refuses as the real one does, and notices bad manners."""

import hashlib
import socket
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
import requests

from sources.iiko.client import IikoClient, Server
from sources.ports import MemoryLock, MemoryTokens, SystemClock
from sources.simulator import IikoServer
from sources.simulator.cli import main
from sources.simulator.faults import FAULTS, KINDS, Faults
from sources.simulator.worlds.static import PrerenderedWorld, StaticWorld, row_level_body
from sources.tests.conftest import ABAY, DAY

pytestmark = pytest.mark.unit
PASS = hashlib.sha1(b"demo").hexdigest()


class Raw:
    """Speaks the wire by hand."""

    def __init__(self, server: IikoServer) -> None:
        self.api = server.url + "/resto/api"
        self.key = self.login().text

    def login(self, method: str = "GET", **given: str) -> requests.Response:
        values = {"login": "demo", "pass": PASS} | given
        place = {"params" if method == "GET" else "data": values}
        return requests.request(method, self.api + "/auth", timeout=5, **place)

    def get(self, path: str, **params: str) -> requests.Response:
        return requests.get(self.api + path, params={"key": self.key, **params}, timeout=5)

    def olap(self, **question: object) -> requests.Response:
        return requests.post(self.api + "/v2/reports/olap", params={"key": self.key}, json=question, timeout=5)


@pytest.fixture
def raw(server):
    server.strict = False
    return Raw(server)


def asked(
    first="2025-03-18", to="2025-03-19", groups=("OpenDate.Typed",), sums=("DishDiscountSumInt",), filters=(), **bounds
):
    dates = {"filterType": "DateRange", "periodType": "CUSTOM", "from": first, "to": to, **bounds}
    return {
        "reportType": "SALES",
        "groupByRowFields": list(groups),
        "aggregateFields": list(sums),
        "filters": {"OpenDate.Typed": dates} | dict(filters),
    }


KEPT = {
    "OrderDeleted": {"filterType": "IncludeValues", "values": ["NOT_DELETED"]},
    "DeletedWithWriteoff": {"filterType": "IncludeValues", "values": ["NOT_DELETED"]},
}


def test_login_gives_a_guid_and_logout_says_it_back_once(raw):
    assert len(raw.key) == 36
    gone = raw.get("/logout")
    assert (gone.status_code, gone.text) == (200, raw.key)
    assert raw.get("/logout").status_code == 401
    assert raw.get("/corporation/departments/").status_code == 401


@pytest.mark.parametrize("wrong", [{"login": "other"}, {"pass": "demo"}])
def test_a_wrong_login_is_401(raw, wrong):
    assert raw.login(**wrong).status_code == 401
    assert raw.login("POST", **wrong).status_code == 401


def test_slots_are_taken_until_logout_or_expiry(server, raw):
    server.faults.slots = 2
    second = raw.login("POST")
    assert second.status_code == 200
    refused = raw.login()
    assert refused.status_code == 403
    assert refused.text == "License enhancement is required: no connections available for module 28008806"
    assert raw.get("/licence/info", moduleId="28008806").text == "0"
    raw.get("/logout")
    assert raw.login().status_code == 200
    server.faults.token_ttl = 0.01
    time.sleep(0.02)
    assert raw.login().status_code == 200


@pytest.mark.parametrize(
    ("question", "status", "text"),
    [
        (
            {"reportType": "SALES", "filters": {}},
            409,
            "OLAP-запрос отклонен, поскольку в запросе не найден ни один из необходимых фильтров: "
            "Учетный день (OpenDate.Typed)",
        ),
        (asked(to="2025-03-18"), 409, "Конечная дата должна быть больше начальной"),
        (asked(groups=["Order.Id"]), 400, "java.lang.IllegalArgumentException: Unknown OLAP field 'Order.Id'"),
        (asked(groups=["UniqOrderId"]), 400, "Grouping is not allowed for field 'UniqOrderId'"),
        (asked(sums=["HourClose"]), 400, "Aggregation is not allowed for field 'HourClose'"),
        (
            asked(filters={"DiscountSum": {"filterType": "Range"}}),
            400,
            "Filtering is not allowed for field DiscountSum",
        ),
        (asked(first="2025-0318"), 400, "Wrong date format: 2025-0318"),
        (asked() | {"reportType": "NONE"}, 400, "Unknown report type: NONE"),
    ],
)
def test_questions_are_refused_in_the_servers_words(raw, question, status, text):
    answer = raw.olap(**question)
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["Content-Type"].startswith("text/plain")


def dates_of(answer):
    return {row["OpenDate.Typed"] for row in answer.json()["data"]}


def test_the_date_range_is_half_open_unless_told_otherwise(raw):
    assert dates_of(raw.olap(**asked(to="2025-03-20"))) == {"2025-03-18", "2025-03-19"}
    assert dates_of(raw.olap(**asked(to="2025-03-18", includeHigh=True))) == {"2025-03-18"}
    assert dates_of(raw.olap(**asked(to="2025-03-20", includeLow=False))) == {"2025-03-19"}
    full = asked(first="2025-03-18T00:00:00.000", to="2025-03-19T00:00:00.000")
    assert dates_of(raw.olap(**full)) == {"2025-03-18"}


def total(answer):
    return sum(Decimal(str(row["DishDiscountSumInt"])) for row in answer.json()["data"])


def test_without_the_deletion_filters_deleted_bills_are_counted(raw):
    kept = total(raw.olap(**asked(filters=KEPT)))
    assert total(raw.olap(**asked())) == kept + 777 + 888
    only = {"OrderDeleted": {"filterType": "ExcludeValues", "values": ["NOT_DELETED"]}}
    assert total(raw.olap(**asked(filters=only))) == 777
    returned = KEPT | {"Storned": {"filterType": "IncludeValues", "values": ["FALSE"]}}
    assert total(raw.olap(**asked(filters=returned))) == kept + 1200


def test_bills_add_up_to_their_hour_and_close_after_midnight(raw):
    by_bill = raw.olap(
        **asked(groups=["Department.Id", "CloseTime", "OrderNum"], sums=["DishDiscountSumInt"], filters=KEPT)
    )
    rows = [row for row in by_bill.json()["data"] if row["Department.Id"] == ABAY]
    assert len(rows) == 18 + 4
    assert {row["CloseTime"][:13] for row in rows} == {"2025-03-18T13", "2025-03-19T00"}
    assert total(by_bill) == total(raw.olap(**asked(filters=KEPT)))


def test_close_times_may_come_with_mixed_fractions(server, raw):
    server.faults.plan("olap", "mixed_fractions")
    answer = raw.olap(**asked(groups=["CloseTime"], filters=KEPT))
    assert {len(row["CloseTime"]) for row in answer.json()["data"]} == {19, 21, 22, 23}


def test_departments_come_child_first_root_last(raw):
    answer = raw.get("/corporation/departments/", revisionFrom="-1")
    assert answer.headers["Content-Type"] == "application/xml"
    assert answer.text.rindex("<type>CORPORATION</type>") > answer.text.rindex("<type>DEPARTMENT</type>")


def test_columns_tell_what_may_be_done_with_a_field(raw):
    columns = raw.get("/v2/reports/olap/columns", reportType="SALES").json()
    assert columns["OpenDate.Typed"] == {
        "name": "Учетный день",
        "type": "DATE",
        "aggregationAllowed": False,
        "groupingAllowed": True,
        "filteringAllowed": True,
        "tags": ["Дата и время"],
    }
    assert not columns["UniqOrderId"]["groupingAllowed"]


def test_shifts_are_an_independent_total_and_tell_the_open_one(server, raw):
    days = {"openDateFrom": "2025-03-18", "openDateTo": "2025-03-18"}
    shifts = raw.get("/v2/cashshifts/list", status="ANY", **days).json()
    assert sum(Decimal(str(shift["payOrders"])) for shift in shifts) == total(raw.olap(**asked(filters=KEPT)))
    assert raw.get("/v2/cashshifts/list", **days).status_code == 400
    assert raw.get("/v2/cashshifts/list", status="OPEN", **days).json() == []
    server.faults.open_shifts = True
    still_open = raw.get("/v2/cashshifts/list", status="OPEN", **days).json()
    assert {shift["closeDate"] for shift in still_open} == {None}


def test_anything_else_is_404(raw):
    assert raw.get("/v2/documents/list").status_code == 404
    assert requests.get(raw.api.replace("resto", "other") + "/auth", timeout=5).status_code == 404


def test_bad_manners_are_written_down(server, raw):
    raw.olap(**asked(groups=["Department.Id", "Department", "HourClose", "HourOpen", "OpenDate.Typed"],
                     sums=["DishSumInt", "DiscountSum", "GuestNum"]))  # fmt: skip
    raw.olap(**asked(to="2025-05-01"), buildSummary="true")
    raw.login()
    server.faults.slow = 0.2
    together = [threading.Thread(target=raw.olap, kwargs=asked()) for _ in range(2)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert server.audit.max_overlap == 2
    assert server.broken_rules() == [
        "8 fields in one question",
        "buildSummary true",
        "44 days in one question",
        "a login while another token was out",
        "olap while another request was in progress",
        "a token was not returned",
        "a token was not returned",
    ]


@pytest.mark.parametrize("ttl", [3600, 0.01])
def test_bad_manners_fail_the_test_that_showed_them(ttl):
    def log_in_and_leave():
        with IikoServer(StaticWorld([])) as server:
            server.faults.token_ttl = ttl
            Raw(server)
            time.sleep(0.02)

    with pytest.raises(AssertionError, match="returned"):
        log_in_and_leave()


def test_bad_manners_do_not_hide_another_failure():
    def log_in_and_fail():
        with IikoServer(StaticWorld([])) as server:
            Raw(server)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        log_in_and_fail()


def test_the_rules_broken_are_told_from_outside(server, raw):
    raw.olap(**asked(groups=["Department.Id"]), buildSummary=True)
    state = requests.get(server.url + "/__control__", timeout=5).json()
    assert state["broken_rules"] == ["buildSummary true", "a token was not returned"]
    assert (state["max_overlap"], state["requests"]) == (1, {"login": 1, "olap": 1})


def test_troubles_can_be_ordered_over_http(server, raw):
    control = server.url + "/__control__"
    orders = {"set": {"slots": 0}, "plan": [{"kind": "olap", "fault": "html_502", "skip": 1}], "drop_tokens": True}
    state = requests.post(control, json=orders, timeout=5).json()
    assert state["live_tokens"] == 0
    assert state["faults"]["slots"] == 0
    assert raw.login().status_code == 403
    requests.post(control, json={"set": {"slots": 3}}, timeout=5)
    raw.key = raw.login().text
    assert [raw.olap(**asked()).status_code for _ in range(3)] == [200, 502, 200]
    state = requests.post(control, json={"clear": True, "reset_audit": True}, timeout=5).json()
    assert (state["requests"], state["faults"]["planned"]) == ({}, [])
    for nonsense in ({"set": {"slotz": 1}}, {"plan": [{"kind": "olap", "fault": "none such"}]}, []):
        assert requests.post(control, json=nonsense, timeout=5).status_code == 400


def test_a_fault_strikes_exactly_when_planned():
    for kind in KINDS:
        for fault in FAULTS:
            faults = Faults().plan(kind, fault, skip=2, count=2)
            assert [bool(faults.strike(kind)) for _ in range(6)] == [False, False, True, True, False, False]
            assert not faults._planned


def test_a_prerendered_body_is_served_as_it_is():
    body = row_level_body(DAY, days=7, departments=5, rows=2000)
    with IikoServer(PrerenderedWorld(body)) as server:
        parts = {"tokens": MemoryTokens(), "lock": MemoryLock(), "clock": SystemClock()}
        iiko = IikoClient(Server(server.url, "demo", "demo"), **parts)
        with iiko.session():
            answer = iiko.sales(DAY, DAY + timedelta(days=6))
    assert answer.raw_rows == 2000
    assert len(answer.rows) < 600


def test_the_command_serves_a_world_until_it_is_told_to_stop():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sources.simulator", "--port", str(port), "--server", "2", "--slots", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert f"127.0.0.1:{port}" in process.stdout.readline()
        parts = {"tokens": MemoryTokens(), "lock": MemoryLock(), "clock": SystemClock()}
        facts = IikoClient(Server(f"http://127.0.0.1:{port}", "demo", "demo"), **parts).check()
        assert (facts.departments, facts.fields_missing) == (7, ())
    finally:
        process.terminate()
    assert process.wait(5) == 0
    process.stdout.close()


@pytest.mark.parametrize("world", ["csv:nowhere.csv", "moon"])
def test_a_world_that_is_none_is_wrong_usage(world, capsys):
    assert main(["--port", "0", "--world", world]) == 2
    assert capsys.readouterr().err


def test_a_taken_port_is_wrong_usage(server, capsys):
    assert main(["--port", str(server.port)]) == 2
    assert capsys.readouterr().err


def test_a_date_long_ago_has_no_sales(raw):
    assert raw.olap(**asked(first=str(date(1999, 1, 1)), to="1999-01-02")).json() == {"data": [], "summary": []}
