"""Many lines of plain CSV cut into columns at once, each different text of a column made once."""

import csv
import io
from collections.abc import Collection

import numpy as np

from items.coded import Coded
from items.files.checking import Table
from items.files.text import LONGEST_CELL


def cut(piece: str, separator: str, width: int, places: Collection[int], first: int) -> Table | None:
    """The columns at `places` of lines without quotes, numbered from `first`; None if some line is not as it should be:

    `width` cells of a bearable length, the first of them not empty.
    """
    import pandas as pd  # not before a file of thousands of rows comes: pages load this module

    if "\r" in piece:
        piece = piece.replace("\r\n", "\n")
    data = piece.encode() if piece.endswith("\n") else piece.encode() + b"\n"
    rows = _rows(data, separator, width) if "\r" not in piece else 0
    if not rows:
        return None
    frame = pd.read_csv(
        io.BytesIO(data),
        sep=separator,
        header=None,
        names=range(width),
        usecols=sorted(set(places)),
        index_col=False,
        dtype=object,
        na_filter=False,
        quoting=csv.QUOTE_NONE,
        skip_blank_lines=False,
        low_memory=False,
        engine="c",
    )
    columns = {}
    for place in frame.columns:
        codes, values = pd.factorize(frame[place].to_numpy())
        columns[int(place)] = Coded(values.tolist(), codes)
    return Table(np.arange(first, first + rows), columns)


def _rows(data: bytes, separator: str, width: int) -> int:
    """How many lines there are, 0 if not all are regular."""
    signs = np.frombuffer(data, np.uint8)
    ends, cuts = np.flatnonzero(signs == ord("\n")), np.flatnonzero(signs == ord(separator))
    if width < 2 or len(cuts) != len(ends) * (width - 1):
        return 0
    starts = np.concatenate([[0], ends[:-1] + 1])
    first, last = cuts[:: width - 1], cuts[width - 2 :: width - 1]
    regular = (first > starts) & (last < ends) & (ends - starts <= LONGEST_CELL)
    return len(ends) if regular.all() else 0
