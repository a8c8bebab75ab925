"""WHAT WAS SOLD: products, who sells them where, receipts and their lines, and what these come to."""

from items.models.catalogue import (
    PRODUCT_FIELDS,
    Catalogue,
    Category,
    Named,
    Price,
    Product,
    ProductGroup,
    ProductModifier,
    SourceProduct,
    Store,
    Unit,
)
from items.models.fields import HOUR, UNCHECKED, QuantityField
from items.models.imports import Delivery, ImportChunk, ImportJob, ImportLayout
from items.models.lines import LineValues, Receipt, ReplacedLine, SaleLine
from items.models.sources import ItemSource
from items.models.sums import ItemDay, Measures, ProductDay, ProductMonth, SalesProduct, StaleDay

__all__ = [
    "HOUR",
    "PRODUCT_FIELDS",
    "UNCHECKED",
    "Catalogue",
    "Category",
    "Delivery",
    "ImportChunk",
    "ImportJob",
    "ImportLayout",
    "ItemDay",
    "ItemSource",
    "LineValues",
    "Measures",
    "Named",
    "Price",
    "Product",
    "ProductDay",
    "ProductGroup",
    "ProductModifier",
    "ProductMonth",
    "QuantityField",
    "Receipt",
    "ReplacedLine",
    "SaleLine",
    "SalesProduct",
    "SourceProduct",
    "StaleDay",
    "Store",
    "Unit",
]
