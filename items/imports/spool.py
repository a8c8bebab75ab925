"""Checked lines on disk, by week, until they are stored day by day: memory holds one week at a time."""

import datetime as dt
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Columns = dict[str, Sequence[Any]]


class Spool:
    """Used as a context: what is in it is gone afterwards."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="salesforecast-spool-")
        self._weeks: set[int] = set()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_error: object) -> None:
        self._folder.cleanup()

    def add(self, lines: Mapping[str, Sequence[Any]]) -> None:
        """Lines as columns, among them `date`. Columns that say nothing are left out."""
        columns = {name: values for name, values in lines.items() if name in ("row", "date") or _says(values)}
        weeks = [_week(date) for date in columns["date"]]
        if len(set(weeks)) == 1:
            self._append(weeks[0], columns)
            return
        places: dict[int, list[int]] = defaultdict(list)
        for place, week in enumerate(weeks):
            places[week].append(place)
        for week, chosen in places.items():
            self._append(week, {name: [values[place] for place in chosen] for name, values in columns.items()})

    def _append(self, week: int, columns: Columns) -> None:
        self._weeks.add(week)
        with self._path(week).open("ab") as file:
            pickle.dump(columns, file, pickle.HIGHEST_PROTOCOL)

    def _path(self, week: int) -> Path:
        return Path(self._folder.name) / str(week)

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
        for week in sorted(self._weeks):
            columns = _joined(list(self._read(week)))
            if len(columns["date"]) <= most:
                yield max(columns["date"]), columns
                continue
            places: dict[dt.date, list[int]] = defaultdict(list)
            for place, date in enumerate(columns["date"]):
                places[date].append(place)
            for date in sorted(places):
                chosen = places[date]
                yield date, {name: [values[place] for place in chosen] for name, values in columns.items()}

    def _read(self, week: int) -> Iterator[Columns]:
        with self._path(week).open("rb") as file:
            while True:
                try:
                    yield pickle.load(file)  # noqa: S301  (written by this very process)
                except EOFError:
                    return


def _says(values: Sequence[Any]) -> bool:
    """Zero says something: the hour after midnight, a gift."""
    return not set(values) <= {None, ""}


def _week(date: dt.date) -> int:
    return date.toordinal() // 7


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    names = {name: None for part in parts for name in part}
    joined: dict[str, list[Any]] = {name: [] for name in names}
    for part in parts:
        rows = len(part["date"])
        for name, values in joined.items():
            values.extend(part.get(name) or [None] * rows)
    return dict(joined)
