import datetime as dt
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from departments.check import check_error
from departments.choices import Kind
from departments.cli import connection_named
from departments.clients import ask_for_sales, check_connection
from departments.findings import findings
from departments.models import Connection
from departments.timing import connection_today
from runs.cli import usage
from runs.logfile import log_file
from runs.sentences import sentence
from sources.errors import SourceError
from sources.onec.types import ServiceFacts
from sources.transcript import Transcript


class Command(BaseCommand):
    help = "Asks a source who we are to it, and says what it found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--sales", action="store_true", help="also ask for the sales of yesterday")
        parser.add_argument(
            "--record", metavar="FILE", type=Path, help="keep what was said, without the secrets, to be played again"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_named(Organisation.objects.main(), options["name"])
        if options["sales"] and connection.kind != Kind.IIKO:
            raise usage("Only an iiko server is asked for sales.")
        with log_file() as say:
            self._check(connection, _Teller(self, say, as_json=options["json"]), **options)

    def _check(self, connection: Connection, teller: "_Teller", **options: Any) -> None:
        transcript = Transcript() if options["record"] else None
        try:
            facts = check_connection(connection, transcript)
            yesterday = connection_today(connection) - dt.timedelta(days=1)
            sales = ask_for_sales(connection, yesterday, transcript).rows if options["sales"] else None
        except SourceError as error:
            trouble = check_error(error, connection)
            text = sentence(trouble["code"], trouble["params"])
            teller.bad(text)
            teller.answer({"ok": False, "code": error.code, "message": text})
            sys.exit(1)
        finally:
            if transcript:
                self._keep(transcript, options["record"])
        if isinstance(facts, ServiceFacts):
            self._say_books(connection, facts, teller)
            return
        found = asdict(facts)
        teller.good(f"{connection.name}: login accepted, {facts.departments} departments of {facts.nodes} nodes.")
        if sales is not None:
            total = sum((row.revenue for row in sales), Decimal(0))
            branches = len({row.external_id for row in sales})
            found["sales"] = {"date": str(yesterday), "branches": branches, "revenue": f"{total:.2f}"}
            teller.good(f"Sales of {yesterday}: {total:.2f} in {branches} branches.")
        for finding in findings(connection):
            (teller.good if finding.tone == "success" else teller.bad)(finding.text)
        teller.answer({"ok": not facts.fields_missing, **found})
        if facts.fields_missing:
            sys.exit(1)

    def _keep(self, transcript: Transcript, file: Path) -> None:
        try:
            transcript.write(file)
        except OSError as error:
            raise usage(f"{file} cannot be written: {error.strerror}.") from None
        self.stderr.write(
            f"Kept in {file}, without login, password, key and token. Look through it before you send it."
        )

    def _say_books(self, connection: Connection, facts: ServiceFacts, teller: "_Teller") -> None:
        teller.good(
            f"{connection.name}: key accepted, {facts.objects} objects of {facts.companies} companies; "
            f"{facts.orphans} without their parent, {facts.without_bin} without a BIN."
        )
        if facts.objects:
            teller.good("Next: sync_departments, then the page “1C and departments”.")
        else:
            teller.bad(sentence("empty_object_list", {"source": connection.name}))
        teller.answer({"ok": facts.objects > 0, **asdict(facts)})
        if not facts.objects:
            sys.exit(1)


@dataclass(frozen=True)
class _Teller:
    """Sentences for the log file and the console, or, with `as_json`, for the log file beside one answer."""

    command: BaseCommand
    say: Callable[[str], None]
    as_json: bool

    def good(self, text: str) -> None:
        self.say(text)
        if not self.as_json:
            self.command.stdout.write(text)

    def bad(self, text: str) -> None:
        self.say(text)
        if not self.as_json:
            self.command.stderr.write(text)

    def answer(self, document: dict[str, Any]) -> None:
        if self.as_json:
            self.command.stdout.write(json.dumps(document, ensure_ascii=False))
