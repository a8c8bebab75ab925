from items.admin.imports import ImportJobAdmin
from items.admin.lines import SaleLineAdmin

__all__ = ["ImportJobAdmin", "SaleLineAdmin"]
