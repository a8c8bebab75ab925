from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from items.retention import clean
from runs.cli import write_json


class Command(BaseCommand):
    help = "Deletes lines of item sales older than SALES_DATA_RETENTION_YEARS; their sums and published sales stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count them")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        cleaned = {one: clean(one, dry_run=options["dry_run"]) for one in Organisation.objects.order_by("name")}
        if options["json"]:
            write_json(self.stdout, {str(one.pk): asdict(done) for one, done in cleaned.items()})
            return
        for one, done in cleaned.items():
            self.stdout.write(f"{one}: before {done.kept_from} lines {done.lines}, receipts {done.receipts}")
