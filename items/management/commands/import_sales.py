import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from accounts.models import Organisation
from departments.models import Department
from items.files.layout import declared
from items.files.refusals import BadFile
from items.files.text import ENCODINGS
from items.files.values import DECIMALS, ORDERS
from items.imports.receive import CREATE, REFUSE, open_questions, receive, start_import
from items.imports.sentences import told
from items.models import ImportJob
from runs.choices import Trigger
from runs.cli import RunCommand, usage
from runs.models import Run
from runs.sentences import sentence

SHOWN = 20  # refused rows


class Command(RunCommand):
    help = "Imports a file of item sales: CSV or XLSX with date, product, quantity, price, in columns of any names."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--mapping", metavar="JSON", help='columns: {"date": "Day", "product": "Article", ...}')
        parser.add_argument("--date-order", choices=ORDERS, help="of dates that may be read in two ways")
        parser.add_argument("--decimal", choices=DECIMALS, help="the sign before decimals")
        parser.add_argument("--encoding", choices=ENCODINGS, help="of a CSV")
        parser.add_argument("--sheet", action="append", metavar="NAME", help="of a workbook; may be given again")
        parser.add_argument("--returns", action="store_true", help="negative quantities are returns")
        parser.add_argument("--unknown-products", choices=[CREATE, REFUSE])
        parser.add_argument("--department", metavar="UUID", help="whose sales these are, of rows that name nobody")

    def open(self, **options: Any) -> Run:
        organisation = Organisation.objects.main()
        try:
            with options["file"].open("rb") as file:
                job, look = receive(
                    file,
                    name=options["file"].name,
                    organisation=organisation,
                    user=None,
                    department=_department(organisation, options["department"]),
                    wish=declared(_wish(options)),
                    products=options["unknown_products"] or "",
                )
        except OSError as error:
            raise usage(f"{options['file']}: {error.strerror}") from error
        except BadFile as error:
            raise usage(sentence(error.code, error.params)) from error
        if questions := open_questions(job, look):
            job.delete()
            raise usage("\n".join(sentence(error.code, error.params) for error in questions))
        return start_import(job, user=None, trigger=Trigger.COMMAND)

    def report(self, run: Run, *, as_json: bool) -> None:
        super().report(run, as_json=as_json)
        job = ImportJob.objects.get(pk=run.params["job"])
        for error in job.error_log[:SHOWN]:
            if "row" in error:
                self.stderr.write(f"{error['sheet']} {error['row']}: {told(error)}".strip())


def _wish(options: dict[str, Any]) -> dict[str, Any]:
    try:
        mapping = json.loads(options["mapping"] or "{}")
    except ValueError as error:
        raise usage("--mapping wants JSON.") from error
    if not isinstance(mapping, dict):
        raise usage("--mapping wants a JSON object.")
    wish = mapping if "columns" in mapping else {"columns": mapping}
    given = {"order": "date_order", "decimal": "decimal", "encoding": "encoding", "sheets": "sheet"}
    wish |= {name: options[option] for name, option in given.items() if options[option]}
    return {**wish, "returns": wish.get("returns", False) or options["returns"]}


def _department(organisation: Organisation, wanted: str | None) -> Department | None:
    if not wanted:
        return None
    try:
        return Department.objects.get(organisation=organisation, pk=wanted)
    except (Department.DoesNotExist, ValidationError) as error:
        raise usage(f"There is no department {wanted}.") from error
