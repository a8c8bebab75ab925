"""A workbook as text, in a process of its own that may use so much memory and time and no more.

    unbook.py FILE BYTES SECONDS            the sheets as JSON
    unbook.py FILE BYTES SECONDS NUMBER     the rows of a sheet as CSV

A dozen bytes can claim a cell in row 1,048,576 of column 16,384, for which the reader would make room: it then dies
here, alone. Numbers and dates as the workbook holds them begin with the sign TYPED, so that nobody reads them by the
customs of a country. A merged cell is repeated downwards unless it is a number, which would be counted twice.
"""

import contextlib
import csv
import datetime as dt
import json
import os
import resource
import sys
import zipfile
from collections.abc import Callable
from typing import Any

TYPED = "\x02"
EPOCH = {False: dt.date(1899, 12, 30), True: dt.date(1904, 1, 1)}


def main(path: str, most_bytes: str, most_seconds: str, number: str = "") -> int:
    resource.setrlimit(resource.RLIMIT_AS, (int(most_bytes), int(most_bytes)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(most_seconds), int(most_seconds) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(path)
    if not number:
        hidden = python_calamine.SheetVisibleEnum.Visible
        cells = python_calamine.SheetTypeEnum.WorkSheet
        sheets = [[sheet.name, sheet.visible != hidden, sheet.typ == cells] for sheet in book.sheets_metadata]
        json.dump({"sheets": sheets, "from_1904": _from_1904(path)}, sys.stdout)
        return 0
    _write_rows(book.get_sheet_by_index(int(number)))
    return 0


def _from_1904(path: str) -> bool:
    with zipfile.ZipFile(path) as archive, archive.open("xl/workbook.xml") as file:
        head = file.read(1 << 16)
    return b'date1904="1"' in head or b'date1904="true"' in head


def _write_rows(sheet: Any) -> None:
    writer = csv.writer(sys.stdout)
    left = sheet.start[1] if sheet.start else 0  # rows count from the first, columns from the first that is used
    repeated = {
        (row, column): (top[0], column)
        for top, bottom in sheet.merged_cell_ranges or []
        for row in range(top[0] + 1, min(bottom[0], top[0] + 100_000) + 1)
        for column in [top[1] - left]
    }
    kept: dict[tuple[int, int], Any] = {}
    tops = set(repeated.values())
    for number, row in enumerate(sheet.iter_rows()):
        if repeated:
            for column, value in enumerate(row):
                if (number, column) in tops:
                    kept[number, column] = value
                elif value == "" and (top := repeated.get((number, column))):
                    above = kept.get(top, "")
                    row[column] = "" if isinstance(above, int | float) else above
        writer.writerow([SHOWN[type(value)](value) for value in row])


def _number(value: float) -> str:
    """With the fifteen digits a spreadsheet itself knows; never in powers of ten."""
    text = f"{value:.15g}"
    if "e" in text:
        text = f"{value:.15f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.0f}"
    return TYPED + text


def _duration(value: dt.timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"{TYPED}{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


SHOWN: dict[type, Callable[[Any], str]] = {
    str: lambda value: value.replace(TYPED, " "),
    float: _number,
    int: lambda value: f"{TYPED}{value}",
    bool: lambda value: str(value).lower(),
    dt.date: lambda value: TYPED + value.isoformat(),
    dt.datetime: lambda value: TYPED + value.isoformat(" ", "seconds"),
    dt.time: lambda value: TYPED + value.isoformat("seconds"),
    dt.timedelta: _duration,
}


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="")  # type: ignore[union-attr]
    code = 3
    with contextlib.suppress(BrokenPipeError):
        try:
            code = main(*sys.argv[1:])
            sys.stdout.flush()
        except MemoryError:
            code = 4
        except Exception as error:
            sys.stderr.write(type(error).__name__)
    os._exit(code)
