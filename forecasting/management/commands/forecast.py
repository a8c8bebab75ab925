from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.models import Organisation
from forecasting.predict import start_forecast
from runs.choices import Trigger
from runs.cli import RunCommand, usage
from runs.models import Run


class Command(RunCommand):
    help = "Makes an issue of forecasts with the serving model version."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--horizon", type=int, default=settings.FORECAST_HORIZON, help="days ahead, 1 to 35")

    def open(self, **options: Any) -> Run:
        if not 1 <= options["horizon"] <= 35:
            raise usage("The horizon must lie between 1 and 35 days.")
        organisation = Organisation.objects.main()
        return start_forecast(organisation=organisation, horizon=options["horizon"], trigger=Trigger.COMMAND)[0]
