"""Two clocks.

`now()` is the product's: dates, hours of the day, what a person is shown. Tests of whole nights move it by a file.
`database_now()` is the ledger's: leases and due times. All hosts share it, so that two of them whose clocks differ
cannot both hold a lease, nor leave what is due lying.
"""

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils import timezone


def now() -> dt.datetime:
    """The present instant, aware; moved by the seconds that CLOCK_FILE holds, if that is set."""
    if not settings.CLOCK_FILE:
        return timezone.now()
    try:
        offset = float(Path(settings.CLOCK_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or being written
        offset = 0.0
    return timezone.now() + dt.timedelta(seconds=offset)


def database_now(seconds: float = 0) -> ExpressionWrapper:
    """The database's instant of the statement, moved by `seconds`, to write or to compare with in a query."""
    return ExpressionWrapper(Now() + dt.timedelta(seconds=seconds), output_field=DateTimeField())
