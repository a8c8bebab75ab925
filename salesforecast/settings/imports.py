"""Files of item sales."""

from django.core.exceptions import ImproperlyConfigured

from salesforecast.settings.base import env

MAX_IMPORT_FILE_SIZE_MB = env.number("MAX_IMPORT_FILE_SIZE_MB", 50, least=1, most=2000)
MAX_IMPORT_ROWS = env.number("MAX_IMPORT_ROWS", 100_000, least=1, most=50_000_000)
# Rows stored in one transaction, at least: a day is never split.
IMPORT_BATCH_SIZE = env.number("IMPORT_BATCH_SIZE", 1000, least=1, most=100_000)
ENABLE_DUPLICATE_DETECTION = env.flag("ENABLE_DUPLICATE_DETECTION", True)
# The file itself and its refused rows are kept so long, then only what became of them.
IMPORT_FILE_DAYS = env.number("IMPORT_FILE_DAYS", 14, least=1)
# host:port or the path of a socket of clamd: every uploaded file goes through it first.
CLAMD_ADDRESS = env.text("CLAMD_ADDRESS")
if CLAMD_ADDRESS and not CLAMD_ADDRESS.startswith("/") and not CLAMD_ADDRESS.rpartition(":")[2].isdecimal():
    raise ImproperlyConfigured("CLAMD_ADDRESS must be host:port or the path of a socket.")
