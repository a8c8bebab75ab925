"""Who writes item sales waits for who is writing already. SQLite lets in one writer anyhow."""

from uuid import UUID

from django.db import connection as database

from sales.sql import is_postgresql

# Where both are taken, the lines come first, and one transaction writes the lines of one source (or takes the locks of
# all it needs in the order of their ids before it begins): nobody waits for somebody who waits for them.
_LINES, _ROLLUPS, _PRODUCTS = 7301, 7302, 7303


def lock_lines(connection: int) -> None:
    """No other transaction writes lines of the connection until this one ends."""
    _lock(_LINES, connection)


def lock_rollups(organisation: UUID) -> None:
    """No other transaction writes the organisation's roll-ups until this one ends."""
    _lock(_ROLLUPS, _number(organisation))


def lock_products(organisation: UUID) -> None:
    """No other transaction creates products of the organisation until this one ends."""
    _lock(_PRODUCTS, _number(organisation))


def _number(organisation: UUID) -> int:
    """31 bits of the id; two organisations that share them merely wait for each other."""
    return organisation.int & 0x7FFFFFFF


def _lock(what: int, whose: int) -> None:
    if not database.in_atomic_block:
        raise RuntimeError("A lock needs a transaction.")
    if is_postgresql():
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [what, whose])
