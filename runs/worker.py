"""A worker that starts looks at once for what an earlier one left behind."""

import logging
from typing import Any

from celery.signals import worker_ready
from django.db import DatabaseError, close_old_connections

log = logging.getLogger(__name__)


@worker_ready.connect
def sweep_at_start(**kwargs: Any) -> None:
    from runs.ledger import sweep

    try:
        sweep()
    except DatabaseError as error:
        log.warning("the ledger could not be read at start, the next sweep will: %s", error)
    finally:
        close_old_connections()
