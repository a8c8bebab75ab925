"""How a file would be imported, before it is: its first rows as they are understood, and what is wrong with them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format

from accounts.formats import precise
from accounts.models import User
from items.files.layout import SAMPLE_ROWS, Layout, Look, look_at, sources_of
from items.files.refusals import BadFile, Refusal
from items.imports.kept import kept_file
from items.imports.receive import remembered
from items.imports.resolve import HouseResolver
from items.imports.sheets import first_rows
from items.models import ImportJob
from items.sources import source_of

SHOWN_LINES, SHOWN_REFUSALS = 8, 12


@dataclass
class Preview:
    """Of the first rows: how many there were, how many would be refused, the first of both; products that are new."""

    rows: int = 0
    refused: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    new_products: list[str] = field(default_factory=list)
    whole: bool = True


def examine(job: ImportJob, wish: Layout, *, user: User | None, make: bool | None) -> tuple[Look, Preview | None]:
    """The file as `wish` has it read; no preview while columns are missing. Raises BadFile.

    `make`: whether unknown products would be made; None: if the columns know no codes.
    """
    with kept_file(job) as path:
        if path is None:
            raise BadFile("import_file_gone")
        look = look_at(path, wish, remembered(job.organisation))
        if look.missing:
            return look, None
        if make is None:
            make = "product_code" not in look.layout.columns
        resolver = HouseResolver(source_of(job.connection), user, job.department, make=make)
        sheet, source = sources_of(path, look.layout, look.book)[0]
        checker, chunk = first_rows(
            look.layout, sheet, source, resolver, bool(look.book and look.book.from_1904), SAMPLE_ROWS
        )
    checked = checker.check(chunk)
    lines = checked.lines
    shown = [
        {
            "date": lines["date"][place],
            "product": _product(chunk, checker, checked.row[place]),
            "quantity_shown": _plain(lines["quantity"][place]),
            "price_shown": precise(_number(lines["unit_price"][place])),
            "total_shown": precise(_number(lines["total"][place])),
        }
        for place in range(min(SHOWN_LINES, len(checked.row)))
    ]
    new = sorted({word for _is_code, word in resolver.new})
    refusals = checked.refusals[:SHOWN_REFUSALS]
    return look, Preview(checked.rows, len(checked.refusals), shown, refusals, new, whole=len(chunk) < SAMPLE_ROWS)


def _product(chunk: Any, checker: Any, row: int) -> str:
    """What the file calls the product of a row."""
    record = next(cells for number, cells in chunk if number == row)
    places = [checker.places[name] for name in ("product", "product_code") if name in checker.places]
    return next((record[place].removeprefix("\x02").strip() for place in places if place < len(record)), "")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _plain(text: str) -> str:
    return number_format(Decimal(text).normalize())
