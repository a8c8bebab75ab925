"""One token per server, one question at a time, and the token always given back."""

import logging
import threading
from datetime import date, timedelta

import pytest

from sources.errors import SourceError
from sources.http import Http, Reply
from sources.iiko.client import IikoClient, Server
from sources.ports import MemoryLock, MemoryTokens, SystemClock
from sources.tests.conftest import DAY

pytestmark = pytest.mark.unit


def assert_clean(server, wires):
    assert server.broken_rules() == []
    assert server.live_tokens() == []
    assert wires.tokens._tokens == {}
    assert wires.lock.held == 0


def test_a_session_asks_with_one_token_and_gives_it_back(server, wires, client):
    iiko = client()
    with iiko.session():
        assert len(server.live_tokens()) == 1
        iiko.departments()
        iiko.sales(DAY, DAY)
        iiko.sales(DAY + timedelta(days=1), DAY + timedelta(days=7))
    assert server.audit.requests == {"login": 1, "departments": 1, "columns": 1, "olap": 2, "logout": 1}
    assert_clean(server, wires)


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_breaks_inside_a_session_the_token_is_returned(server, wires, client, trouble):
    iiko = client()
    with pytest.raises(trouble), iiko.session():
        raise trouble
    assert_clean(server, wires)


def test_a_failed_logout_never_hides_the_error_of_the_session(server, wires, client):
    server.strict = False
    server.faults.plan("logout", "html_502", count=None)
    with pytest.raises(ZeroDivisionError), client().session():
        raise ZeroDivisionError


def test_logout_is_tried_again_after_a_passing_trouble(server, wires, client):
    server.faults.plan("logout", "html_502", count=2)
    with client().session():
        pass
    assert server.audit.requests["logout"] == 3
    assert_clean(server, wires)


def test_a_token_that_could_not_be_returned_is_used_and_returned_by_the_next_session(server, wires, client):
    server.faults.plan("logout", "error_500", count=None)
    with client().session():
        pass
    assert len(server.live_tokens()) == 1
    server.faults.clear()
    with client().session():
        pass
    assert server.audit.requests["login"] == 1
    assert_clean(server, wires)


def left_behind(server, wires, key, minutes):
    """What a killed worker leaves: a live token in the store."""
    token = server.tokens.issue(3, 3600)
    wires.tokens.save(key, token, wires.clock.now() - timedelta(minutes=minutes))
    return token


def test_a_stored_token_younger_than_50_minutes_is_used_again(server, wires, client):
    iiko = client()
    left_behind(server, wires, iiko.server.key, 49)
    with iiko.session():
        iiko.departments()
    assert "login" not in server.audit.requests
    assert_clean(server, wires)


@pytest.mark.parametrize("minutes", [50, 300, -5])
def test_an_older_stored_token_is_returned_before_a_new_login(server, wires, client, minutes):
    server.faults.slots = 1
    iiko = client()
    old = left_behind(server, wires, iiko.server.key, minutes)
    with iiko.session():
        assert old not in server.live_tokens()
    assert server.audit.requests["login"] == 1
    assert_clean(server, wires)


def test_a_long_session_renews_its_token_in_time(server, wires, client):
    iiko = client()
    with iiko.session():
        iiko.departments()
        wires.clock.sleep(51 * 60)
        iiko.departments()
    assert server.audit.requests["login"] == 2
    assert_clean(server, wires)


def test_a_token_dropped_by_a_restart_is_replaced_once(server, wires, client):
    iiko = client()
    with iiko.session():
        iiko.departments()
        server.tokens.drop()
        assert iiko.sales(DAY, DAY).rows
    assert wires.clock.slept == []
    assert server.audit.requests["login"] == 2
    assert_clean(server, wires)


def test_a_starting_server_is_waited_for(server, wires, client):
    iiko = client(patience=300)
    with iiko.session():
        iiko.departments()
        server.tokens.drop()
        server.faults.plan("any", "unauthorised", count=9)
        assert iiko.sales(DAY, DAY).rows
    assert wires.clock.slept
    assert_clean(server, wires)


