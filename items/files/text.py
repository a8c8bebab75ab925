"""CSV: its encoding, its separator, its records. What was guessed can be declared instead."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from charset_normalizer import from_bytes

from items.files.refusals import BadFile

ENCODINGS = ("utf-8", "cp1251", "cp1252", "cp866", "utf-16-le", "utf-16-be")
SEPARATORS = (";", ",", "\t", "|")
MOST_COLUMNS = 200
LONGEST_CELL = 32_767  # as of a spreadsheet
LONGEST_LINE = MOST_COLUMNS * LONGEST_CELL // 4
PIECE = 1 << 21
NOT_PLAIN = ('"', "\0", "\ufeff")
_SAMPLE = 1 << 16
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# Of a record that is no row: its cells cannot be told from each other.
BAD_QUOTES, OPEN_QUOTE, LONG_CELL = "import_bad_quotes", "import_open_quote", "import_cell_too_long"

csv.field_size_limit(LONGEST_CELL)


def encoding_of(path: Path) -> str:
    """One of ENCODINGS: by its mark, else UTF-8 if all of it is UTF-8, else what the letters look like."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if zeros := head.count(0):
        if zeros * 5 < len(head):
            return "utf-8" if _is_utf8(path) else _by_letters(head)
        return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
    return "utf-8" if _is_utf8(path) else _by_letters(head)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_letters(head: bytes) -> str:
    letters = head[:16_384]
    best = from_bytes(letters, cp_isolation=["cp1251", "cp1252", "cp866"]).best()
    return best.encoding if best and best.encoding in ENCODINGS else "cp1251"


def separator_of(path: Path, encoding: str) -> str:
    """The separator that cuts the first records into the most columns, equally many in most of them."""
    lines = [line for line in _head(path, encoding).splitlines()[:30] if line.strip()]
    if not lines:
        raise BadFile("import_empty_file")

    def worth(separator: str) -> tuple[int, int]:
        widths = Counter(len(next(csv.reader([line], delimiter=separator), [])) for line in lines)
        columns, often = max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]))
        return (often if columns > 1 else 0, columns)

    try:
        return max(SEPARATORS, key=worth)
    except csv.Error:
        return max(SEPARATORS, key=lines[0].count)


def _head(path: Path, encoding: str) -> str:
    with path.open("rb") as file:
        return codecs.getincrementaldecoder(encoding)("replace").decode(file.read(_SAMPLE)).lstrip("\ufeff")


class CsvFile:
    """The records of a CSV, one after the other, in constant memory."""

    def __init__(self, path: Path, encoding: str, separator: str) -> None:
        self.path, self.encoding, self.separator = path, encoding, separator
        self.size = path.stat().st_size
        self._raw: io.BufferedReader | None = None

    @property
    def share(self) -> float:
        """How much of the file was read, 0 to 1."""
        return 1.0 if self._raw is None or self._raw.closed or not self.size else self._raw.tell() / self.size

    def records(self) -> Iterator[list[str] | str]:
        """The cells of each record, an empty list for a blank line; a code for a record that is no row.

        Bytes that the encoding does not know, and NUL, become U+FFFD. Raises BadFile for too many columns.
        """
        with self._open() as text:
            yield from self.cells(_from_start(text))

    def parts(self, head: int) -> Iterator[list[list[str] | str] | str]:
        """The same records: a list of so many, then pieces of some megabytes.

        A piece is a text where no cell holds a quote and every record is a line, to be cut all at once.
        """
        with self._open() as text:
            yield list(islice(self.cells(_from_start(text)), head))
            while piece := text.read(PIECE):
                if not piece.endswith("\n"):
                    piece += text.readline(LONGEST_LINE)
                if any(sign in piece for sign in NOT_PLAIN):
                    yield self._with_quotes(piece, text)
                else:
                    yield piece

    def cells(self, lines: Iterable[str]) -> Iterator[list[str] | str]:
        """The records of these lines."""
        lines = (line.replace("\0", "\ufffd") if "\0" in line else line for line in lines)
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        while True:
            try:
                for cells in reader:
                    if len(cells) > MOST_COLUMNS:
                        raise BadFile("import_too_many_columns", most=MOST_COLUMNS)
                    yield cells
            except csv.Error as error:
                yield _meaning(str(error))
                continue
            break

    def lines_of(self, piece: str) -> Iterator[str]:
        return _short_lines(io.StringIO(piece, newline=""))

    def _with_quotes(self, piece: str, text: io.TextIOWrapper) -> list[list[str] | str]:
        """The records of the piece, and the one that the reader went on to: a quoted cell may hold ends of lines."""
        beyond = False

        def lines() -> Iterator[str]:
            nonlocal beyond
            yield from self.lines_of(piece)
            beyond = True
            yield from _short_lines(text)

        found = []
        for record in self.cells(lines()):
            found.append(record)
            if beyond:
                break
        return found

    @contextmanager
    def _open(self) -> Iterator[io.TextIOWrapper]:
        with self.path.open("rb") as self._raw:
            yield io.TextIOWrapper(self._raw, self.encoding, errors="replace", newline="")


def _from_start(text: io.TextIOWrapper) -> Iterator[str]:
    first = text.readline(LONGEST_LINE).lstrip("\ufeff")
    if first:
        yield first
    yield from _short_lines(text)


def _short_lines(text: io.TextIOBase) -> Iterator[str]:
    """Lines; one that does not end within a megabyte is no line of a table."""
    while line := text.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise BadFile("import_not_a_table")
        yield line


def _meaning(error: str) -> str:
    if "end of data" in error:
        return OPEN_QUOTE
    return LONG_CELL if "field limit" in error else BAD_QUOTES
