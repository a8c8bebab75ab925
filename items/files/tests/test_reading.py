"""What a file is, what its columns are called, what its cells say: without a database."""

import datetime as dt
import io
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from items.files import columns
from items.files.checking import Checker, Place, Resolver, Rules, exact
from items.files.kind import kind_of
from items.files.layout import Layout, declared, look_at, sources_of
from items.files.refusals import BadCell, BadFile
from items.files.text import encoding_of
from items.files.values import clock, guess_decimal, guess_order, moment, number
from items.tests.books import book

pytestmark = pytest.mark.unit

RUSSIAN = "Дата;Товар;Количество;Цена\n01.02.2026;Булочка с маком;5;1 120,50\n"
SPANISH = "fecha;producto;cantidad;precio\n13/02/2026;Café con leche;5;1,50\nyes;Piñón;2;3,25\n"


@pytest.fixture
def file(tmp_path: Path):
    def write(content: bytes | str) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refusal(call, *arguments) -> str:
    with pytest.raises((BadFile, BadCell)) as raised:
        call(*arguments)
    return raised.value.code


def records(path: Path, layout: Layout | None = None) -> list[list[str] | str]:
    look = look_at(path, layout)
    return [record for _sheet, source in sources_of(path, look.layout, look.book) for record in source.records()]


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1 234,50", ",", "1234.50"),
        ("1\u00a0234\u00a0567,5", ",", "1234567.5"),
        ("1\u202f234", ",", "1234"),
        ("1.234,5", ",", "1234.5"),
        ("1'234.50", ".", "1234.50"),
        ("1,234,567", ".", "1234567"),
        ("-5", ".", "-5"),
        ("−5,25", ",", "-5.25"),
        (".5", ".", "0.5"),
        ("5.", ".", "5"),
        ("$1,234.5", ".", "1234.5"),
        ("120,50 ₸", ",", "120.50"),
        ("99,9 руб.", ",", "99.9"),
        ("\x021234.5", ",", "1234.5"),
    ],
)
def test_numbers_as_people_write_them(text, decimal, value):
    assert number(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1,5", "."), ("12,34", "."), ("1.5", ","), ("1 23", "."), ("1 2345", "."), ("1e5", "."), ("NaN", "."),
        ("Infinity", "."), ("", "."), ("-", "."), ("1,2,3", ","), ("0x1f", "."), ("٣", "."), ("1.2.3", "."), ("\x02nan", "."),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_not_guessed(text, decimal):
    assert refusal(number, text, decimal) in ("import_bad_number", "import_too_large")


def test_no_digit_is_lost_and_none_is_made_up():
    assert exact("0,1", ",", 4) + exact("0,2", ",", 4) == Decimal("0.3")
    assert str(exact("12345678901,2345", ",", 4)) == "12345678901.2345"
    assert refusal(exact, "1.2345", ".", 3) == "import_too_many_places"
    assert exact("1.2340000", ".", 3) == Decimal("1.234")
    assert refusal(exact, "9" * 40, ".", 3) == "import_too_large"


@pytest.mark.parametrize(
    ("text", "order", "date"),
    [
        ("2026-02-01", "ymd", dt.date(2026, 2, 1)),
        ("2026/2/1", "ymd", dt.date(2026, 2, 1)),
        ("20260201", "ymd", dt.date(2026, 2, 1)),
        ("01.02.2026", "dmy", dt.date(2026, 2, 1)),
        ("1/2/26", "dmy", dt.date(2026, 2, 1)),
        ("1/2/2026", "mdy", dt.date(2026, 1, 2)),
        ("\x022026-02-01", "mdy", dt.date(2026, 2, 1)),
        ("\x0246054", "dmy", dt.date(2026, 2, 1)),
    ],
)
def test_dates_are_read_in_the_declared_order(text, order, date):
    assert moment(text, order).date == date


@pytest.mark.parametrize(
    "text", ["31.02.2026", "13/13/2026", "2026-02-01", "1.2", "01.02.1999", "01-02/2026", "x", "46054"]
)
def test_a_date_of_another_form_is_refused(text):
    assert refusal(moment, text, "dmy") == "import_bad_date"


def test_days_of_a_workbook_from_1904():
    assert moment("\x0244592", "dmy", True).date == dt.date(2026, 2, 1)


def test_times():
    assert clock("7:06") == (7 * 3600 + 6 * 60, None)
    assert clock("12:30:15 AM") == (30 * 60 + 15, None)
    assert clock("1:05 pm") == (13 * 3600 + 300, None)
    assert clock("10:00:00Z") == (36000, 0)
    assert clock("10:00+05:00") == (36000, 300)
    assert clock("17") == (17 * 3600, None)
    for text in ("24:00", "7:61", "13:00 PM", "noon", "10:00+99:00"):
        assert refusal(clock, text) == "import_bad_time"


@pytest.mark.parametrize(
    ("zone", "changed"),
    [
        ("Asia/Almaty", dt.date(2024, 2, 29)),
        ("Europe/Paris", dt.date(2025, 3, 30)),
        ("Europe/Paris", dt.date(2025, 10, 26)),
        ("America/New_York", dt.date(2025, 11, 2)),
    ],
)
def test_instants_are_those_of_the_branchs_clock_also_where_it_is_changed(zone, changed):
    class Anywhere(Resolver):
        def department(self, text):
            return Place("d" * 32, ZoneInfo(zone), dt.date(2026, 1, 1))

        def products(self, asked):
            return dict.fromkeys(asked, "p" * 32)

    places = {"date": 0, "time": 1, "product": 2, "quantity": 3}
    moments = [
        dt.datetime.combine(changed + dt.timedelta(days=days), dt.time(hour, 30))
        for days in (-2, -1, 0, 1, 2)
        for hour in range(24)
    ]
    records = [[str(at.date()), f"{at:%H:%M}", "Tea", "1"] for at in moments]
    lines = Checker("", places, 4, Rules(), Anywhere()).check(list(enumerate(records, 2))).lines
    told = [dt.datetime.fromisoformat(text) for text in lines["sold_at"]]
    assert [at.timestamp() for at in told] == [at.replace(tzinfo=ZoneInfo(zone)).timestamp() for at in moments]
    assert list(zip(lines["date"], lines["hour"], strict=True)) == [(at.date(), at.hour) for at in moments]


@pytest.mark.parametrize(
    ("texts", "value", "sure"),
    [
        (["01.02.2026"], "dmy", True),
        (["01/02/2026", "02/02/2026"], "dmy", False),
        (["01/02/2026", "13/02/2026"], "dmy", True),
        (["01/02/2026", "02/13/2026"], "mdy", True),
        (["13/02/2026", "02/13/2026"], "dmy", False),
        (["2026-02-01"], "ymd", True),
    ],
)
def test_the_order_of_dates_is_sure_only_if_something_says_so(texts, value, sure):
    assert guess_order(texts) == (value, sure)


@pytest.mark.parametrize(
    ("texts", "value", "sure"),
    [
        (["1,234"], ".", False),
        (["1.234", "2.500"], ".", False),
        (["1,5"], ",", True),
        (["0,250"], ",", True),
        (["1.234,5"], ",", True),
        (["12", "5"], ".", True),
        (["1,234,567"], ".", True),
        (["1.5", "1,5"], ".", False),
    ],
)
def test_the_sign_before_decimals_is_sure_only_if_something_says_so(texts, value, sure):
    assert guess_decimal(texts) == (value, sure)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "cp866", "utf-16", "utf-16-le"])
