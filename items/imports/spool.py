"""Checked lines on disk, by week, until they are stored day by day: memory holds one week at a time."""

import datetime as dt
import os
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from items.coded import Coded

Columns = dict[str, Coded]


class Spool:
    """Used as a context: what is in it is gone afterwards."""

    def __init__(self) -> None:
        # Without a name: of a process that is killed nothing is left.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the context)
        self._begins: dict[int, list[int]] = defaultdict(list)  # of the parts of a week

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def add(self, lines: Columns) -> None:
        """Lines as columns, among them `date`. Columns that say nothing are left out."""
        columns = {name: values for name, values in lines.items() if name == "date" or _says(values)}
        weeks = columns["date"].numbers(_week)
        for week in np.unique(weeks).tolist():
            chosen = weeks == week
            self._append(week, {name: values.take(chosen) for name, values in columns.items()})

    def _append(self, week: int, columns: Columns) -> None:
        self._begins[week].append(self._file.seek(0, os.SEEK_END))
        pickle.dump(columns, self._file, pickle.HIGHEST_PROTOCOL)

    def batches(self, least: int) -> Iterator[tuple[dt.date, Columns]]:
        """Whole dates, oldest first, as many as make `least` lines: the last of the dates, and the lines."""
        parts: list[Columns] = []
        rows = 0
        for last, columns in self._parts(least):
            parts.append(columns)
            rows += len(columns["date"])
            if rows >= least:
                yield last, _joined(parts)
                parts, rows = [], 0
        if parts:
            yield last, _joined(parts)

    def _parts(self, most: int) -> Iterator[tuple[dt.date, Columns]]:
        """Weeks, in the order of the file within; those of more lines than `most` date by date."""
        for week in sorted(self._begins):
            columns = _joined(list(self._read(week)))
            if len(columns["date"]) <= most:
                yield max(columns["date"].values), columns
                continue
            dates = columns["date"]
            for code in sorted(range(len(dates.values)), key=dates.values.__getitem__):
                chosen = dates.codes == code
                yield dates.values[code], {name: values.take(chosen) for name, values in columns.items()}

    def _read(self, week: int) -> Iterator[Columns]:
        for begin in self._begins[week]:
            self._file.seek(begin)
            yield pickle.load(self._file)  # noqa: S301  (written by this very process)


def _says(values: Coded) -> bool:
    """Zero says something: the hour after midnight, a gift."""
    return not set(values.values) <= {None, ""}


def _week(date: dt.date) -> int:
    return date.toordinal() // 7


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: Coded.joined([part.get(name) or Coded.all_one(None, len(part["date"])) for part in parts])
        for name in names
    }
