"""Tables that leave the house: CSV for programs, CSV as a Russian Excel opens it, XLSX. None of them runs a formula.

A file is made row by row: its size costs time, not memory.
"""

import csv
import datetime as dt
import tempfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from django.db import connection, models
from django.db.models import Case, F, Func, IntegerField, QuerySet, TextField, Value, When
from django.db.models.functions import Concat
from django.db.models.lookups import In
from django.http import StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes Cyrillic for Latin letters
# A cell that begins with one of these is a formula to Excel, LibreOffice or Google Sheets.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
ROWS_AT_ONCE = 500
PIECE = 2**18  # bytes of a file sent at once
MOST_XLSX_ROWS = 1_048_575  # below the header


class Style(models.TextChoices):
    PLAIN = "plain", _("commas between columns, a point before decimals, dates as 2026-03-21")
    EXCEL = "excel", _("semicolons, a comma before decimals, dates as 21.03.2026")


def guarded(text: str) -> str:
    """A text that would be a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def cell(value: Any, style: str = Style.PLAIN) -> str:
    """A value as a cell of a CSV. Numbers are never guarded: a minus is theirs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal | float | int):
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
        return text.replace(".", ",") if style == Style.EXCEL else text
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime) and style == Style.EXCEL:
        return f"{value:%d.%m.%Y}"
    return guarded(str(value))


class _Echo:
    def write(self, line: str) -> str:
        return line


def csv_lines(names: Sequence[str], rows: Iterable[Sequence[Any]], style: str = Style.PLAIN) -> Iterator[str]:
    """The pieces of a CSV: a byte order mark, a header of `names`, a line per row."""
    writer = csv.writer(_Echo(), delimiter=";" if style == Style.EXCEL else ",")
    yield BYTE_ORDER_MARK + writer.writerow(names)
    pieces: list[str] = []
    for row in rows:
        pieces.append(writer.writerow([cell(value, style) for value in row]))
        if len(pieces) == ROWS_AT_ONCE:
            yield "".join(pieces)
            pieces = []
    yield "".join(pieces)


def text_cell(path: str) -> Case:
    """`cell` of a text column, for PostgreSQL to make: the first letter's number costs a fraction of what a pattern does."""
    first: Any = Func(F(path), function="ascii", output_field=IntegerField())
    formula = When(In(first, [ord(sign) for sign in FORMULA]), then=Concat(Value("'"), F(path)))
    # COPY would put quotation marks where a cell is empty.
    empty = When(In(first, [0]), then=Value(None))
    return Case(formula, empty, default=F(path), output_field=TextField())


def csv_copied(names: Sequence[str], rows: QuerySet[Any, Any], style: str = Style.PLAIN) -> Iterator[bytes]:
    """The pieces of a CSV that PostgreSQL writes itself, of rows whose values are cells already: ten times as fast."""
    separator = ";" if style == Style.EXCEL else ","
    with tempfile.TemporaryFile(buffering=PIECE) as file:
        with connection.cursor() as cursor:
            query = cursor.mogrify(*rows.query.sql_with_params()).decode()
            cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT csv, DELIMITER '{separator}')", file)
        file.seek(0)
        yield next(csv_lines(names, [], style)).encode()
        while piece := file.read(PIECE):
            yield piece


def csv_response(
    name: str, names: Sequence[str], rows: Iterable[Sequence[Any]], style: str = Style.PLAIN
) -> StreamingHttpResponse:
    """`name`: of the file, without its ending."""
    return csv_pieces_response(name, csv_lines(names, rows, style))


def csv_pieces_response(name: str, pieces: Iterable[str] | Iterable[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def write_xlsx(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One sheet; texts are texts, money and dates are what Excel calculates with. What does not fit is left out."""
    book = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet()
    head, date, money = (
        book.add_format(form) for form in ({"bold": True}, {"num_format": "dd.mm.yyyy"}, {"num_format": "#,##0.00"})
    )
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(len(names) - 1, 0), 14)
    for column, title in enumerate(names):
        sheet.write_string(0, column, title, head)
    for number, row in zip(range(1, MOST_XLSX_ROWS + 1), rows, strict=False):
        for column, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, bool):
                sheet.write_boolean(number, column, value)
            elif isinstance(value, Decimal):
                sheet.write_number(number, column, float(value), money)
            elif isinstance(value, int | float):
                sheet.write_number(number, column, value)
            elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
                sheet.write_datetime(number, column, dt.datetime.combine(value, dt.time()), date)
            else:
                sheet.write_string(number, column, str(value))
    book.close()


def _xlsx_pieces(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.xlsx"
        write_xlsx(path, names, rows)
        with path.open("rb") as file:
            while piece := file.read(2**16):
                yield piece


def xlsx_response(name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """`name`: of the file, without its ending."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = StreamingHttpResponse(_xlsx_pieces(names, rows), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def table_response(
    kind: str, name: str, names: Sequence[str], rows: Iterable[Sequence[Any]], style: str = Style.PLAIN
) -> StreamingHttpResponse:
    """`kind`: csv or xlsx."""
    return xlsx_response(name, names, rows) if kind == "xlsx" else csv_response(name, names, rows, style)


def read_text(content: bytes) -> str:
    """A text file of a person: UTF-8 with or without a mark, what Excel calls Unicode, else what a Russian Windows writes.

    NUL, which no text holds and PostgreSQL refuses, is shown as what cannot be read.
    """
    try:
        text = content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251", errors="replace")
    return text.replace("\0", "\ufffd")


def separator_of(text: str) -> str:
    """The separator of a CSV: the one of `;`, tab and `,` that its first line holds most of."""
    head = text.split("\n", 1)[0]
    return max((";", "\t", ","), key=head.count)
