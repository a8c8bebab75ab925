"""A column of few different values: each value once, and of each row which one it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


class Coded(Sequence[Any]):
    """`values` are different from each other; row i has `values[codes[i]]`."""

    __slots__ = ("codes", "values")

    def __init__(self, values: list[Any], codes: Places) -> None:
        self.values, self.codes = values, codes

    @classmethod
    def of(cls, column: Iterable[Any]) -> Coded:
        known: dict[Any, int] = {}
        codes = np.fromiter((known.setdefault(value, len(known)) for value in column), np.int64)
        return cls(list(known), codes)

    @classmethod
    def all_one(cls, value: Any, rows: int) -> Coded:
        return cls([value], np.zeros(rows, np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Coded]) -> Coded:
        """The rows of one after those of the other."""
        known: dict[Any, int] = {}
        codes = []
        for part in parts:
            new = np.array([known.setdefault(value, len(known)) for value in part.values], np.int64)
            codes.append(new[part.codes])
        return cls(list(known), np.concatenate(codes))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return map(self.values.__getitem__, self.codes.tolist())

    def __getitem__(self, index: Any) -> Any:
        return self.take(self.codes[index]) if isinstance(index, slice) else self.values[self.codes[index]]

    def take(self, places: NDArray[Any]) -> Coded:
        """The rows at these places, or of which a mask says so; values that none of them has are forgotten."""
        used, codes = np.unique(self.codes[places], return_inverse=True)
        return Coded([self.values[code] for code in used.tolist()], codes)

    def mapped(self, convert: Callable[[Any], Any]) -> Coded:
        """Each value converted once; two may become the same."""
        new = Coded.of(map(convert, self.values))
        return Coded(new.values, new.codes[self.codes])

    def numbers(self, convert: Callable[[Any], int]) -> Places:
        """The rows as whole numbers."""
        return np.array([convert(value) for value in self.values], np.int64)[self.codes]


def distinct(column: Sequence[Any]) -> Iterable[Any]:
    """The different values of a column."""
    return column.values if isinstance(column, Coded) else set(column)


def pairs(left: Sequence[Any], right: Sequence[Any]) -> set[tuple[Any, Any]]:
    """Which values stand beside which."""
    if not (isinstance(left, Coded) and isinstance(right, Coded)):
        return set(zip(left, right, strict=True))
    found = np.unique(left.codes * len(right.values) + right.codes).tolist()
    return {(left.values[code // len(right.values)], right.values[code % len(right.values)]) for code in found}


def together(columns: Sequence[Coded]) -> Places:
    """A number for each row, the same for rows that have the same values in all of these columns."""
    key = columns[0].codes
    for column in columns[1:]:
        # Numbered anew, so that no product of many columns grows out of its type.
        key = np.unique(key, return_inverse=True)[1] * len(column.values) + column.codes
    return key


def count_up(key: Places) -> Places:
    """The how-manieth row with its number each row is: 1, 2, 3..."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(key) else ordered
    sizes = np.diff(np.append(first, len(key)))
    counted = np.empty(len(key), np.int64)
    counted[order] = np.arange(len(key)) - np.repeat(first, sizes) + 1
    return counted
