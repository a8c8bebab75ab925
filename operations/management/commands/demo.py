import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.demo import DemoFailed, build_demo, login_file


class Command(BaseCommand):
    help = "Builds a demonstration chain: simulated tills, loaded, trained and forecast. Quick when it is there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--departments", type=int, default=14)
        parser.add_argument("--days", type=int, default=800)

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.monotonic()

        def say(text: str) -> None:
            self.stdout.write(f"{time.monotonic() - begun:5.1f} s  {text}")
            self.stdout.flush()

        try:
            build_demo(departments=options["departments"], days=options["days"], say=say)
        except DemoFailed as error:
            raise CommandError(str(error)) from error
        say("ready")
        if login_file().exists():
            self.stdout.write(login_file().read_text(encoding="utf-8").strip())
