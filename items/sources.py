"""Who brings item sales: a connection, and what it knows of them."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation

from accounts.models import Organisation
from departments.choices import Kind
from departments.models import Connection
from items.choices import Grain, MadeFor
from items.models import ItemSource


def item_source(organisation: Organisation, name: str, *, kind: str = Kind.PUSH, **knows: Any) -> ItemSource:
    """The source of the connection of that name, both made if missing. `knows` are fields of a source that is made."""
    with transaction.atomic():
        connection, _new = Connection.objects.get_or_create(
            organisation=organisation, name=name, defaults={"kind": kind}
        )
        return source_of(connection, **knows)


def source_of(connection: Connection, **knows: Any) -> ItemSource:
    """What `connection` knows of item sales; `knows` are fields of a source that is made."""
    return ItemSource.objects.select_related("connection", "organisation").get_or_create(
        connection=connection, defaults={"organisation": connection.organisation, **knows}
    )[0]


def files(organisation: Organisation) -> ItemSource:
    """The source of files that people import: lines with money and hours as far as the file has them."""
    return _made_for(organisation, MadeFor.FILES, grain=Grain.LINE, creates_products=True)


def by_hand(organisation: Organisation) -> ItemSource:
    """The source of records that people type."""
    return _made_for(organisation, MadeFor.HAND, grain=Grain.LINE)


def _made_for(organisation: Organisation, purpose: MadeFor, **knows: Any) -> ItemSource:
    rows = ItemSource.objects.select_related("connection", "organisation")
    if found := rows.filter(organisation=organisation, made_for=purpose).first():
        return found
    with translation.override(settings.LANGUAGE_CODE):
        name = str(purpose.label)
    source = item_source(organisation, name, made_for=purpose, **knows)
    if source.made_for != purpose:  # a person's connection bears the name
        source = item_source(organisation, f"{name} ({purpose})", made_for=purpose, **knows)
    return source
