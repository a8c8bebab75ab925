from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from runs.cli import usage
from sources.simulator import cli


class Command(BaseCommand):
    help = "Serves an invented or recorded chain as an iiko server would, until it is stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cli.run(Namespace(**options))
        except (OSError, ValueError) as error:
            raise usage(str(error)) from error
