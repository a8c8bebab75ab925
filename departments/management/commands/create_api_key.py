"""An API key for a program: printed once, alone on the last line."""

import datetime as dt
import uuid
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.keys import LIMITS, create_api_key
from accounts.models import Membership, Organisation
from accounts.roles import Role
from departments.models import Department
from departments.scopes import limit_to
from runs.cli import usage


def _future_date(text: str) -> dt.date:
    date = dt.date.fromisoformat(text)
    if date <= timezone.localdate():
        raise ArgumentTypeError(f"{text} is over already")
    return date


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ArgumentTypeError(f"{text} is no number of requests")
    return number


class Command(BaseCommand):
    help = "Make an API key. Nobody can read it again later."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="for what the key is")
        parser.add_argument("--role", choices=Role.values, default=Role.INTEGRATOR)
        parser.add_argument(
            "--departments", nargs="+", default=[], metavar="ID", help="only these, by id or exact name"
        )
        parser.add_argument("--expires", type=_future_date, metavar="DATE", help="the last day is the one before it")
        for name in LIMITS:
            span = name.removeprefix("per_")
            parser.add_argument(f"--per-{span}", type=_positive, metavar="N", help=f"most requests per {span}")
        parser.add_argument("--organisation", help="by name; default: the main one")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        organisation = self._organisation(options["organisation"])
        departments = [_department(organisation, text) for text in options["departments"]]
        expires = options["expires"]
        row, secret = create_api_key(
            organisation=organisation,
            name=options["name"],
            role=options["role"],
            all_departments=not departments,
            expires_at=timezone.make_aware(dt.datetime.combine(expires, dt.time())) if expires else None,
            limits={name: options[name] for name in LIMITS},
        )
        if departments:
            limit_to(Membership.objects.get(user=row.user, organisation=organisation), departments)
        where = ", ".join(department.name for department in departments) or "all departments"
        self.stdout.write(f"Key “{row.name}”, {options['role']}, {where}. It is shown this once:")
        self.stdout.write(secret)

    def _organisation(self, name: str | None) -> Organisation:
        if name is None:
            return Organisation.objects.main()
        if (found := Organisation.objects.filter(name=name).first()) is None:
            raise usage(f"There is no organisation named {name}.")
        return found


def _department(organisation: Organisation, text: str) -> Department:
    departments = Department.objects.filter(organisation=organisation)
    try:
        found = list(departments.filter(pk=uuid.UUID(text)))
    except ValueError:
        found = list(departments.filter(name=text)[:2])
    if len(found) != 1:
        what = "More than one department is" if found else "No department is"
        raise usage(f"{what} named {text}. Use its id.")
    return found[0]
