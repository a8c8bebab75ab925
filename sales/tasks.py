from celery import shared_task

from sales import reconciling


@shared_task(name="sales.start_samples", ignore_result=True)
def start_samples() -> list[int]:
    """Compare a few past dates of every organisation with their sources."""
    return reconciling.start_samples()
