from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Organisation
from departments.cli import connections_named
from departments.sync import start_sync
from runs.choices import Trigger
from runs.cli import RunCommand
from runs.models import Run


class Command(RunCommand):
    help = "Synchronises the departments of the till servers."
    is_logged = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--connection", metavar="NAME", help="only this connection")

    def open(self, **options: Any) -> Run:
        organisation = Organisation.objects.main()
        connections = connections_named(organisation, options["connection"])
        return start_sync(organisation=organisation, connections=connections, trigger=Trigger.COMMAND)[0]
