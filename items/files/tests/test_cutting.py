"""Columns judged at once say what rows judged one by one do, to the last place and word."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from items.files import text
from items.files.checking import AMOUNTS, Checker, Place, Resolver, Rules, Table
from items.files.columns import NUMBERS
from items.files.layout import Layout
from items.files.refusals import BadCell, Refusal
from items.files.text import CsvFile
from items.imports.sheets import first_rows, open_sheet

pytestmark = pytest.mark.unit

HEAD = ("date", "time", "store", "product", "quantity", "price", "total", "gross", "discount", "tax", "receipt")
PLAIN = "2026-02-01,10:00,North,Tea,1,2.50,,,,,7"
LAYOUT = Layout(
    {
        "date": "date", "time": "time", "department": "store", "product": "product", "quantity": "quantity",
        "price": "price", "total": "total", "gross": "gross", "discount": "discount", "tax": "tax",
        "transaction_id": "receipt",
    },
    order="ymd", decimal=".", encoding="utf-8", separator=",",
)  # fmt: skip

whole, places = st.integers(-(10**12), 10**12), st.integers(0, 5)
fine = st.one_of(  # a quantity and a price whose product has to be rounded
    st.builds(lambda units: f"{Decimal(units).scaleb(-3):f}", st.integers(-999, 9999)),
    st.builds(lambda units: f"{Decimal(units).scaleb(-4):f}", st.integers(0, 9999)),
)
figures = st.one_of(
    st.builds(lambda units, digits: f"{Decimal(units).scaleb(-digits):f}", st.integers(-999, 9999), places),
    st.builds(lambda units, digits: f"{Decimal(units).scaleb(-digits):f}", whole, places),
    st.sampled_from(["", " ", "0", "-0", "1", "2.5", "007", "1e3", "nan", "12,5", "$4", "99999999999.9999", "-1", "x"]),
)
moments = st.sampled_from(["2026-02-01", "2026-02-30", "2031-01-01", "2026-02-01T23:30:00Z", "", " 2026-02-02 ", "x"])
clocks = st.sampled_from(["10:00", "25:00", "", "9 pm", "10:00+01:00", "0"])
words = st.one_of(
    st.sampled_from(["North", "South", "nowhere", "Tea", "tea", "", "'=Tea", "null", "NA", "true", "1.0", "1"]),
    st.text("aé,\"'\r\n \t\u2028\ufeff\ufffd\0", max_size=6),
)
rows = st.one_of(
    st.tuples(moments, clocks, words, words, *[figures] * 6, words),
    st.lists(words, max_size=13),
    st.just(("",) * len(HEAD)),
)
amounts = st.one_of(st.tuples(*[figures] * 6), st.tuples(fine, fine, *[st.just("")] * 4))


class House(Resolver):
    def department(self, text):
        if text not in ("North", "South"):
            raise BadCell("import_unknown_department")
        zone = "Europe/Paris" if text == "North" else "Asia/Almaty"
        return Place(text.ljust(32, "0"), ZoneInfo(zone), dt.date(2026, 3, 1))

    def products(self, asked):
        return {product: (product[0] or product[1]).casefold().ljust(32, "0") for product in asked}


def judged(checker: Checker, parts) -> tuple[list[tuple[int, dict]], list[Refusal], int]:
    lines, refusals, held = [], [], 0
    for part in parts:
        checked = checker.check(part)
        columns = {name: list(column) for name, column in checked.lines.items()}
        lines += [
            (row, {name: values[at] for name, values in columns.items()}) for at, row in enumerate(checked.row.tolist())
        ]
        refusals += checked.refusals
        held += checked.rows
    return lines, refusals, held


@settings(max_examples=150)
@given(st.lists(rows, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.integers(20, 400))
def test_a_file_cut_at_once_is_judged_like_its_records_one_by_one(drawn, end, returns, piece):
    layout = Layout(**{**LAYOUT.__dict__, "returns": returns})
    lines = [",".join(HEAD), *[PLAIN] * 25, *(",".join(row) for row in drawn), PLAIN]
    with TemporaryDirectory() as folder, mock.patch.object(text, "PIECE", piece):
        path = Path(folder) / "file"
        path.write_bytes(end.join(lines).encode())
        source = CsvFile(path, "utf-8", ",")
        fast, parts = open_sheet(layout, "", source, House(), False)
        slow, records = first_rows(layout, "", source, House(), False, 10_000)
        assert judged(fast, parts) == judged(slow, [records])


def test_plain_lines_are_cut_at_once_and_regular_ones_only(tmp_path):
    path = tmp_path / "file"
    path.write_text("\n".join([",".join(HEAD), *[PLAIN] * 30]) + "\n")
    _checker, parts = open_sheet(LAYOUT, "", CsvFile(path, "utf-8", ","), House(), False)
    assert [type(part) for part in parts] == [list, Table]
    path.write_text("\n".join([",".join(HEAD), *[PLAIN] * 30, PLAIN + ","]) + "\n")
    _checker, parts = open_sheet(LAYOUT, "", CsvFile(path, "utf-8", ","), House(), False)
    assert [type(part) for part in parts] == [list, list]


@settings(max_examples=300)
@given(st.lists(amounts, min_size=1, max_size=20), st.booleans())
def test_amounts_of_a_column_are_reckoned_as_those_of_a_row(drawn, returns):
    columns = {name: place for place, name in enumerate(["date", "product", "department", *NUMBERS])}
    checker = Checker("", columns, len(columns), Rules(returns=returns), House())
    lines, refusals, _held = judged(
        checker, [[(row, ["2026-02-01", "Tea", "North", *cells]) for row, cells in enumerate(drawn)]]
    )
    refused = {refusal.row: refusal for refusal in refusals}
    taken = dict(lines)
    for row, cells in enumerate(drawn):
        told = checker._reckoned(cells)
        if isinstance(told, Refusal):
            assert refused[row] == told._replace(row=row, text=told.text[:100])
        else:
            found = [taken[row][name] for name in AMOUNTS]
            assert [value if value is None else Decimal(value) for value in found] == list(told)
            assert all(value is None or value.partition(".")[2].isdigit() for value in found)
