from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from runs.cli import usage
from sources.simulator import onec


class Command(BaseCommand):
    help = "Serves the objects of the demonstration chain as a 1C exchange service would, until it is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        onec.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            onec.run(Namespace(**options))
        except OSError as error:
            raise usage(str(error)) from error
