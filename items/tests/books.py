"""Workbooks for tests, as Excel writes them."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter


def book(
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    hidden: Sequence[str] = (),
    from_1904: bool = False,
    dates: str = "dd.mm.yyyy",
    then: Callable[[Any], None] | None = None,
) -> bytes:
    """A workbook of these sheets; dates are cells of dates. `then` may do more to it before it is closed."""
    file = io.BytesIO()
    made = xlsxwriter.Workbook(
        file, {"in_memory": True, "default_date_format": dates, "date_1904": from_1904, "strings_to_formulas": False}
    )
    for name, rows in sheets.items():
        sheet = made.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(number, column, value)
        if name in hidden:
            sheet.hide()
    if then:
        then(made)
    made.close()
    return file.getvalue()
