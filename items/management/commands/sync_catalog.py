from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Organisation
from departments.cli import connections_named
from items.catalogue.sync import LISTS, start_sync
from runs.choices import Trigger
from runs.cli import RunCommand, date, usage
from runs.models import Run
from runs.sentences import sentence
from sales.sync import BadRange

ENTITIES = [name for name in LISTS if name != "catalogue"]


class Command(RunCommand):
    help = "Synchronises what till servers list beside their sales, and receipts line by line."
    is_logged = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--entity",
            choices=ENTITIES,
            default="all",
            help="products come with their categories, units, groups and prices; sales are receipts",
        )
        parser.add_argument("--connection", metavar="NAME", help="only this connection")
        parser.add_argument("--full", action="store_true", help="ask for all products, not only for what has changed")
        parser.add_argument("--from", dest="first", type=date, metavar="YYYY-MM-DD", help="of receipts")
        parser.add_argument("--to", dest="last", type=date, metavar="YYYY-MM-DD", help="of receipts, included")

    def open(self, **options: Any) -> Run:
        organisation = Organisation.objects.main()
        try:
            run, _created = start_sync(
                organisation=organisation,
                entity=options["entity"],
                connections=connections_named(organisation, options["connection"]),
                full=options["full"],
                from_date=options["first"],
                to_date=options["last"],
                trigger=Trigger.COMMAND,
            )
        except BadRange as error:
            raise usage(sentence(error.code, error.params)) from error
        return run
