"""Every trouble a server can make ends in the right code, in time, and costs no licence slot."""

import gzip
import time
import tracemalloc
from datetime import timedelta
from io import BytesIO

import pytest
import requests
from urllib3 import HTTPResponse

from sources.errors import PERMANENT, TRANSIENT, SourceError
from sources.http import MAX_BYTES, Http, _unpacked
from sources.iiko.client import IikoClient, Server
from sources.simulator import IikoServer
from sources.simulator.delivery import bomb
from sources.simulator.faults import FAULTS, LISTS
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.static import StaticWorld
from sources.tests.conftest import ABAY, DAY, SAIN, week
from sources.tests.test_session import assert_clean

pytestmark = pytest.mark.unit

ANYWHERE = {
    "bad_request": "refused",
    "no_licence": "no_licence",
    "blocked": "module_blocked",
    "no_right": "no_right",
    "not_found": "not_found",
    "no_right_409": "no_right",
    "refused_409": "refused",
    "too_many": "too_many_requests",
    "too_many_bare": "too_many_requests",
    "error_500": "server_error",
    "html_502": "server_error",
    "error_503": "server_error",
    "html_200": "html",
    "empty": "empty_body",
    "redirect": "redirect",
    "closed": "unreachable",
    "reset": "unreachable",
    "hang": "timeout",
    "drip": "timeout",
    "reset_midway": "truncated",
    "truncated": "truncated",
    "cut_gzip": "truncated",
    "short_length": "truncated",
    "long_length": "truncated",
    "unknown_encoding": "bad_data",
    "gzip_bomb": "too_large",
    "huge": "too_large",
    "huge_chunked": "too_large",
}
OF_LOGIN = {"unauthorised": "wrong_password", "not_json": "bad_data"}
OF_DATA = {"unauthorised": "starting", "not_json": "not_json", "wrong_charset": "bad_data"}
OF_SALES = {
    "unknown_field": "unknown_field",
    "data_missing": "bad_data",
    "data_null": "bad_data",
    "null_money": "bad_data",
    "nan_money": "bad_data",
    "infinite_money": "bad_data",
    "absurd_money": "bad_data",
    "missing_field": "bad_data",
    "foreign_date": "bad_data",
    "double_keys": "bad_data",
    "double_data": "bad_data",
}
# A request of the session: which kind it is, and how many of that kind pass before it.
LOGIN, FIRST, LATER = ("login", 0), ("departments", 0), ("olap", 2)
CASES = [
    *((LOGIN, fault, code) for fault, code in (ANYWHERE | OF_LOGIN).items()),
    *((FIRST, fault, code) for fault, code in (ANYWHERE | OF_DATA).items()),
    *((LATER, fault, code) for fault, code in (ANYWHERE | OF_DATA | OF_SALES).items()),
]
# Impatience for troubles that take real time.
SLOW = {"hang": {"read_timeout": 0.25}, "drip": {"read_timeout": 0.2}}
NODES = [
    Node(ABAY, "r", "Кафе Абая", "DEPARTMENT"),
    Node(SAIN, "r", "Сайн", "DEPARTMENT"),
    Node("r", None, "Сеть", "X"),
]


def name(case):
    return {LOGIN: "login", FIRST: "first", LATER: "later"}[case] if isinstance(case, tuple) else case


def use(iiko, got=None):
    """A session as loads make them; `got` collects what came."""
    got = [] if got is None else got
    with iiko.session():
        got.append(("departments", iiko.departments()))
        for _ in range(3):
            got.append(("olap", iiko.sales(DAY, DAY)))


@pytest.fixture
def cyrillic(server):
    server.world = StaticWorld(week(), NODES)


