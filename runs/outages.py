"""What fails under the program without any fault of its own: a database that is away, a disk that is full."""

import errno
import re

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

# A database that is restarting, a deadlock it resolved, a lock of SQLite's that was waited for in vain.
PASSING = (OperationalError, InterfaceError)
DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT}
FULL = re.compile(r"no space left|disk is full", re.IGNORECASE)
# PostgreSQL's class 53, insufficient resources; its words are in the language of the server.
DISK_FULL = "53100"
TRY_AGAIN = 30  # seconds
WORDS = {
    "disk_full": _("The disk of the server is full. Nothing was changed. Make room, then try again."),
    "out_of_order": _("The database does not answer. Nothing was changed. Try again in a moment."),
}


def outage(error: BaseException) -> str:
    """`disk_full`, `out_of_order` (the database), or nothing where the program itself is to blame."""
    if getattr(error, "errno", None) in DISK_TROUBLE:
        return "disk_full"
    if not isinstance(error, PASSING):
        return ""
    full = getattr(error.__cause__, "pgcode", None) == DISK_FULL or FULL.search(str(error))
    return "disk_full" if full else "out_of_order"
