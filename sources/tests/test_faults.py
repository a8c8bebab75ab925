"""Every trouble a server can make ends in the right code, in time, and costs no licence slot."""

import time

import pytest

from sources.errors import PERMANENT, TRANSIENT, SourceError
from sources.http import Http
from sources.iiko.client import IikoClient, Server
from sources.ports import SystemClock
from sources.tests.conftest import DAY
from sources.tests.test_session import assert_clean

pytestmark = pytest.mark.unit

ANYWHERE = {
    "no_licence": "no_licence",
    "blocked": "module_blocked",
    "no_right": "no_right",
    "no_right_409": "no_right",
    "too_many": "too_many_requests",
    "error_500": "server_error",
    "html_502": "server_error",
    "html_200": "html",
    "empty": "empty_body",
    "redirect": "redirect",
    "reset": "unreachable",
    "long_length": "truncated",
}
OF_LOGIN = {"unauthorised": "wrong_password", "bad_request": "refused"}
OF_DATA = {"unauthorised": "starting", "truncated": "truncated", "short_length": "truncated"}
OF_OLAP = {
    "bad_request": "refused",
    "not_found": "not_found",
    "unknown_field": "unknown_field",
    "not_json": "not_json",
    "data_missing": "bad_data",
    "data_null": "bad_data",
    "null_money": "bad_data",
    "nan_money": "not_json",
    "foreign_date": "bad_data",
}
CASES = [
    *(("login", fault, code) for fault, code in (ANYWHERE | OF_LOGIN).items() if fault != "long_length"),
    *(("departments", fault, code) for fault, code in (ANYWHERE | OF_DATA).items()),
    *(("olap", fault, code) for fault, code in (ANYWHERE | OF_DATA | OF_OLAP).items()),
]


def use(iiko):
    with iiko.session():
        iiko.departments()
        iiko.sales(DAY, DAY)


@pytest.mark.parametrize(("kind", "fault", "code"), CASES)
def test_a_lasting_trouble_ends_in_its_code_and_costs_no_slot(server, wires, client, kind, fault, code):
    server.faults.plan(kind, fault, count=None)
    with pytest.raises(SourceError) as caught:
        use(client(patience=20))
    assert (caught.value.code, caught.value.transient) == (code, code in TRANSIENT)
    asked = server.audit.requests[kind]
    if code in TRANSIENT:
        assert asked > 2
        assert sum(wires.clock.slept) == pytest.approx(20)
    else:
        assert asked == 1
        assert wires.clock.slept == []
    assert_clean(server, wires)


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize(("kind", "fault", "code"), [case for case in CASES if case[2] in TRANSIENT])
def test_a_passing_trouble_is_outlasted(server, wires, client, kind, fault, code, skip):
    server.faults.plan(kind, fault, count=2, skip=skip)
    iiko = client(patience=300)
    with iiko.session():
        for _ in range(skip + 1):
            assert len(iiko.departments()) == 3
            assert iiko.sales(DAY, DAY).raw_rows == 4
    assert_clean(server, wires)


@pytest.mark.parametrize(("kind", "fault", "code"), [case for case in CASES if case[0] == "olap"])
def test_a_later_question_fails_as_the_first_would(server, wires, client, kind, fault, code):
    server.faults.plan(kind, fault, count=None, skip=2)
    iiko = client(patience=5)
    with iiko.session():
        iiko.sales(DAY, DAY)
        iiko.sales(DAY, DAY)
        with pytest.raises(SourceError) as caught:
            iiko.sales(DAY, DAY)
    assert caught.value.code == code
    assert_clean(server, wires)


def test_a_server_that_hangs_is_left_and_not_asked_twice_at_once(server, wires, client):
    server.faults.plan("olap", "hang", count=1)
    iiko = client(read_timeout=0.2)
    started = time.monotonic()
    use(iiko)
    assert time.monotonic() - started < 3
    assert wires.clock.slept == [10.0]
    assert server.audit.max_overlap == 1
    assert_clean(server, wires)


