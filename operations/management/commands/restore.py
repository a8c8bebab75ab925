from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.backup import BadBackup, restore_backup
from runs.sentences import sentence


class Command(BaseCommand):
    help = "Puts a backup in the place of the database. Stop web, workers and beat before."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="what the database holds now is lost")
        parser.add_argument(
            "--without-secrets",
            action="store_true",
            help="the keys of then are lost: passwords of connections have to be entered again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = restore_backup(
                options["file"], replace=options["replace"], without_secrets=options["without_secrets"]
            )
        except BadBackup as bad:
            raise CommandError(sentence(bad.code, bad.params)) from bad
        self.stdout.write(f"The database is that of {manifest['made_at']}, brought up to this version.")
