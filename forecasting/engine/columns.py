"""What feature functions are made of: rows that share an origin looked up once, and matrices as LightGBM likes them."""

import numpy as np


class Runs:
    """Rows (s, d) that follow each other with the same values, taken once: `s`, `d` [runs], `place` [rows] their run."""

    def __init__(self, s: np.ndarray, d: np.ndarray) -> None:
        begins = np.ones(len(s), dtype=bool)
        begins[1:] = (s[1:] != s[:-1]) | (d[1:] != d[:-1])
        self.s, self.d = s[begins], d[begins]
        self.place = np.cumsum(begins) - 1

    def weekdays(self, b: np.ndarray) -> "Cells":
        """What rows need of the days `b`, at most a week before their own `d`: by row, or by run and weekday if fewer."""
        if 7 * len(self.s) >= len(b):
            return Cells(self.s[self.place], b, self.place, np.arange(len(b)))
        days = (self.d[:, None] - np.arange(7)).reshape(-1)
        of = np.repeat(np.arange(len(self.s)), 7)
        return Cells(self.s[of], days, of, 7 * self.place + self.d[self.place] - b)


class Cells:
    """(s, d) to look up, `run` [cells] whose they are, `place` [rows] the cell of each row."""

    def __init__(self, s: np.ndarray, d: np.ndarray, run: np.ndarray, place: np.ndarray) -> None:
        self.s, self.d, self.run, self.place = s, d, run, place


class Columns:
    """A float32 matrix filled column by column. Columns lie together in memory; LightGBM reads that as it is."""

    def __init__(self, rows: int, columns: int) -> None:
        self._table, self._filled = np.empty((columns, rows), dtype=np.float32), 0

    def add(self, values: np.ndarray, place: np.ndarray | None = None) -> None:
        """The next column: `values`, or `values[place]`."""
        column = self._table[self._filled]
        if place is None:
            column[:] = values
        else:
            np.take(values.astype(np.float32, copy=False), place, out=column, mode="clip")
        self._filled += 1

    def matrix(self) -> np.ndarray:
        """float32 [rows, columns]."""
        assert self._filled == len(self._table)
        return self._table.T