def test_a_server_slower_than_the_timeout_is_a_timeout(server, wires, client):
    server.faults.plan("olap", "slow", count=None, seconds=2)
    with pytest.raises(SourceError) as caught:
        use(client(read_timeout=0.1, patience=1))
    assert caught.value.code == "timeout"
    assert_clean(server, wires)


def test_a_slow_answer_within_the_timeout_is_taken(server, wires, client):
    server.faults.plan("olap", "slow", seconds=0.3)
    use(client())
    assert wires.clock.slept == []
    assert_clean(server, wires)


def test_nobody_listening_is_unreachable(server, wires, client):
    iiko = client(patience=1)
    server.stop()
    with pytest.raises(SourceError) as caught, iiko.session():
        pass
    assert caught.value.code == "unreachable"
    assert wires.lock.held == 0


def test_a_plain_server_asked_by_https_is_no_tls(server, wires):
    https = Server(server.url.replace("http:", "https:"), "demo", "demo", patience=0)
    with pytest.raises(SourceError) as caught:
        IikoClient(https, tokens=wires.tokens, lock=wires.lock, clock=wires.clock).check()
    assert caught.value.code == "tls"
    assert not caught.value.transient


def test_a_body_past_the_bound_is_refused(server, wires):
    http = Http(wires.clock, max_bytes=200)
    iiko = IikoClient(Server(server.url, "demo", "demo"), **vars(wires), http=http)
    with pytest.raises(SourceError) as caught:
        use(iiko)
    assert (caught.value.code, caught.value.params) == ("too_large", {"limit": 200})
    assert_clean(server, wires)


def test_a_login_whose_answer_is_lost_is_repeated_rarely_because_each_may_cost_a_slot(server, wires, client):
    server.faults.plan("login", "long_length", count=None)
    with pytest.raises(SourceError) as caught:
        use(client(patience=300))
    assert caught.value.code == "truncated"
    assert wires.clock.slept == [20.0] * 15
    assert server.audit.requests == {"login": 4}


def test_a_wait_the_server_asks_for_is_kept(server, wires, client):
    server.faults.plan("olap", "too_many")
    use(client())
    assert wires.clock.slept == [7.0]


def test_a_question_with_unknown_fields_is_not_even_asked(server, wires, client):
    server.faults.missing_fields = ["GuestNum", "HourClose"]
    with pytest.raises(SourceError) as caught:
        use(client())
    assert caught.value.params == {"fields": "HourClose, GuestNum"}
    assert "olap" not in server.audit.requests
    assert_clean(server, wires)


def test_a_server_that_cannot_list_its_fields_is_asked_all_the_same(server, wires, client):
    server.faults.no_columns = True
    iiko = client()
    with iiko.session():
        iiko.sales(DAY, DAY)
        assert iiko.sales(DAY, DAY).raw_rows == 4
    assert server.audit.requests["columns"] == 1
    assert_clean(server, wires)


def test_the_servers_own_words_reach_the_reader(server, wires, client):
    server.faults.plan("olap", "no_right_409")
    with pytest.raises(SourceError) as caught:
        use(client())
    assert caught.value.params["text"] == "Доступ запрещен B_RPT"


def test_every_code_is_either_worth_a_retry_or_not():
    assert not TRANSIENT & PERMANENT
    with pytest.raises(ValueError):
        SourceError("something else")


def test_a_server_that_drips_for_ever_is_left(server, clock):
    class Racing(SystemClock):
        """Ten seconds pass between two looks at the clock."""

        at = 0.0

        def monotonic(self) -> float:
            self.at += 10
            return self.at

    with pytest.raises(SourceError) as caught:
        Http(Racing(), read_timeout=1).request("GET", server.url + "/__control__")
    assert caught.value.code == "timeout"
