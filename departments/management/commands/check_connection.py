import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from departments.cli import connection_named
from departments.clients import check_connection
from departments.work import as_error
from runs.sentences import sentence
from sources.errors import SourceError


class Command(BaseCommand):
    help = "Asks a source who we are to it, and says what it found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_named(Organisation.objects.main(), options["name"])
        try:
            facts = check_connection(connection)
        except SourceError as error:
            trouble = as_error(error, connection)
            text = sentence(trouble["code"], trouble["params"])
            if options["json"]:
                self.stdout.write(json.dumps({"ok": False, "code": error.code, "message": text}, ensure_ascii=False))
            else:
                self.stderr.write(text)
            sys.exit(1)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not facts.fields_missing, **asdict(facts)}, ensure_ascii=False))
        else:
            self.stdout.write(f"{connection.name}: login accepted, {facts.departments} departments of {facts.nodes} nodes.")
            if facts.free_slots:
                self.stdout.write(f"Free licence slots: {facts.free_slots}")
            if facts.fields_missing:
                self.stderr.write(f"Fields this server lacks: {', '.join(facts.fields_missing)}")
        if facts.fields_missing:
            sys.exit(1)