def test_russian_files_of_every_program(file, encoding):
    look = look_at(file(RUSSIAN.encode(encoding)))
    assert look.layout.columns == {"date": "Дата", "product": "Товар", "quantity": "Количество", "price": "Цена"}
    assert (look.layout.separator, look.layout.order, look.layout.decimal) == (";", "dmy", ",")
    assert look.rows == [["01.02.2026", "Булочка с маком", "5", "1 120,50"]]
    assert (look.unsure, look.missing) == ([], [])


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_spanish_files(file, encoding):
    look = look_at(file(SPANISH.encode(encoding)))
    assert look.layout.columns == {"date": "fecha", "product": "producto", "quantity": "cantidad", "price": "precio"}
    assert look.rows[1][1] == "Piñón"


def test_the_columns_of_the_guides_are_known_unasked():
    assert columns.propose(["date", "product", "quantity", "price"]) == {
        "date": "date", "product": "product", "quantity": "quantity", "price": "price"
    }  # fmt: skip
    assert columns.propose(["product_code", "sale_date", "quantity_sold", "notes"]) == {
        "date": "sale_date", "product_code": "product_code", "quantity": "quantity_sold", "notes": "notes"
    }  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_separator_and_quotes(file, separator):
    rows = [
        "date,product,quantity".replace(",", separator),
        f'2026-02-01{separator}"Bun{separator} ""big"""{separator}5',
    ]
    assert records(file("\n".join(rows)))[1] == ["2026-02-01", f'Bun{separator} "big"', "5"]


def test_a_title_above_the_header_and_blank_rows(file):
    look = look_at(file("Отчёт за февраль;;\n\nДата;Блюдо;Кол-во\n01.02.2026;Чай;2\n"))
    assert look.layout.columns == {"date": "Дата", "product": "Блюдо", "quantity": "Кол-во"}
    assert look.rows == [["01.02.2026", "Чай", "2"]]


def test_a_record_that_cannot_be_cut_is_told_and_the_next_is_read(file):
    read = records(
        file('date,product,quantity\n2026-02-01,"Bun"x,5\n2026-02-02,Tea,1\n2026-02-03,"Cake,2\n2026-02-04,Pie,1')
    )
    assert read[1:] == ["import_bad_quotes", ["2026-02-02", "Tea", "1"], "import_open_quote"]


