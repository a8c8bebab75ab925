"""Units of products by department and day, beside what the departments sold in all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.engine.errors import EngineError
from forecasting.engine.panel import Panel

COLUMNS = ("department", "product", "date", "y", "money")


@dataclass(frozen=True, eq=False)
class ItemPanel:
    """Series are (department, product) pairs: `keys`, in order; matrices are float32 [series, days] on the days of `whole`.

    `y` is 0 on a day whose items are known and on which the product, sold before, was not; NaN where nothing is known and
    before its first sale. That a product was sold out is not known: what nobody could buy any more is not in it.
    `money` is what the units brought, NaN where that is not known. `department`, `product` and `group` [series] number
    what a series shares with others, the department being its row in `whole`.
    """

    whole: Panel
    keys: list[tuple[str, str]]
    y: np.ndarray
    money: np.ndarray
    department: np.ndarray
    product: np.ndarray
    group: np.ndarray

    @property
    def count(self) -> int:
        return len(self.keys)


def build_item_panel(whole: Panel, sold: pd.DataFrame, groups: Mapping[str, str] | None = None) -> ItemPanel:
    """Panel of `sold` [department, product, date, y, money]; days of departments that `whole` has not are left out.

    `groups` {product: group} say which products are alike. What is net of returns below zero is zero.
    Raises EngineError: missing_column, bad_number, duplicate_rows.
    """
    for column in COLUMNS:
        if column not in sold:
            raise EngineError("missing_column", column=column)
    row = pd.Index(whole.series).get_indexer(sold["department"].astype(str))
    at = (pd.to_datetime(sold["date"]) - whole.dates[0]).dt.days.to_numpy()
    inside = (row >= 0) & (at >= 0) & (at < len(whole.dates))
    sold, row, at = sold[inside], row[inside], at[inside]
    units = sold["y"].to_numpy(dtype=np.float64)
    if not np.isfinite(units).all():
        raise EngineError("bad_number", column="y")
    number, names = pd.factorize(sold["product"].astype(str), sort=True)
    found, code = np.unique(row.astype(np.int64) * max(len(names), 1) + number, return_inverse=True)
    cell = code.astype(np.int64) * len(whole.dates) + at
    if len(np.unique(cell)) != len(cell):
        twice = sold[pd.Series(cell, index=sold.index).duplicated()].iloc[0]
        raise EngineError("duplicate_rows", series_id=str(twice["product"]), date=str(twice["date"])[:10])
    department, product = np.divmod(found, max(len(names), 1))
    products = [str(names[one]) for one in product]
    shape = (len(products), len(whole.dates))
    known = np.zeros((len(whole.series), shape[1]), dtype=bool)
    known[row, at] = True
    y = np.where(known[department], np.float32(0), np.float32(np.nan))
    y[code, at] = np.fmax(units, 0)
    money = np.where(known[department], np.float32(0), np.float32(np.nan))
    money[code, at] = np.fmax(sold["money"].to_numpy(dtype=np.float64), 0)
    sold_on = y > 0
    first = np.where(sold_on.any(axis=1), sold_on.argmax(axis=1), shape[1])
    y[np.arange(shape[1])[None] < first[:, None]] = np.nan
    alike = np.array([(groups or {}).get(name, "") for name in products], dtype=object)
    return ItemPanel(
        whole, [(whole.series[d], name) for d, name in zip(department, products, strict=True)], y, money,
        department, product, pd.factorize(alike)[0],
    )  # fmt: skip
