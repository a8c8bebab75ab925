import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from items.repair import check_items
from runs.cli import write_json


class Command(BaseCommand):
    help = "Adds up all lines of item sales and compares with what is stored of them; --repair brings that in line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="write what differs")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = {one: check_items(one, repair=options["repair"]) for one in Organisation.objects.order_by("name")}
        if options["json"]:
            write_json(self.stdout, {str(one.pk): wrong for one, wrong in found.items()})
        for one, wrong in found.items():
            if not options["json"]:
                told = ", ".join(f"{table} {rows}" for table, rows in wrong.items())
                self.stdout.write(f"{one}: {told}")
        if not options["repair"] and any(rows for wrong in found.values() for rows in wrong.values()):
            sys.exit(1)
