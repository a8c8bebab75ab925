from typing import Any

from accounts.models import Organisation
from operations.night import start_night
from runs.choices import Trigger
from runs.cli import RunCommand
from runs.models import Run


class Command(RunCommand):
    help = "Works through tonight's chain here and now: departments, sales, forecasts. Once per night."

    def open(self, **options: Any) -> Run:
        return start_night(Organisation.objects.main(), trigger=Trigger.COMMAND)[0]
