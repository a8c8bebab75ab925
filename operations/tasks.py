from celery import shared_task

from operations import night, training


@shared_task(name="operations.start_nights", ignore_result=True)
def start_nights() -> list[int]:
    """Open tonight's run of every organisation."""
    return night.start_nights()


@shared_task(name="operations.start_trainings", ignore_result=True)
def start_trainings() -> list[int]:
    """Open the weekly training of every organisation whose model serves."""
    return training.start_trainings()
