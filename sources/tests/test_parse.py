"""What the server answered, to the last coin: laws of reading an OLAP answer and the corporation tree."""

import contextlib
import json
import time
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.errors import SourceError
from sources.iiko import parse
from sources.iiko.query import FIELDS, GROSS, GUESTS, ORDERS, REVENUE
from sources.simulator.worlds.static import row_level_body
from sources.tests.conftest import ABAY, DAY, SAIN

pytestmark = pytest.mark.unit
LAST = DAY + timedelta(days=6)


def body(*rows):
    return orjson.dumps({"data": rows, "summary": []})


def row(department=ABAY, day=str(DAY), hour="13", revenue=100, gross=110, orders=1, guests=2):
    return dict(zip(FIELDS, (department, day, hour, revenue, gross, orders, guests), strict=True))


def money_text(document: bytes, name: str, number: str) -> bytes:
    return document.replace(f'"{name}":100'.encode(), f'"{name}":{number}'.encode())


def read_sales(document):
    return parse.sales(document, DAY, LAST)


def refused(document):
    with pytest.raises(SourceError) as caught:
        read_sales(document)
    return caught.value


cents = st.integers(-(10**14), 10**14).map(lambda n: Decimal(n) / 10_000)
hours = st.one_of(st.none(), st.integers(0, 23))
raw_rows = st.lists(
    st.tuples(
        st.sampled_from([ABAY, SAIN, None]),
        st.integers(0, 6).map(lambda n: DAY + timedelta(days=n)),
        hours,
        cents,
        cents,
        st.integers(-50, 500),
        st.one_of(st.none(), st.integers(0, 900)),
        st.sampled_from(["text", "number", "float"]),
    ),
    max_size=60,
)


def written(rows):
    """The rows as some server might write them: whole money as 5 or 5.0, hours as "07", 7 or 7.0."""
    lines = []
    for department, day, hour, revenue, gross, orders, guests, style in rows:
        as_money = {"text": "{:f}", "number": "{:f}", "float": "{:.4f}"}[style].format
        as_hour = (
            {"text": f'"{hour:02d}"', "number": f"{hour}", "float": f"{hour}.0"}[style] if hour is not None else "null"
        )
        as_count = f"{orders}.0" if style == "float" else f"{orders}"
        values = [json.dumps(department), f'"{day}"', as_hour, as_money(revenue), as_money(gross), as_count]
        values.append(json.dumps(guests))
        lines.append("{" + ",".join(f'"{name}":{value}' for name, value in zip(FIELDS, values, strict=True)) + "}")
    return ('{"summary":[],"data":[' + ",".join(lines) + "]}").encode()


@given(raw_rows)
def test_the_rows_add_up_to_exactly_what_was_sent(rows):
    answer = read_sales(written(rows))
    want = defaultdict(lambda: [Decimal(0), Decimal(0), 0, 0])
    for department, day, hour, revenue, gross, orders, guests, _ in rows:
        sums = want[department, day, hour]
        sums[0] += revenue
        sums[1] += gross
        sums[2] += orders
        sums[3] = None if guests is None or sums[3] is None else sums[3] + guests
    got = {(r.external_id, r.date, r.hour): [r.revenue, r.gross, r.orders, r.guests] for r in answer.rows}
    assert got == want
    assert len(got) == len(answer.rows)
    assert answer.raw_rows == len(rows)


@given(raw_rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_means_nothing(rows, random):
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert read_sales(written(rows)) == read_sales(written(shuffled))


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=40))
def test_the_binary_noise_of_a_servers_own_sums_is_cleaned(amounts):
    noisy = sum(float(amount) for amount in amounts)
    document = body(row(revenue=noisy))
    [got] = read_sales(document).rows
    assert abs(got.revenue - sum(amounts)) <= Decimal("0.0001")
    assert got.revenue == Decimal(repr(noisy)).quantize(Decimal("0.0001"))


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_but_a_source_error(junk):
    for read in (
        read_sales,
        lambda text: parse.departments(text, "application/xml"),
        lambda text: parse.departments(text, ""),
        parse.columns,
    ):
        with contextlib.suppress(SourceError):
            read(junk)


