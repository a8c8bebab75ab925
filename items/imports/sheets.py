"""A sheet on its way into the checker: its header found, its rows numbered as a spreadsheet does."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from items.files import columns as names
from items.files.checking import Checker, Record, Resolver, Rules, Table
from items.files.cutting import cut
from items.files.layout import Layout, Source, positions
from items.files.text import CsvFile


def open_sheet(
    layout: Layout, sheet: str, source: Source, resolver: Resolver, from_1904: bool
) -> tuple[Checker, Iterator[Table | Sequence[Record]]]:
    """A checker for the sheet, and what it is to check: some rows below the header, then many at a time. Raises BadFile."""
    parts = source.parts(names.HEADER_WITHIN)
    head = [record for part in islice(parts, 1) for record in part]
    checker, at = _checker(layout, sheet, head, resolver, from_1904)

    def numbered() -> Iterator[Table | Sequence[Record]]:
        yield list(enumerate(head[at + 1 :], at + 2))
        first = len(head) + 1
        for part in parts:
            if isinstance(part, str) and isinstance(source, CsvFile):
                table = cut(part, source.separator, checker.width, checker.places.values(), first)
                if table is not None:
                    first += len(table.rows)
                    yield table
                    continue
                part = list(source.cells(source.lines_of(part)))
            records = list(enumerate(part, first))
            first += len(records)
            yield records

    return checker, numbered()


def first_rows(
    layout: Layout, sheet: str, source: Source, resolver: Resolver, from_1904: bool, most: int
) -> tuple[Checker, list[Record]]:
    """A checker for the sheet, and so many rows below the header. Raises BadFile."""
    records = source.records()
    head = list(islice(records, names.HEADER_WITHIN))
    checker, at = _checker(layout, sheet, head, resolver, from_1904)
    return checker, list(islice(enumerate(chain(head[at + 1 :], records), at + 2), most))


def _checker(
    layout: Layout, sheet: str, head: Sequence[list[str] | str], resolver: Resolver, from_1904: bool
) -> tuple[Checker, int]:
    """And where the header stands."""
    at = names.find_header(head, layout.columns.values())
    titles = names.header_names(head[at])
    rules = Rules(layout.order, layout.decimal, layout.returns, from_1904)
    return Checker(sheet, positions(layout.columns, titles), len(titles), rules, resolver), at
