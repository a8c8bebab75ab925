"""What the commands share."""

from accounts.models import Organisation
from departments.connect import connection_of_environment
from departments.models import Connection
from runs.cli import usage


def connections_named(organisation: Organisation, name: str | None) -> list[Connection] | None:
    """The connection of that name in a list; None when no name is given. Wrong usage if there is none."""
    return None if name is None else [connection_named(organisation, name)]


def connection_named(organisation: Organisation, name: str) -> Connection:
    connection_of_environment(organisation)
    found = Connection.objects.filter(organisation=organisation, name=name).select_related("organisation").first()
    if found is None:
        known = ", ".join(Connection.objects.filter(organisation=organisation).values_list("name", flat=True))
        raise usage(f"There is no connection {name!r}. Known: {known or 'none yet, see add_connection'}.")
    return found
