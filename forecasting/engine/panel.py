"""The panel: what is known about all series on a common calendar of contiguous days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from forecasting.engine.errors import EngineError

YEAR = 364  # days
RESERVED = ("series_id", "date", "holiday_name", "closed")


@dataclass(frozen=True, eq=False)
class Panel:
    """Matrices of shape [series, days]; the days cover the history and the known future.

    `y` is NaN where a series was closed or not recorded and in the future; a real zero on an open day is 0.
    `holiday` holds indices into `holiday_names` (0 = ordinary day). `numeric` are covariates known in advance.
    `currency` [series] names what each sells in, where that is not the same for all: levels of series are compared at par
    (`units`), forecasts are in the series' own.
    """

    series: list[str]
    dates: pd.DatetimeIndex
    y: np.ndarray
    holiday: np.ndarray
    holiday_names: list[str]
    closed: np.ndarray
    numeric: dict[str, np.ndarray]
    currency: Sequence[str] | None = None

    def index(self, day: date | str | pd.Timestamp) -> int:
        """Column of a day, also outside the panel (negative or past the end)."""
        return int((pd.Timestamp(day) - self.dates[0]).days)

    def until(self, horizon_end: date | str | pd.Timestamp) -> "Panel":
        """The panel reaching at least to `horizon_end`; added days are ordinary and their covariates unknown."""
        extra = self.index(horizon_end) + 1 - len(self.dates)
        if extra <= 0:
            return self

        def pad(a: np.ndarray, fill: float) -> np.ndarray:
            return np.pad(a, ((0, 0), (0, extra)), constant_values=fill)

        return replace(
            self,
            dates=pd.date_range(self.dates[0], periods=len(self.dates) + extra),
            y=pad(self.y, np.nan),
            holiday=pad(self.holiday, 0),
            closed=pad(self.closed, False),
            numeric={k: pad(v, 0.0 if is_binary(v) else np.nan) for k, v in self.numeric.items()},
        )


def is_binary(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return bool(((known == 0) | (known == 1)).all())


def units(y: np.ndarray, currency: Sequence[str] | None) -> np.ndarray:
    """[series] what sales `y` [series, days] are to be divided by to be at par: money of the currency with most days of sales,
    another's being worth what average days of its series among the last YEAR say; NaN of one that nobody has sold in."""
    codes, of = np.unique(np.array([""] * len(y) if currency is None else currency, dtype=object), return_inverse=True)
    sold = np.abs(y[:, -YEAR:]) if len(codes) > 1 else np.empty((len(y), 0))
    days = np.bincount(of, weights=(~np.isnan(sold)).sum(axis=1))
    total = np.bincount(of, weights=np.nansum(sold, axis=1))
    if not total.any():
        return np.ones(len(y))
    mean = np.divide(total, days, out=np.full(len(codes), np.nan), where=total > 0)
    return (mean / mean[np.where(total > 0, days, 0).argmax()])[of]


def build_panel(
    sales: pd.DataFrame, covariates: pd.DataFrame | None = None, horizon_end: date | str | None = None
) -> Panel:
    """Panel of `sales` [series_id, date, y] and `covariates` [series_id?, date, holiday_name?, closed?, numeric...].

    A series named only in the covariates exists with no history; covariates without `series_id` hold for all.
    A 0/1 covariate is 0 where no row names it, any other is unknown (NaN) there.
    Raises EngineError: empty, missing_column, bad_number, duplicate_rows, negative is not refused (returns exist).
    """
    _require(sales, ("series_id", "date", "y"))
    ids = set(_coded(sales["series_id"])[1])
    ends = [pd.to_datetime(sales["date"])]
    if covariates is not None:
        _require(covariates, ("date",))
        ends.append(pd.to_datetime(covariates["date"]))
        if "series_id" in covariates:
            ids |= set(_coded(covariates["series_id"])[1])
    if not ids or not any(len(e) for e in ends):
        raise EngineError("empty")
    days = pd.concat(ends)
    last = max(days.max(), pd.Timestamp(horizon_end)) if horizon_end is not None else days.max()
    dates = pd.date_range(days.min().normalize(), last.normalize())
    series = sorted(ids)
    shape = (len(series), len(dates))

    y = _matrix(series, dates, sales, "y")
    holiday, names = np.zeros(shape, dtype=np.int32), [""]
    closed, numeric = np.zeros(shape, dtype=bool), {}
    if covariates is not None:
        if "holiday_name" in covariates:
            codes, found = _coded(covariates["holiday_name"].fillna(""))
            found = [name.strip() for name in found]
            names += sorted(set(found) - {""})
            place = np.array([names.index(name) for name in found], dtype=np.float64)
            coded = covariates.assign(holiday_name=place[codes])
            holiday = np.nan_to_num(_matrix(series, dates, coded, "holiday_name")).astype(np.int32)
        if "closed" in covariates:
            closed = np.nan_to_num(_matrix(series, dates, covariates, "closed")) > 0
        for column in sorted(c for c in covariates.columns if c not in RESERVED):
            values = _matrix(series, dates, covariates, column)
            numeric[column] = np.where(np.isnan(values), 0.0, values) if is_binary(values) else values
    return Panel(series, dates, y, holiday, names, closed, numeric)


def _require(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in frame:
            raise EngineError("missing_column", column=column)


def _coded(texts: pd.Series) -> tuple[np.ndarray, list[str]]:
    """[rows] which of the different texts each is, and these: of millions of rows few differ. None may be missing."""
    codes, found = pd.factorize(texts)
    if (codes < 0).any():
        raise EngineError("missing_column", column=texts.name)
    return codes, [str(text) for text in found]


def _matrix(series: list[str], dates: pd.DatetimeIndex, frame: pd.DataFrame, column: str) -> np.ndarray:
    """[series, days] of one column of a tidy frame, NaN where no row says anything."""
    try:
        values = frame[column].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EngineError("bad_number", column=column) from error
    if np.isinf(values).any():
        raise EngineError("bad_number", column=column)
    at = (pd.to_datetime(frame["date"]) - dates[0]).dt.days.to_numpy()
    out = np.full((len(series), len(dates)), np.nan)
    if "series_id" in frame:
        codes, keys = _coded(frame["series_id"])
        row = pd.Index(series).get_indexer(keys)[codes]
        cell = row.astype(np.int64) * len(dates) + at
        if np.bincount(cell, minlength=1).max() > 1:
            repeated = frame[pd.Series(cell, index=frame.index).duplicated()].iloc[0]
            raise EngineError("duplicate_rows", series_id=str(repeated["series_id"]), date=str(repeated["date"])[:10])
        out[row, at] = values
    else:
        if len(np.unique(at)) != len(at):
            repeated_at = pd.Series(at)[pd.Series(at).duplicated()].iloc[0]
            raise EngineError("duplicate_rows", series_id="", date=str(dates[repeated_at].date()))
        out[:, at] = values
    return out
