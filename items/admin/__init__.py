from items.admin.imports import ImportJobAdmin

__all__ = ["ImportJobAdmin"]
