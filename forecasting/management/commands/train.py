from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Organisation
from forecasting.train import start_training
from runs.choices import Trigger
from runs.cli import RunCommand
from runs.models import Run


class Command(RunCommand):
    help = "Trains a model version on the loaded sales; if the gate lets it in, it serves and forecasts."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--recipe", default="", help="another way of forecasting, which must beat the serving one")

    def open(self, **options: Any) -> Run:
        organisation = Organisation.objects.main()
        return start_training(organisation=organisation, trigger=Trigger.COMMAND, recipe=options["recipe"])[0]