def test_every_cut_of_an_answer_is_noticed():
    whole = body(row(), row(hour="14", department=None))
    for end in range(1, len(whole)):
        assert refused(whole[:end]).code == "truncated", whole[:end]


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("0.30000000000000004", "0.3"),
        ("41250.499999999993", "41250.5"),
        ("1234.5678", "1234.5678"),
        ("1E+5", "100000"),
        ("12345.670000000", "12345.67"),
        ('"77.50"', "77.5"),
        ("-0.0", "0"),
        ("5.551115123125783e-17", "0"),
        ("9999999999999.9999", "9999999999999.9999"),
    ],
)
def test_money_is_exact_or_freed_of_binary_noise(number, value):
    for name in (REVENUE, GROSS):
        [got] = read_sales(money_text(body(row(gross=100)), name, number)).rows
        assert (got.revenue if name == REVENUE else got.gross) == Decimal(value)


@pytest.mark.parametrize(
    "number", ["1.23456", "0.00001", "1e13", "-1e13", "1e400", '"NaN"', '"Infinity"', "null", "true", '"abc"', "[1]"]
)
def test_money_that_cannot_be_is_bad_data(number):
    for name in (REVENUE, GROSS):
        assert refused(money_text(body(row(gross=100)), name, number)).code == "bad_data"


def test_a_long_fraction_is_found_among_rows_whose_sum_is_short():
    assert refused(body(row(revenue=0.00001), row(revenue=0.99999))).code == "bad_data"
    assert refused(body(row(revenue=9e12), row(revenue=1e-30))).code == "bad_data"


@pytest.mark.parametrize("hour", ["24", "-1", "7h", 24, -1, 7.5, "007", "²"])
def test_an_hour_that_cannot_be_is_bad_data(hour):
    assert refused(body(row(hour=hour))).code == "bad_data"


@pytest.mark.parametrize("hour", [7, 7.0, "7", "07"])
def test_an_hour_is_read_however_it_is_written(hour):
    answer = read_sales(body(row(hour=hour), row(hour="07")))
    assert [(r.hour, r.revenue) for r in answer.rows] == [(7, 200)]


@pytest.mark.parametrize("hour", [None, ""])
def test_an_hour_not_given_is_none(hour):
    assert read_sales(body(row(hour=hour))).rows[0].hour is None


@pytest.mark.parametrize("department", [None, "", " "])
def test_a_department_not_given_is_none(department):
    assert read_sales(body(row(department=department))).rows[0].external_id is None


@pytest.mark.parametrize(
    "day", ["2025-03-17", "2025-03-25", None, "", "18.03.2025", "2025-02-30", "2025-03-18T10:00:00"]
)
def test_a_date_outside_the_question_is_bad_data(day):
    assert refused(body(row(day=day))).code == "bad_data"


def test_a_date_with_midnight_is_that_date():
    assert read_sales(body(row(day="2025-03-18T00:00:00.000"))).rows[0].date == DAY


@pytest.mark.parametrize("name", [ORDERS, GUESTS])
@pytest.mark.parametrize("number", ["1.5", "1e13", '"4"'])
def test_counts_are_whole(name, number):
    document = body(row(orders=100, guests=100))
    assert refused(money_text(document, name, number)).code == "bad_data"


@pytest.mark.parametrize("name", FIELDS)
def test_a_row_without_one_of_its_fields_is_bad_data(name):
    broken = row()
    del broken[name]
    error = refused(body(row(), broken))
    assert error.code == "bad_data"
    assert name in str(error.params["what"])


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "empty_body"),
        (b"  \n", "empty_body"),
        (b"{}", "bad_data"),
        (b'{"data":null}', "bad_data"),
        (b"[]", "bad_data"),
        (b"null", "bad_data"),
        (b"OK", "not_json"),
        (b'{"data":[]} and more', "not_json"),
    ],
)
def test_an_answer_that_is_none(document, code):
    assert refused(document).code == code


ONE = body(row()).decode()


