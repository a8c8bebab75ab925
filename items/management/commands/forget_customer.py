from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from items.customers import forget_customer
from runs.cli import usage, write_json


class Command(BaseCommand):
    help = "Clears the reference to a customer from item sales, from what imports replaced and from what else is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("customer", help="as the sales name the customer, exactly")
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["customer"]:
            raise usage("Name the customer.")
        done = forget_customer(Organisation.objects.main(), options["customer"], dry_run=options["dry_run"])
        if options["json"]:
            write_json(self.stdout, asdict(done))
            return
        counts = ", ".join(f"{name} {number}" for name, number in asdict(done).items())
        self.stdout.write(f"{'Would be forgotten' if options['dry_run'] else 'Forgotten'}: {counts}")
        if done.unfinished:
            self.stderr.write("Imports are under way: when they have ended, call this again.")
