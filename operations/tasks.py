from celery import shared_task

from operations import night


@shared_task(name="operations.start_nights", ignore_result=True)
def start_nights() -> list[int]:
    """Open tonight's run of every organisation."""
    return night.start_nights()