@pytest.mark.parametrize(
    "document",
    [
        ONE.replace('"data":', '"data":[],"data":'),
        ONE.replace('"data":', '"data":[],"data":').replace(',"summary":[]', ""),
        ONE.replace(',"summary":[]', ',"data":[]'),
        ONE.replace('"DishSumInt":', '"DishSumInt":1,"DishSumInt":'),
        ONE.replace("2025-03-18", "2025-03-18T00:00:00").replace('"GuestNum":', '"GuestNum":1,"GuestNum":'),
        ONE.replace('"summary":[]', '"summary":[[{"GuestNum":1,"GuestNum":2}]]'),
    ],
)
def test_a_key_told_twice_is_bad_data(document):
    error = refused(document.encode())
    assert error.code == "bad_data"
    assert str(error.params["what"]).endswith("twice")


@pytest.mark.parametrize(
    "document",
    [
        ONE.replace(',"summary":[]', ""),
        ONE.replace("2025-03-18", "2025-03-18T00:00:00.000"),
        ONE.replace('"summary":[]', '"summary":[[{},{"DishSumInt":1,"GuestNum":2}]]'),
        ONE.replace('"GuestNum"', '"was":{"data":"a:b"},"GuestNum"'),
        '{"summary":[],' + ONE[1:].replace(',"summary":[]', ""),
    ],
)
def test_colons_and_keys_elsewhere_are_no_trouble(document):
    assert len(read_sales(document.encode()).rows) == 1


def test_no_rows_are_an_answer():
    assert read_sales(b'\xef\xbb\xbf{"data":[],"summary":[]}').rows == []


def test_a_large_answer_is_read_in_about_the_time_of_parsing_it():
    document = row_level_body(DAY)
    reading = parsing = float("inf")
    for _ in range(3):
        started = time.thread_time()
        loaded = orjson.loads(document)
        parsing = min(parsing, time.thread_time() - started)
        del loaded
        started = time.thread_time()
        answer = read_sales(document)
        reading = min(reading, time.thread_time() - started)
    assert answer.raw_rows == 135_000
    assert reading < 4 * parsing


TREE = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<corporateItemDtoes>
 <corporateItemDto><id>b1</id><parentId>j1</parentId><code>12</code><name>Кафе &lt;Абая&gt;</name>
  <type>DEPARTMENT</type><taxpayerIdNumber>123456789012</taxpayerIdNumber><somethingNew><id>x</id></somethingNew></corporateItemDto>
 <corporateItemDto><id>j1</id><parentId>r</parentId><code></code><name>ТОО Пример</name><type>JURPERSON</type>
  <jurPersonAdditionalPropertiesDto><taxpayerId>210987654321</taxpayerId></jurPersonAdditionalPropertiesDto>
 </corporateItemDto>
 <corporateItemDto><id>s1</id><parentId>b1</parentId><name>Склад 1</name><type>STORE</type></corporateItemDto>
 <corporateItemDto><id>k1</id><parentId>r</parentId><name>Киоск</name><type>KIOSK_OF_2031</type></corporateItemDto>
 <corporateItemDto><id>r</id><parentId></parentId><name>Сеть</name><type>CORPORATION</type></corporateItemDto>