@pytest.mark.usefixtures("cyrillic")
@pytest.mark.parametrize(("place", "fault", "code"), CASES, ids=name)
def test_a_lasting_trouble_ends_in_its_code_and_costs_no_slot(server, wires, client, place, fault, code):
    kind, skip = place
    server.faults.plan(kind, fault, count=None, skip=skip, seconds=0.05)
    got = []
    with pytest.raises(SourceError) as caught:
        use(client(patience=20, **SLOW.get(fault, {})), got)
    assert (caught.value.code, caught.value.transient) == (code, code in TRANSIENT)
    assert [what for what, _answer in got].count(kind) == skip
    asked = server.audit.requests[kind] - skip
    if code in TRANSIENT:
        assert asked >= 2
        assert sum(wires.clock.slept) == pytest.approx(20)
    else:
        # Where a login by GET is not found, one by POST may be.
        assert asked == 1 + (place == LOGIN and fault == "not_found")
        assert wires.clock.slept == []
    assert_clean(server, wires)


@pytest.mark.usefixtures("cyrillic")
@pytest.mark.parametrize(("place", "fault", "code"), [case for case in CASES if case[2] in TRANSIENT], ids=name)
def test_a_passing_trouble_is_outlasted(server, wires, client, place, fault, code):
    kind, skip = place
    server.faults.plan(kind, fault, count=2, skip=skip, seconds=0.05)
    got = []
    use(client(patience=300, **SLOW.get(fault, {})), got)
    assert [answer.raw_rows for what, answer in got if what == "olap"] == [4, 4, 4]
    assert_clean(server, wires)


HARMLESS = [
    "slow",
    "wrong_type",
    "null_hour",
    "null_department",
    "unknown_department",
    "negative",
    "number_mix",
    "binary_noise",
]


@pytest.mark.parametrize("fault", [*HARMLESS, "shuffled", "no_rows", "vanishing_hours"])
def test_what_servers_may_say_is_no_trouble(server, wires, client, fault):
    server.faults.plan("olap", fault, count=None, seconds=0.01)
    use(client())
    assert wires.clock.slept == []
    assert_clean(server, wires)


def test_every_fault_has_its_cell():
    tested = {fault for _place, fault, _code in CASES} | {*HARMLESS, "shuffled", "no_rows", "vanishing_hours"}
    others = {"mixed_fractions", "empty_hour", "double_rows", "drop_tokens"}  # see the tests of their own
    assert set(FAULTS) == tested | others | set(LISTS)  # of the catalogue: see test_catalogue


def test_a_row_told_twice_shows_in_the_control_total_and_cannot_be_in_it(server, wires, client):
    server.faults.plan("olap", "double_rows", count=None)
    iiko = client()
    with iiko.session():
        doubled = sum(row.revenue for row in iiko.sales(DAY, DAY).rows if row.external_id == ABAY)
        with pytest.raises(SourceError) as caught:
            iiko.day_totals(DAY, DAY)
        server.faults.clear()
        assert doubled > iiko.day_totals(DAY, DAY)[ABAY, DAY].revenue
    assert (caught.value.code, caught.value.params) == ("bad_data", {"what": "a department and date twice"})
    assert_clean(server, wires)


def test_packed_answers_are_read(server, wires, client):
    server.faults.gzip = True
    use(client())
    assert_clean(server, wires)


@pytest.mark.parametrize("fault", ["huge", "huge_chunked", "gzip_bomb"])
def test_a_body_of_200_mb_takes_no_such_memory(server, wires, client, fault):
    bomb()
    server.faults.plan("olap", fault)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError) as caught:
            use(client())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.params == {"limit": MAX_BYTES}
    assert peak < 64 * 1024 * 1024
    assert_clean(server, wires)


def test_a_packed_document_without_its_checksum_is_cut():
    whole = gzip.compress(b'{"data":[]}')
    assert b"".join(_unpacked(HTTPResponse(BytesIO(whole), preload_content=False))) == b'{"data":[]}'
    with pytest.raises(SourceError) as caught:
        list(_unpacked(HTTPResponse(BytesIO(whole[:-2]), preload_content=False)))
    assert caught.value.code == "truncated"


