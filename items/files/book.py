"""XLSX: read by a process of its own with limits, see `unbook`; what it writes is read like a CSV."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from items.files.refusals import BadFile
from items.files.text import MOST_COLUMNS

MOST_MEMORY = 448 << 20  # of the address space; a Python takes a fifth of it before it reads anything
MOST_SECONDS = 120
ROWS_AT_ONCE = 10_000
_CHILD = str(Path(__file__).with_name("unbook.py"))
_OUT_OF_MEMORY = (4, -6, -9, 134)


@dataclass(frozen=True)
class Sheet:
    number: int
    name: str
    hidden: bool


@dataclass(frozen=True)
class Book:
    sheets: tuple[Sheet, ...]
    from_1904: bool


def look_into(path: Path) -> Book:
    """The sheets that hold cells. Raises BadFile."""
    with _child(path) as out:
        text = out.read()
    found = json.loads(text)
    sheets = [Sheet(number, name, hidden) for number, (name, hidden, cells) in enumerate(found["sheets"]) if cells]
    if not sheets:
        raise BadFile("import_empty_file")
    return Book(tuple(sheets), found["from_1904"])


class SheetFile:
    """The rows of one sheet, one after the other."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number = path, number
        self.share = 0.0  # the whole sheet is read before its first row comes

    def records(self) -> Iterator[list[str] | str]:
        """The cells of each row. Raises BadFile."""
        with _child(self.path, str(self.number)) as out:
            reader = csv.reader((line.replace("\0", "\ufffd") for line in out), strict=True)
            while True:
                try:
                    for cells in reader:
                        if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
                            raise BadFile("import_too_many_columns", most=MOST_COLUMNS)
                        yield cells[:MOST_COLUMNS]
                except csv.Error:
                    yield "import_cell_too_long"
                    continue
                break
        self.share = 1.0

    def parts(self, head: int) -> Iterator[list[list[str] | str]]:
        """The same rows: so many, then some thousand at a time."""
        records = self.records()
        yield list(islice(records, head))
        while part := list(islice(records, ROWS_AT_ONCE)):
            yield part


@contextmanager
def _child(path: Path, *arguments: str) -> Iterator[IO[str]]:
    command = [sys.executable, "-I", _CHILD, str(path), str(MOST_MEMORY), str(MOST_SECONDS), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    out = io.TextIOWrapper(process.stdout, "utf-8", errors="replace", newline="")
    try:
        yield out
        out.close()
        code = process.wait(MOST_SECONDS)
    except subprocess.TimeoutExpired:
        code = 3
    finally:
        out.close()
        if process.poll() is None:
            process.kill()
            process.wait()
    if code:
        raise BadFile("import_workbook_too_large" if code in _OUT_OF_MEMORY else "import_broken_workbook")