def test_a_server_that_keeps_refusing_tokens_is_starting(server, wires, client):
    server.faults.plan("olap", "unauthorised", count=None)
    iiko = client(patience=3)
    with pytest.raises(SourceError) as caught, iiko.session():
        iiko.sales(DAY, DAY)
    assert caught.value.code == "starting"
    assert caught.value.transient
    assert_clean(server, wires)


def test_a_refused_login_is_a_wrong_password_at_once(server, wires, client):
    with pytest.raises(SourceError) as caught, client(password="nonsense").session():
        pass
    assert caught.value.code == "wrong_password"
    assert not caught.value.transient
    assert server.audit.requests == {"login": 1}
    assert wires.lock.held == 0


def test_a_proven_password_refused_means_a_starting_server(server, wires, client):
    server.faults.plan("login", "unauthorised", count=3)
    with client(password_proven=True).session():
        pass
    assert_clean(server, wires)


def test_a_check_proves_the_password_even_with_a_good_token_in_the_store(server, wires, client):
    iiko = client(password="nonsense")
    left_behind(server, wires, iiko.server.key, 1)
    with pytest.raises(SourceError) as caught:
        iiko.check()
    assert caught.value.code == "wrong_password"
    assert_clean(server, wires)


def test_a_check_tells_what_the_server_knows(server, wires, client):
    server.faults.missing_fields = ["GuestNum"]
    facts = client().check()
    assert (facts.departments, facts.nodes, facts.fields_missing, facts.free_slots) == (2, 3, ("GuestNum",), "2")
    assert_clean(server, wires)


def test_without_a_free_slot_the_client_waits_longer_each_time(server, wires, client):
    server.faults.slots = 0
    with pytest.raises(SourceError) as caught, client(patience=400).session():
        pass
    assert caught.value.code == "no_licence"
    assert sum(wires.clock.slept) == 400
    assert server.audit.requests["login"] == 8  # at 0, 5, 15, 35, 75, 155, 315 and 400 s
    assert wires.lock.renewed > 400 / 20
    assert wires.lock.held == 0


def test_a_slot_that_becomes_free_is_taken(server, wires, client):
    server.faults.plan("login", "no_licence", count=3)
    with client(patience=120).session():
        pass
    assert_clean(server, wires)


@pytest.mark.parametrize("setting", ["query_login_refused", "quoted_token", "json_departments"])
def test_servers_of_other_versions_are_understood(server, wires, client, setting):
    setattr(server.faults, setting, True)
    iiko = client()
    with iiko.session():
        assert [node.name for node in iiko.departments()] == ["Branch 1", "Branch 2", "Chain"]
        assert iiko.sales(DAY, DAY).raw_rows == 4
    assert_clean(server, wires)


def test_two_workers_never_ask_one_server_at_once(server):
    tokens, lock = MemoryTokens(), MemoryLock()
    failures = []

    def work() -> None:
        iiko = IikoClient(Server(server.url, "demo", "demo"), tokens=tokens, lock=lock, clock=SystemClock())
        try:
            for _ in range(3):
                with iiko.session():
                    iiko.departments()
                    iiko.sales(DAY, DAY)
        except SourceError as error:
            failures.append(error)

    server.faults.slow = 0.002
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert server.audit.requests["olap"] == 12
    assert server.audit.max_overlap == 1
    assert server.broken_rules() == []


def test_a_server_in_use_is_busy_after_patience(server, wires, client):
    iiko = client(patience=0.01)
    wires.lock.acquire(iiko.server.key, 1)
    with pytest.raises(SourceError) as caught, iiko.session():
        pass
    assert caught.value.code == "busy"
    assert caught.value.transient
    assert server.audit.requests == {}


