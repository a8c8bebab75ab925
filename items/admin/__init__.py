from items.admin.deliveries import DeliveryAdmin, ItemSourceAdmin
from items.admin.imports import ImportJobAdmin
from items.admin.lines import SaleLineAdmin

__all__ = ["DeliveryAdmin", "ImportJobAdmin", "ItemSourceAdmin", "SaleLineAdmin"]