def test_a_workbook_is_read_like_a_csv_but_knows_its_numbers_and_dates(file):
    def more(made):
        sheet = made.get_worksheet_by_name("Feb")
        sheet.write_formula(2, 3, "=1+1.5", None, 2.5)
        sheet.merge_range(3, 0, 4, 0, "03.02.2026")
        sheet.merge_range(3, 2, 4, 2, 7)

    rows = [
        ["Дата", "Товар", "Количество", "Цена"],
        [dt.datetime(2026, 2, 1), "Чай", 2, 0.1 + 0.2],
        ["02.02.2026", "1001", 1],
    ]
    rows += [["", "Пирог"], ["", "Торт"]]
    look = look_at(file(book({"Feb": rows, "Old": rows}, hidden=["Old"], then=more)))
    assert look.layout.sheets == ("Feb",)
    assert [(sheet.name, sheet.hidden) for sheet in look.book.sheets] == [("Feb", False), ("Old", True)]
    assert look.rows == [
        ["\x022026-02-01", "Чай", "\x022", "\x020.3"],
        ["02.02.2026", "1001", "\x021", "\x022.5"],
        ["03.02.2026", "Пирог", "\x027", ""],
        ["03.02.2026", "Торт", "", ""],
    ]


def test_dates_count_from_1904_where_the_workbook_says_so(file):
    look = look_at(
        file(book({"A": [["date", "product", "quantity"], [dt.datetime(2026, 2, 1), "Tea", 1]]}, from_1904=True))
    )
    assert look.book.from_1904
    assert look.rows[0][0] == "\x022026-02-01"


def test_a_sheet_that_begins_somewhere_else_keeps_its_row_numbers(file):
    rows = [[], [], [None, None, "date", "product", "quantity"], [None, None, "2026-02-01", "Tea", 1]]
    assert records(file(book({"A": rows})))[2:] == [["date", "product", "quantity"], ["2026-02-01", "Tea", "\x021"]]


def test_sheets_are_chosen_by_name(file):
    rows = [["date", "product", "quantity"], ["2026-02-01", "Tea", 1]]
    path = file(book({"A": rows, "B": rows, "Notes": [["hello"]]}, hidden=["B"]))
    assert look_at(path).layout.sheets == ("A",)
    assert look_at(path, declared({"sheets": ["B"]})).layout.sheets == ("B",)
    assert refusal(look_at, path, declared({"sheets": ["C"]})) == "import_unknown_sheet"


def zipped(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


GOOD = book({"A": [["date", "product", "quantity"], ["2026-02-01", "Tea", 1]]})
BOMBS = {
    "import_bomb": zipped(**{"xl/workbook.xml": b"x", "xl/worksheets/sheet1.xml": bytes(300 << 20)}),
    "import_broken_workbook": GOOD[: len(GOOD) // 2],
    "import_not_a_table": zipped(word__document=b"x"),
    "import_binary_workbook": zipped(**{"xl/workbook.bin": b"x"}),
    "import_old_excel": b"\xd0\xcf\x11\xe0" + bytes(600),
    "import_empty_file": b"  \n ",
}


@pytest.mark.parametrize("code", BOMBS)
def test_what_is_dangerous_is_refused_before_it_is_unpacked(file, code):
    path = file(BOMBS[code])
    begun = time.perf_counter()
    assert refusal(kind_of, path) == code
    assert time.perf_counter() - begun < 0.2


def test_a_zip_of_many_names_is_refused_at_once(file):
    path = file(zipped(**{"xl/workbook.xml": b"x"}, **{f"xl/{number}": b"" for number in range(3000)}))
    begun = time.perf_counter()
    assert refusal(kind_of, path) == "import_bomb"
    assert time.perf_counter() - begun < 0.2


def test_two_cells_that_claim_a_whole_sheet_kill_only_their_reader(file, tmp_path):
    sheet = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    path = file(zipped(**{**entries, "xl/worksheets/sheet1.xml": sheet}))
    assert refusal(look_at, path) == "import_workbook_too_large"


def test_a_hundred_thousand_columns(file):
    assert refusal(look_at, file("date,product,quantity" + ",x" * 100_000 + "\n")) == "import_too_many_columns"
    assert refusal(look_at, file("a" * 50_000_000)) in (
        "import_not_a_table",
        "import_cell_too_long",
        "import_empty_file",
    )


def test_zeros_in_a_text_are_shown_as_unreadable(file):
    path = file(b"date,product,quantity\n2026-02-01,T\0ea,1\n")
    assert encoding_of(path) == "utf-8"
    assert records(path)[1] == ["2026-02-01", "T\ufffdea", "1"]


@pytest.mark.parametrize(
    "wrong",
    [[], {"columns": []}, {"columns": {"colour": "x"}}, {"columns": {"date": 5}}, {"order": "xyz"}, {"sheets": "A"},
     {"encoding": "rot13"}, {"returns": "yes"}, {"columns": {}, "password": 1}],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused(wrong):
    assert refusal(declared, wrong) in ("import_bad_mapping", "import_unknown_field")
