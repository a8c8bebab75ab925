from items.admin.catalogue import (
    CatalogueAdmin,
    CategoryAdmin,
    ProductAdmin,
    ProductGroupAdmin,
    StoreAdmin,
    UnitAdmin,
)
from items.admin.deliveries import DeliveryAdmin, ItemSourceAdmin
from items.admin.imports import ImportJobAdmin
from items.admin.lines import SaleLineAdmin

__all__ = [
    "CatalogueAdmin",
    "CategoryAdmin",
    "DeliveryAdmin",
    "ImportJobAdmin",
    "ItemSourceAdmin",
    "ProductAdmin",
    "ProductGroupAdmin",
    "SaleLineAdmin",
    "StoreAdmin",
    "UnitAdmin",
]
