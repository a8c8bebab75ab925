import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from departments.check import check_error
from departments.choices import Kind
from departments.cli import connection_named
from departments.models import Connection
from items.catalogue.analyze import EntitySeen, analyze
from runs.cli import usage, write_json
from runs.logfile import log_file
from runs.sentences import sentence
from sources.errors import SourceError


class Command(BaseCommand):
    help = "Tells the structure of what a source answers: lists, fields, how often they are filled. Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_named(Organisation.objects.main(), options["name"])
        if connection.kind == Kind.PUSH:
            raise usage("A push client comes by itself, there is nothing to ask.")
        with log_file() as say:
            try:
                found = analyze(connection, lambda name: say(f"asking for {name}"))
            except SourceError as error:
                trouble = check_error(error, connection)
                text = sentence(trouble["code"], trouble["params"])
                say(text)
                self.stderr.write(text)
                sys.exit(1)
            for line in self._lines(found, connection):
                say(line)
        if options["json"]:
            lists = [asdict(one) | {"error": self._why(one, connection) or None} for one in found]
            write_json(self.stdout, {"connection": connection.name, "kind": connection.kind, "lists": lists})
        else:
            self.stdout.write("\n".join(self._lines(found, connection)))
        if any(one.error for one in found):
            sys.exit(1)

    def _lines(self, found: list[EntitySeen], connection: Connection) -> list[str]:
        lines = []
        for one in found:
            lines.append(f"{one.name}: {self._why(one, connection) or f'{one.rows} rows'}")
            lines += [f"  {field.name:<32}{field.filled:>6.0%}  {', '.join(field.types)}" for field in one.fields]
        return lines

    def _why(self, one: EntitySeen, connection: Connection) -> str:
        if one.error is None:
            return ""
        trouble = check_error(one.error, connection)
        return sentence(trouble["code"], trouble["params"])