</corporateItemDtoes>"""
TREE_JSON = [
    {
        "id": "b1",
        "parentId": "j1",
        "code": 12,
        "name": "Кафе <Абая>",
        "type": "DEPARTMENT",
        "taxpayerIdNumber": "123456789012",
    },
    {"id": "j1", "parentId": "r", "code": "", "name": "ТОО Пример", "type": "JURPERSON"}
    | {"jurPersonAdditionalPropertiesDto": {"taxpayerId": "210987654321"}},
    {"id": "s1", "parentId": "b1", "name": "Склад 1", "type": "STORE", "code": None},
    {"id": "k1", "parentId": "r", "name": "Киоск", "type": "KIOSK_OF_2031"},
    {"id": "r", "parentId": None, "name": "Сеть", "type": "CORPORATION"},
]


def facts(nodes):
    return [(n.external_id, n.parent_id, n.name, n.type, n.code, n.taxpayer_id) for n in nodes]


WANT = [
    ("b1", "j1", "Кафе <Абая>", "DEPARTMENT", "12", "123456789012"),
    ("j1", "r", "ТОО Пример", "JURPERSON", "", "210987654321"),
    ("s1", "b1", "Склад 1", "STORE", "", ""),
    ("k1", "r", "Киоск", "KIOSK_OF_2031", "", ""),
    ("r", None, "Сеть", "CORPORATION", "", ""),
]


def test_the_corporation_tree_is_read_from_xml_in_any_order():
    assert facts(parse.departments(TREE.encode(), "application/xml")) == WANT


@pytest.mark.parametrize("document", [TREE_JSON, {"corporateItemDtoes": TREE_JSON}])
def test_the_corporation_tree_is_read_from_json(document):
    assert facts(parse.departments(orjson.dumps(document), "application/json;charset=utf-8")) == WANT


def test_a_tree_in_another_encoding_is_read():
    text = TREE.replace("UTF-8", "windows-1251").encode("cp1251")
    assert facts(parse.departments(text, "application/xml")) == WANT


@pytest.mark.parametrize(
    "document",
    [
        TREE.replace("UTF-8", "windows-1251").encode(),
        TREE.encode("cp1251"),
        orjson.dumps(TREE_JSON).decode().encode("cp1251"),
    ],
)
def test_names_in_another_encoding_than_the_one_told_are_refused_not_garbled(document):
    with pytest.raises(SourceError) as caught:
        parse.departments(document, "")
    assert caught.value.code == "bad_data"


def test_a_department_told_twice_is_one_and_two_stories_are_none():
    assert len(parse.departments(orjson.dumps(TREE_JSON + TREE_JSON), "application/json")) == 5
    for other in ([TREE_JSON[0] | {"name": "Other"}], [TREE_JSON[0] | {"parentId": "r"}]):
        with pytest.raises(SourceError):
            parse.departments(orjson.dumps(TREE_JSON + other), "application/json")
    twice = orjson.dumps(TREE_JSON).replace(b'"code":12', b'"code":12,"code":13')
    with pytest.raises(SourceError):
        parse.departments(twice, "application/json")


def test_a_cut_tree_is_truncated():
    text = TREE.encode()
    for end in range(text.index(b"<corporateItemDtoes>") + 22, len(text) - 1, 7):
        with pytest.raises(SourceError) as caught:
            parse.departments(text[:end], "application/xml")
        assert caught.value.code == "truncated"


@pytest.mark.parametrize(
    "text",
    [
        "<other/>",
        "<corporateItemDtoes><corporateItemDto><name>x</name></corporateItemDto></corporateItemDtoes>",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><corporateItemDtoes>&x;</corporateItemDtoes>',
    ],
)
def test_a_tree_that_is_none_is_bad_data(text):
    with pytest.raises(SourceError) as caught:
        parse.departments(text.encode(), "application/xml")
    assert caught.value.code == "bad_data"


def test_an_empty_tree_is_an_answer():
    assert parse.departments(b"<corporateItemDtoes/>", "application/xml") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_body"),
        ('""', "empty_body"),
        ("not a token!", "bad_data"),
        ("abc", "bad_data"),
        ("7f3c2a10-5d5e-4b0b", "truncated"),
        ("7f3c2a10-5d5e-4b0b-9c11-0b7f0d4a2e6", "truncated"),
    ],
)
def test_only_a_token_is_taken_for_one(text, code):
    with pytest.raises(SourceError) as caught:
        parse.token(text)
    assert caught.value.code == code


def test_dates_of_the_answer_are_those_asked_for():
    answer = parse.sales(body(), date(2025, 1, 1), date(2025, 1, 31))
    assert (answer.first, answer.last) == (date(2025, 1, 1), date(2025, 1, 31))


def test_one_hour_written_in_several_ways_is_one_cell():
    answer = read_sales(
        body(
            row(hour="05"), row(hour=5), row(day=f"{DAY}T00:00:00.000", hour=5.0), row(department=f" {ABAY} ", hour="5")
        )
    )
    assert [(cell.external_id, cell.date, cell.hour, cell.revenue) for cell in answer.rows] == [(ABAY, DAY, 5, 400)]
