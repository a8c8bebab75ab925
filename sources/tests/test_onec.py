"""The 1C service's list of objects: its shape, its freedoms, and what each trouble is called."""

import random
from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.errors import SourceError
from sources.onec import parse
from sources.onec.client import OnecClient, Service
from sources.onec.types import OnecObject, ServiceFacts
from sources.simulator.onec import OnecServer
from sources.simulator.worlds.demo_onec import demo_objects

KEY = "a-key-nobody-may-read"
ABAY = {
    "object_code": "000000102",
    "object_name": "Кафе Абая",
    "object_parent": "000000010",
    "object_company": "ТОО Пример",
    "object_bin": "123456789012",
}
FIRM = {**ABAY, "object_code": "000000010", "object_name": "ТОО Пример", "object_parent": "0"}
ORPHAN = {"object_code": "000000555", "object_name": "Сирота", "object_parent": "000000999"}


@pytest.fixture
def service():
    with OnecServer([ABAY, FIRM, ORPHAN], key=KEY) as running:
        yield running


@pytest.fixture
def client(service, clock):
    def make(**settings):
        values = {"url": service.url, "api_key": KEY, "read_timeout": 5, "patience": 0} | settings
        return OnecClient(Service(**values), clock=clock)

    return make


def failure(client):
    with pytest.raises(SourceError) as caught:
        client.objects()
    assert KEY not in f"{caught.value} {caught.value.params}"
    return caught.value


def test_the_objects_come_as_they_are(client):
    assert client().objects() == [
        OnecObject("000000102", "Кафе Абая", "000000010", "ТОО Пример", "123456789012"),
        OnecObject("000000010", "ТОО Пример", None, "ТОО Пример", "123456789012"),
        OnecObject("000000555", "Сирота", "000000999", "", ""),
    ]


def test_a_check_counts_what_there_is(client):
    assert client().check() == ServiceFacts(objects=3, roots=1, orphans=1, companies=1, without_bin=1)


@pytest.mark.parametrize("ending", ["", "/", "/objects", "/objects/"])
def test_the_address_may_be_written_in_any_usual_way(client, service, ending):
    assert len(client(url=service.url + ending).objects()) == 3


def test_an_empty_list_is_an_answer(client, service):
    service.objects = []
    assert client().objects() == []


@pytest.mark.parametrize("parent", ["0", 0, None, "", " "])
def test_a_root_is_written_in_many_ways(parent):
    assert parse.objects(_json([{**FIRM, "object_parent": parent}]))[0].parent_code is None


def test_numbers_instead_of_texts_keep_their_zeros_where_the_length_is_known():
    one = parse.objects(_json([{**ABAY, "object_code": 102, "object_parent": 10, "object_bin": 12345678901}]))[0]
    assert (one.code, one.parent_code, one.bin) == ("102", "10", "012345678901")


@given(st.randoms(use_true_random=False))
def test_the_order_does_not_matter(shuffle: random.Random):
    items = demo_objects(14)
    expected = set(parse.objects(_json(items)))
    shuffle.shuffle(items)
    assert set(parse.objects(_json(items))) == expected


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ABAY, "more"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_nonsense_is_refused_by_name_and_never_half_read(value):
    with suppress(SourceError):
        found = parse.objects(_json(value))
        assert isinstance(value, list)
        assert all(item.code and item.name for item in found)


@pytest.mark.parametrize(
    ("items", "what"),
    [
        ([{**ABAY, "object_code": None}], "object 1 has no object_code"),
        ([FIRM, {**FIRM, "object_name": "Other"}], "two objects have the code"),
        ([{**ABAY, "object_name": ["x"]}], "object_name of object 1"),
        ({"data": []}, "no list"),
    ],
)
def test_a_list_that_contradicts_itself_says_where(items, what):
    with pytest.raises(SourceError) as caught:
        parse.objects(_json(items))
    assert what in caught.value.params["what"]


def test_the_key_goes_into_the_header_of_the_setting(client, service):
    service.header = "X-Exchange-Token"
    assert failure(client()).code == "wrong_key"
    assert len(client(auth_header="X-Exchange-Token").objects()) == 3
    service.header, service.key = "Authorization", f"Bearer {KEY}"
    assert len(client(auth_header="Authorization").objects()) == 3


@pytest.mark.parametrize("refusal", [(401, b""), (403, b'{"error":"Invalid API Key"}'), (200, b'{"error":"Invalid API Key"}'), (400, b"invalid api key")])  # fmt: skip
def test_a_wrong_key_is_known_however_it_is_refused(client, service, refusal):
    service.refusal = refusal
    error = failure(client(api_key="another"))
    assert (error.code, error.transient, error.params["header"]) == ("wrong_key", False, "X-API-Key")


def test_a_key_that_no_header_can_carry_is_not_sent(client, service):
    for values in ({"api_key": "line\nbreak"}, {"api_key": "ключ"}, {"auth_header": "X Key"}):
        assert failure(client(**values)).code == "bad_header"
    assert service.requests == 0


@pytest.mark.parametrize(
    ("fault", "code", "transient"),
    [
        ("html_200", "html", True),
        ("html_502", "server_error", True),
        ("error_503", "server_error", True),
        ("too_many", "too_many_requests", True),
        ("not_found", "not_found", False),
        ("not_json", "not_json", False),
        ("empty", "empty_body", True),
        ("redirect", "redirect", False),
        ("bad_request", "refused", False),
        ("truncated", "not_json", False),
        ("long_length", "truncated", True),
        ("reset", "unreachable", True),
        ("gzip_bomb", "too_large", False),
    ],
)
def test_every_trouble_has_a_name(client, service, fault, code, transient):
    service.faults.plan("objects", fault, count=None)
    error = failure(client(max_bytes=1_000_000))
    assert (error.code, error.transient) == (code, transient)


def test_a_silent_service_is_given_up(client, service):
    service.faults.plan("objects", "hang")
    assert failure(client(read_timeout=0.2)).code == "timeout"


def test_a_passing_trouble_passes(client, service, clock):
    service.faults.plan("objects", "html_502", count=2)
    assert len(client(patience=60).objects()) == 3
    assert service.requests == 3 and clock.slept


def test_only_hosts_that_are_allowed_are_asked(client):
    with pytest.raises(SourceError) as caught:
        client(allowed_hosts=frozenset({"books.example"}))
    assert caught.value.code == "host_not_allowed"


def _json(value):
    return orjson.dumps(value)