def test_questions_outside_a_session_are_a_mistake_of_the_caller(client):
    with pytest.raises(RuntimeError):
        client().departments()
    iiko = client()
    with iiko.session(), pytest.raises(RuntimeError), iiko.session():
        pass


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://Iiko.Example:80",
        "http://iiko.example/",
        "http://iiko.example/resto",
        "http://iiko.example/resto/api/",
    ],
)
def test_one_server_has_one_key_however_its_url_is_written(url):
    assert Server(url, "api", "x").key == Server("http://iiko.example", "api", "y").key
    assert Server(url, "other", "x").key != Server("http://iiko.example", "api", "y").key


@pytest.mark.parametrize(
    "url", ["ftp://a.example", "file:///etc/passwd", "http://user:word@a.example", "http://", "a.example", "http://b:x"]
)
def test_only_plain_http_urls_are_called(url, wires):
    with pytest.raises(SourceError) as caught:
        IikoClient(Server(url, "demo", "demo"), tokens=wires.tokens, lock=wires.lock, clock=wires.clock)
    assert caught.value.code == "host_not_allowed"


def test_only_allowed_hosts_are_called(server, client):
    with pytest.raises(SourceError) as caught:
        client(allowed_hosts=frozenset({"iiko.example"}))
    assert caught.value.code == "host_not_allowed"
    for allowed in ("127.0.0.1", f"127.0.0.1:{server.port}"):
        with client(allowed_hosts=frozenset({allowed})).session():
            pass


def test_secrets_appear_in_no_log_no_error_and_no_repr(server, wires, client, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    server.strict = False
    iiko = client(password="Very-Secret-1")
    server.password_hash = iiko._password_hash
    seen = []
    for kind in ("login", "departments", "columns", "olap", "logout"):
        for fault in ("reset", "error_500", "html_502", "redirect", "long_length", "unauthorised"):
            server.faults.clear()
            server.faults.plan(kind, fault, count=None)
            try:
                with iiko.session():
                    seen += server.live_tokens()
                    iiko.departments()
                    iiko.sales(DAY, DAY)
            except SourceError as error:
                seen += server.live_tokens()
                chain = []
                link = error
                while link is not None:
                    chain.append(f"{link!r} {link}")
                    link = link.__context__ or link.__cause__
                caplog.records.append(logging.makeLogRecord({"msg": " ".join(chain)}))
    text = "\n".join(record.getMessage() for record in caplog.records) + repr(iiko.server) + repr(wires.tokens._tokens)
    assert "auth" in text
    for secret in {"Very-Secret-1", iiko._password_hash, *seen}:
        assert secret not in text


def test_a_server_that_quotes_the_request_does_not_leak_it(server):
    http = Http()
    http.secrets.add("0123-token")
    reply = http.request("GET", server.url + "/resto/api/nothing")
    assert http.words(reply) == ""
    object.__setattr__(reply, "content_type", "text/plain")
    object.__setattr__(reply, "body", b"bad request /olap?key=abc&pass=def for 0123-token")
    assert http.words(reply) == "bad request /olap?key=***&pass=*** for ***"


def test_ranges_longer_than_a_month_or_upside_down_are_a_mistake_of_the_caller(client):
    iiko = client()
    with iiko.session():
        for first, last in ((DAY, DAY - timedelta(days=1)), (date(2025, 1, 1), date(2025, 2, 1))):
            with pytest.raises(ValueError):
                iiko.sales(first, last)
        iiko.sales(date(2025, 1, 1), date(2025, 1, 31))


@pytest.mark.parametrize(
    ("content_type", "body", "html"),
    [
        ("text/html", b"<h1>Bad Gateway</h1>", True),
        ("application/json", b" \n<!DOCTYPE html><html>", True),
        ("", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', True),
        ("text/html", b"7f3c2a10-5d5e-4b0b-9c11-0b7f0d4a2e61", False),
        ("text/html", b'{"data":[{"Department":"<html>"}]}', False),
        ("text/html", b'<?xml version="1.0"?><corporateItemDtoes/>', False),
    ],
)
def test_a_page_is_told_from_data_by_what_it_is(content_type, body, html):
    assert Reply(200, content_type, body).is_html is html
