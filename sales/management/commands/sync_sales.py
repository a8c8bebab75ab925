from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from accounts.models import Organisation
from departments.cli import connections_named
from departments.models import Department
from runs.choices import Trigger
from runs.cli import RunCommand, date, usage
from runs.models import Run
from runs.sentences import sentence
from sales.sync import BadRange, start_sync


class Command(RunCommand):
    help = "Loads sales of business dates, both included; default: yesterday and the settling window."
    is_logged = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--from", dest="first", type=date, metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=date, metavar="YYYY-MM-DD")
        parser.add_argument("--connection", metavar="NAME")
        parser.add_argument("--department", metavar="UUID")
        parser.add_argument("--dry-run", action="store_true", help="ask and compare, write nothing")

    def open(self, **options: Any) -> Run:
        organisation = Organisation.objects.main()
        department = None
        if wanted := options["department"]:
            try:
                department = Department.objects.get(organisation=organisation, pk=wanted)
            except (Department.DoesNotExist, ValidationError) as error:
                raise usage(f"There is no department {wanted}.") from error
        try:
            run, _created = start_sync(
                organisation=organisation,
                from_date=options["first"],
                to_date=options["last"],
                connections=connections_named(organisation, options["connection"]),
                department=department,
                dry_run=options["dry_run"],
                trigger=Trigger.COMMAND,
            )
        except BadRange as error:
            raise usage(sentence(error.code, error.params)) from error
        return run
