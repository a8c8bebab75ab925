"""Rows as a CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes Cyrillic for Latin letters
# A cell that begins with one of these is a formula to Excel, LibreOffice or Google Sheets.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A header of `names` and a line per row; text that would be a formula gets an apostrophe before it."""
    names = list(names)
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
