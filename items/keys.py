"""The natural key of a line as a UUID."""

import datetime as dt
import hashlib
from uuid import UUID


def line_id(connection: int, date: dt.date, external_id: str) -> UUID:
    """The id of the line that a source calls `external_id` on a business date: MD5 of "connection|date|external_id".

    PostgreSQL makes the same with `md5(connection || '|' || date || '|' || external_id)::uuid`.
    """
    text = f"{connection}|{date.isoformat()}|{external_id}"
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
