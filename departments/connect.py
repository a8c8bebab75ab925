"""Adding and changing connections."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from departments.choices import Kind
from departments.models import Connection


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
) -> tuple[Connection, bool]:
    """Add the connection of that name, or change it; says whether it is new. Raises ValidationError."""
    if kind != Kind.PUSH:
        check_url(url)
    if kind == Kind.IIKO and not (login and password):
        raise ValidationError(_("An iiko server needs a login and a password."))
    return Connection.objects.update_or_create(
        organisation=organisation,
        name=name,
        defaults={
            "kind": kind,
            "url": url,
            "login": login,
            "password": password,
            "api_key": api_key,
            "is_active": True,
            "facts": {},
        },
    )


def check_url(url: str) -> None:
    """Raise ValidationError unless `url` is an http(s) address with a host and without credentials in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError(_("The address must look like https://chain.iiko.it/resto."))
    if parts.username or parts.password:
        raise ValidationError(_("Login and password do not belong into the address."))
