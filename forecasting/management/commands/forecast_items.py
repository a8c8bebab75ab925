from typing import Any

from accounts.models import Organisation
from forecasting.item_issue import start_item_forecast
from runs.choices import Trigger
from runs.cli import RunCommand
from runs.models import Run


class Command(RunCommand):
    help = "Forecasts every product of the branches whose sales by product are known."

    def open(self, **options: Any) -> Run:
        return start_item_forecast(organisation=Organisation.objects.main(), trigger=Trigger.COMMAND)[0]
