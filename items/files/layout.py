"""How one file is to be read: proposed from what it looks like, declared by a person, kept as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from items.files import columns as names
from items.files.book import Book, SheetFile, look_into
from items.files.kind import CSV, kind_of
from items.files.refusals import BadFile
from items.files.text import ENCODINGS, SEPARATORS, CsvFile, encoding_of, separator_of
from items.files.values import DECIMALS, ORDERS, guess_decimal, guess_order

SAMPLE_ROWS = 2000
Source = CsvFile | SheetFile


@dataclass(frozen=True)
class Layout:
    """`columns`: field to the name of its column. Of a CSV `encoding` and `separator`, of a workbook `sheets`."""

    columns: dict[str, str] = field(default_factory=dict)
    order: str = ""
    decimal: str = ""
    returns: bool = False
    encoding: str = ""
    separator: str = ""
    sheets: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "sheets": list(self.sheets)}


@dataclass
class Look:
    """What a file looks like: its `kind`, the columns and first rows of its first sheet, and a proposed layout.

    `unsure`: what the proposal only guesses and a person has to say: "order", "decimal". `missing`: fields without a
    column that every sale needs.
    """

    kind: str
    layout: Layout
    names: list[str]
    rows: list[list[str]]
    unsure: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    book: Book | None = None


def declared(data: Any) -> Layout:
    """A layout from JSON; what is missing is left to be proposed. Raises BadFile for what makes no sense."""
    if not isinstance(data, Mapping):
        raise BadFile("import_bad_mapping", what="mapping")
    known = set(Layout.__dataclass_fields__)
    # {"date": "Day", "quantity": "Sold"} alone names columns.
    if not known & set(data):
        data = {"columns": data}
    for name in data:
        if name not in known:
            raise BadFile("import_bad_mapping", what=str(name)[:60])
    columns = data.get("columns", {})
    if not isinstance(columns, Mapping) or not all(isinstance(text, str) for text in columns.values()):
        raise BadFile("import_bad_mapping", what="columns")
    for name in columns:
        if name not in names.FIELDS:
            raise BadFile("import_unknown_field", field=str(name)[:60], known=", ".join(names.FIELDS))
    sheets = data.get("sheets", ())
    if isinstance(sheets, str) or not isinstance(sheets, Sequence) or not all(isinstance(one, str) for one in sheets):
        raise BadFile("import_bad_mapping", what="sheets")
    chosen = {name: data.get(name) or "" for name in ("order", "decimal", "encoding", "separator")}
    allowed = {"order": ORDERS, "decimal": DECIMALS, "encoding": ENCODINGS, "separator": SEPARATORS}
    for name, value in chosen.items():
        if value and value not in allowed[name]:
            raise BadFile("import_bad_mapping", what=name)
    if not isinstance(data.get("returns", False), bool):
        raise BadFile("import_bad_mapping", what="returns")
    columns = {name: text for name, text in columns.items() if text}
    return Layout(columns, returns=data.get("returns", False), sheets=tuple(sheets), **chosen)


def look_at(path: Path, wish: Layout | None = None, remembered: Mapping[str, Layout] | None = None) -> Look:
    """What the file looks like and how it is best read, `wish` going before guesses; `remembered` by signature.

    Raises BadFile.
    """
    wish = wish or Layout()
    kind = kind_of(path)
    book = None
    if kind == CSV:
        encoding = wish.encoding or encoding_of(path)
        wish = replace(wish, encoding=encoding, separator=wish.separator or separator_of(path, encoding), sheets=())
    else:
        book = look_into(path)
        wish = replace(wish, encoding="", separator="")
        _known_sheets(book, wish.sheets)
    sources = sources_of(path, wish, book)
    first: Look | None = None
    sheets = []
    for sheet, source in sources:
        rows = list(islice(source.records(), SAMPLE_ROWS + names.HEADER_WITHIN))
        try:
            header = names.find_header(rows, wish.columns.values())
        except BadFile:
            if wish.sheets or len(sources) == 1:
                raise
            continue
        titles = names.header_names(rows[header])
        if first is None:
            first = _proposal(kind, wish, titles, rows[header + 1 :], book, remembered or {})
            sheets.append(sheet)
        elif {names.plain(name) for name in first.layout.columns.values()} <= {names.plain(name) for name in titles}:
            sheets.append(sheet)
        elif wish.sheets:
            raise BadFile("import_columns_missing", names=", ".join(first.layout.columns.values()))
    if first is None:
        raise BadFile("import_empty_file")
    if kind != CSV:
        first.layout = replace(first.layout, sheets=tuple(sheets))
    return first


def sources_of(path: Path, layout: Layout, book: Book | None) -> list[tuple[str, Source]]:
    """What is to be read: (name of the sheet, records). Hidden sheets only when they are named."""
    if book is None:
        return [("", CsvFile(path, layout.encoding, layout.separator))]
    chosen = [sheet for sheet in book.sheets if (sheet.name in layout.sheets if layout.sheets else not sheet.hidden)]
    return [(sheet.name, SheetFile(path, sheet.number)) for sheet in chosen]


def _known_sheets(book: Book, wanted: Sequence[str]) -> None:
    there = [sheet.name for sheet in book.sheets]
    if unknown := [name for name in wanted if name not in there]:
        raise BadFile("import_unknown_sheet", sheet=unknown[0], known=", ".join(there))


def _proposal(
    kind: str,
    wish: Layout,
    titles: list[str],
    rows: Sequence[list[str] | str],
    book: Book | None,
    remembered: Mapping[str, Layout],
) -> Look:
    before = remembered.get(names.signature(titles))
    columns = wish.columns or (before.columns if before else names.propose(titles))
    at = positions(columns, titles)
    samples = [row for row in rows[:SAMPLE_ROWS] if isinstance(row, list)]

    def texts(*fields: str) -> list[str]:
        return [row[at[name]] for name in fields if name in at for row in samples if at[name] < len(row)]

    unsure = []
    order, decimal = wish.order, wish.decimal
    if not order:
        guess = guess_order(texts(names.DATE))
        # What a person once said of these columns stands, unless the dates say otherwise.
        order = (
            before.order if before and before.order and (not guess.sure or before.order == guess.value) else guess.value
        )
        if not guess.sure and not (before and before.order):
            unsure.append("order")
    if not decimal:
        guess = guess_decimal(texts(*names.NUMBERS))
        decimal = before.decimal if before and before.decimal and not guess.sure else guess.value
        if not guess.sure and not (before and before.decimal):
            unsure.append("decimal")
    layout = replace(
        wish, columns=columns, order=order, decimal=decimal, returns=wish.returns or bool(before and before.returns)
    )
    return Look(kind, layout, titles, samples, unsure, missing_fields(columns), book)


def missing_fields(columns: Mapping[str, str]) -> list[str]:
    missing = [name for name in (names.DATE, names.QUANTITY) if name not in columns]
    if names.PRODUCT not in columns and names.CODE not in columns:
        missing.append(names.PRODUCT)
    return missing


def positions(columns: Mapping[str, str], titles: Sequence[str]) -> dict[str, int]:
    """Where each field's column stands. Raises BadFile for a column that is not there."""
    places = {names.plain(title): index for index, title in reversed(list(enumerate(titles)))}
    found, missing = {}, []
    for name, title in columns.items():
        if names.plain(title) in places:
            found[name] = places[names.plain(title)]
        else:
            missing.append(title)
    if missing:
        raise BadFile("import_columns_missing", names=", ".join(missing))
    return found
