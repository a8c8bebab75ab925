import logging

from celery import shared_task

from runs import ledger
from runs.outages import PASSING

log = logging.getLogger(__name__)


@shared_task(name="runs.work")
def work(pk: int) -> str | None:
    """Work on one run of the ledger, if it is to be had."""
    try:
        return ledger.execute(pk)
    except PASSING as error:
        log.warning("run %s is left to the sweeper, the database is away: %s", pk, error)
        return None


@shared_task(name="runs.sweep", expires=60)
def sweep() -> int:
    """Poke workers for runs that nobody alive works on."""
    return ledger.sweep()
