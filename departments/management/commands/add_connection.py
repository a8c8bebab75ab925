import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser

from accounts.models import Organisation
from departments.choices import Kind
from departments.connect import add_connection
from runs.cli import usage


class Command(BaseCommand):
    help = "Adds a source of sales or departments, or changes the one of that name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", choices=Kind.values, default=Kind.IIKO)
        parser.add_argument("--name", required=True)
        parser.add_argument("--url", default="", help="e.g. https://chain.iiko.it:443/resto, of 1C http://host:5555/v1")
        parser.add_argument("--login", default="", help="default: IIKO_API_LOGIN")
        parser.add_argument("--password", default="", help="default: CONNECTION_PASSWORD, else IIKO_API_PASSWORD")
        parser.add_argument("--api-key", default="", help="of a 1C service")
        parser.add_argument("--auth-header", default="", help="which carries the API key; default: X-API-Key")

    def handle(self, *args: Any, **options: Any) -> None:
        iiko = options["kind"] == Kind.IIKO
        password = options["password"] or os.environ.get("CONNECTION_PASSWORD", "")
        try:
            connection, created = add_connection(
                Organisation.objects.main(),
                kind=options["kind"],
                name=options["name"],
                url=options["url"],
                login=options["login"] or (settings.IIKO_API_LOGIN if iiko else ""),
                password=password or (settings.IIKO_API_PASSWORD if iiko else ""),
                api_key=options["api_key"],
                auth_header=options["auth_header"],
            )
        except ValidationError as error:
            raise usage(" ".join(error.messages)) from error
        self.stdout.write(
            f"{connection.name}: {'added' if created else 'changed'}. Next: check_connection {connection.name!r}"
        )
