"""Adding and changing connections."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from departments.choices import Kind
from departments.models import Connection

ENVIRONMENT_NAME = "1C"


@transaction.atomic
def add_connection(
    organisation: Organisation,
    *,
    kind: str,
    name: str,
    url: str = "",
    login: str = "",
    password: str = "",
    api_key: str = "",
    auth_header: str = "",
) -> tuple[Connection, bool]:
    """Add the connection of that name, or change it; says whether it is new. Raises ValidationError."""
    if kind != Kind.PUSH:
        check_url(url)
    if kind == Kind.IIKO and not (login and password):
        raise ValidationError(_("An iiko server needs a login and a password."))
    header = {"auth_header": auth_header} if auth_header else {}
    return Connection.objects.update_or_create(
        organisation=organisation,
        name=name,
        defaults={
            "kind": kind,
            "url": url,
            "login": login,
            "password": password,
            "api_key": api_key,
            **header,
            "is_active": True,
            "facts": {},
        },
    )


def connection_of_environment(organisation: Organisation) -> Connection | None:
    """The 1C connection that API_BASE_URL and API_KEY ask for, made or brought in line with them; None without them.

    It belongs to the main organisation.
    A connection of that address that a person made, or switched off, is left as it is but for its key.
    """
    if not (settings.API_BASE_URL and settings.API_KEY) or organisation != Organisation.objects.main():
        return None
    rows = Connection.objects.filter(organisation=organisation, kind=Kind.ONEC)
    found = rows.filter(url=settings.API_BASE_URL).first() or rows.filter(name=ENVIRONMENT_NAME).first()
    if found is None:
        return add_connection(
            organisation,
            kind=Kind.ONEC,
            name=ENVIRONMENT_NAME,
            url=settings.API_BASE_URL,
            api_key=settings.API_KEY,
        )[0]
    if (found.url, found.api_key) != (settings.API_BASE_URL, settings.API_KEY):
        found.url, found.api_key, found.facts = settings.API_BASE_URL, settings.API_KEY, {}
        found.save(update_fields=["url", "api_key", "facts"])
    return found


def check_url(url: str) -> None:
    """Raise ValidationError unless `url` is an http(s) address with a host and without credentials in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError(_("The address must look like https://chain.iiko.it/resto."))
    if parts.username or parts.password:
        raise ValidationError(_("Login and password do not belong into the address."))
