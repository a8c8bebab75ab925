from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.backup import BadBackup, make_backup
from runs.sentences import sentence


class Command(BaseCommand):
    help = "Writes the whole database into one file, while everything goes on. The keys are not in it: keep them apart."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            make_backup(options["file"])
        except BadBackup as bad:
            raise CommandError(sentence(bad.code, bad.params)) from bad
        size = options["file"].stat().st_size / 2**20
        self.stdout.write(f"{options['file']}: {size:.1f} MB")
