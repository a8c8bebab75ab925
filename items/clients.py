"""Who delivers item sales over HTTP: each client is a connection of its own, made when it first comes."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Organisation, User
from departments.choices import Kind
from departments.models import Connection
from items.choices import Grain
from items.models import ItemSource

LONGEST_NAME = 80


def client_name(user: User, key: Any) -> str:
    """The name of the API key, so that a renewed key of the same name goes on; else that of the person."""
    return (key.name if isinstance(key, ApiKey) else user.username)[:LONGEST_NAME]


def client_source(organisation: Organisation, client: str, grain: Grain) -> ItemSource:
    """What `client` delivers in this grain, made if it is new. One found again whatever people call its connection."""
    rows = ItemSource.objects.select_related("connection", "organisation")
    known = {"organisation": organisation, "client": client, "grain": grain}
    if found := rows.filter(**known).first():
        return found
    knows_all = grain == Grain.LINE
    while True:
        try:
            with transaction.atomic():
                connection = Connection.objects.create(
                    organisation=organisation, kind=Kind.PUSH, name=_free_name(organisation, client, grain)
                )
                ItemSource.objects.create(connection=connection, has_money=knows_all, has_hours=knows_all, **known)
        except IntegrityError:  # somebody else was quicker, with the client or with the name
            pass
        if found := rows.filter(**known).first():
            return found


def _free_name(organisation: Organisation, client: str, grain: Grain) -> str:
    with translation.override(settings.LANGUAGE_CODE):
        name = client if grain == Grain.PRODUCT_DAY else _("%(client)s (receipts)") % {"client": client}
    taken = set(
        Connection.objects.filter(organisation=organisation, name__startswith=name).values_list("name", flat=True)
    )
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
