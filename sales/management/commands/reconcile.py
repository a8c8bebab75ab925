from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Organisation
from departments.cli import connections_named
from runs.choices import Trigger
from runs.cli import RunCommand, as_dict, date, usage
from runs.models import Run
from runs.sentences import sentence
from sales.models import Difference
from sales.reconciling import start_reconcile
from sales.sync import BadRange


class Command(RunCommand):
    help = "Compares sales of business dates, both included, with their sources to the last place."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--from", dest="first", type=date, metavar="YYYY-MM-DD", required=True)
        parser.add_argument("--to", dest="last", type=date, metavar="YYYY-MM-DD", required=True)
        parser.add_argument("--connection", metavar="NAME")
        parser.add_argument("--repair", action="store_true", help="load the dates that differ again, and compare again")

    def open(self, **options: Any) -> Run:
        organisation = Organisation.objects.main()
        try:
            run, _created = start_reconcile(
                organisation=organisation,
                from_date=options["first"],
                to_date=options["last"],
                connections=connections_named(organisation, options["connection"]),
                repair=options["repair"],
                trigger=Trigger.COMMAND,
            )
        except BadRange as error:
            raise usage(sentence(error.code, error.params)) from error
        return run

    def report(self, run: Run, *, as_json: bool) -> None:
        found = Difference.objects.filter(run=run).select_related("department", "connection")
        if as_json:
            self.write_json(as_dict(run) | {"differences": [_as_dict(one) for one in found]})
            return
        super().report(run, as_json=False)
        for one in found:
            hour = "" if one.hour is None else f" {one.hour:02d}:00"
            self.stdout.write(
                f"{one.date} {one.department or one.external_id}{hour}: {one.what} {one.ours} / {one.theirs}"
                f" ({one.get_where_display()})"
            )


def _as_dict(one: Difference) -> dict[str, Any]:
    return {
        "connection": one.connection.name,
        "department_id": one.department_id,
        "external_id": one.external_id,
        "date": one.date,
        "hour": one.hour,
        "where": one.where,
        "what": one.what,
        "ours": one.ours,
        "theirs": one.theirs,
    }
