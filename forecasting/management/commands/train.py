from typing import Any

from accounts.models import Organisation
from forecasting.train import start_training
from runs.choices import Trigger
from runs.cli import RunCommand
from runs.models import Run


class Command(RunCommand):
    help = "Trains a model version on the loaded sales; if the gate lets it in, it serves and forecasts."

    def open(self, **options: Any) -> Run:
        return start_training(organisation=Organisation.objects.main(), trigger=Trigger.COMMAND)[0]
