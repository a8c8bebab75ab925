from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.models import Organisation
from forecasting.choices import LONGEST_HORIZON
from forecasting.predict import start_forecast
from runs.choices import Trigger
from runs.cli import RunCommand, usage
from runs.models import Run


class Command(RunCommand):
    help = "Makes an issue of forecasts with the serving model version."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--horizon", type=int, default=settings.FORECAST_HORIZON, help="days ahead, 1 to 92")

    def open(self, **options: Any) -> Run:
        if not 1 <= options["horizon"] <= LONGEST_HORIZON:
            raise usage(f"The horizon must lie between 1 and {LONGEST_HORIZON} days.")
        organisation = Organisation.objects.main()
        return start_forecast(organisation=organisation, horizon=options["horizon"], trigger=Trigger.COMMAND)[0]
