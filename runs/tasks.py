from celery import shared_task

from runs import ledger


@shared_task(name="runs.work")
def work(pk: int) -> str | None:
    """Work on one run of the ledger, if it is to be had."""
    return ledger.execute(pk)


@shared_task(name="runs.sweep", expires=60)
def sweep() -> int:
    """Poke workers for runs that nobody alive works on."""
    return ledger.sweep()
