"""Item sales: how long lines are kept, and what deleting one means."""

from salesforecast.settings.base import env

SALES_DATA_RETENTION_YEARS = env.number("SALES_DATA_RETENTION_YEARS", 10, least=1, most=200)
AUTO_CLEANUP_ENABLED = env.flag("AUTO_CLEANUP_ENABLED")
ENABLE_SOFT_DELETE = env.flag("ENABLE_SOFT_DELETE", True)