def test_an_announced_size_is_refused_before_it_is_read(server, wires, client, monkeypatch):
    read, kinds = Http._read, []
    monkeypatch.setattr(Http, "_read", lambda *given: kinds.append(len(wires.tokens._tokens)) or read(*given))
    server.faults.plan("departments", "huge")
    with pytest.raises(SourceError):
        use(client(max_bytes=10_000))
    assert len(kinds) == 2  # login and logout


def test_troubles_strike_at_a_request_of_a_login(server, wires, client):
    server.faults.plan("any", "drop_tokens", request=2, login=1).plan("any", "no_right", request=2, login=2)
    got = []
    with pytest.raises(SourceError) as caught:
        use(client(), got)
    assert caught.value.code == "no_right"
    assert [what for what, _answer in got] == ["departments"]
    assert server.audit.requests["login"] == 2
    assert_clean(server, wires)


def test_a_server_that_is_off_the_net_at_night_is_asked_until_it_is_back(wires):
    def now():
        return wires.clock.now()

    with IikoServer(StaticWorld(week()), now=now) as server:
        start = now() + timedelta(seconds=5)
        server.faults.plan("any", "html_502", count=None, start=start, until=(start + timedelta(minutes=4)).isoformat())
        iiko = IikoClient(Server(server.url, "demo", "demo", patience=300), **vars(wires))
        with iiko.session():
            assert iiko.departments()
            wires.clock.sleep(6)
            assert iiko.departments()
        assert now() > start + timedelta(minutes=4)
        server.assert_rules_kept()


def test_a_server_that_is_switched_off_is_unreachable(server, client):
    server.faults.down = True
    with pytest.raises(SourceError) as caught:
        use(client(patience=0))
    assert caught.value.code == "unreachable"
    assert requests.get(server.url + "/__control__", timeout=5).json()["faults"]["down"]


@pytest.mark.parametrize("how", ["refused", "silent", "reset"])
def test_a_server_that_is_down_fails_at_once_or_in_time_and_serves_again(server, wires, client, how):
    code = "timeout" if how == "silent" else "unreachable"
    iiko = client(patience=0, connect_timeout=0.3)
    with iiko.session():
        iiko.departments()
        server.down(how)
        started = time.monotonic()
        with pytest.raises(SourceError) as caught:
            iiko.departments()
        assert time.monotonic() - started < 3
        server.up()
        iiko.departments()
    assert caught.value.code == code
    assert_clean(server, wires)


def test_a_server_can_be_sent_off_the_net_for_a_while_from_outside(server, wires, client):
    control = server.url + "/__control__"
    state = requests.post(control, json={"down": {"how": "refused", "seconds": 0.4}}, timeout=5).json()
    assert state["down"] == "refused"
    iiko = client(patience=0)
    with pytest.raises(SourceError), iiko.session():
        pass
    started = time.monotonic()
    while server.gate.state is not None:
        assert time.monotonic() - started < 5
        time.sleep(0.02)
    use(client())
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
    http = Http(max_bytes=200)
    iiko = IikoClient(Server(server.url, "demo", "demo"), **vars(wires), http=http)
    with pytest.raises(SourceError) as caught:
        use(iiko)
    assert (caught.value.code, caught.value.params) == ("too_large", {"limit": 200})
    assert_clean(server, wires)


def test_a_login_whose_answer_is_lost_is_repeated_rarely_because_each_may_cost_a_slot(server, wires, client):
    server.faults.no_cookie = True
    server.strict = False
    server.faults.plan("login", "long_length", count=None)
    with pytest.raises(SourceError) as caught:
        use(client(patience=300))
    assert caught.value.code == "truncated"
    assert wires.clock.slept == [20.0] * 15
    assert server.audit.requests == {"login": 4}


def test_the_head_of_a_lost_answer_gives_the_slot_back(server, wires, client):
    server.faults.slots = 1
    server.faults.plan("login", "reset_midway")
    use(client())
    assert server.audit.requests["login"] == 2
    assert server.audit.requests["logout"] == 2
    assert wires.clock.slept == [1.0]
    assert_clean(server, wires)


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
