"""The rows that an import refused, as a table."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from items.imports.kept import kept_refusals
from items.imports.sentences import FIELDS, told
from items.models import ImportJob

ERROR_COLUMNS = (_("sheet"), _("row"), _("column"), _("what stood there"), _("reason"))


def error_rows(job: ImportJob) -> Iterator[list[Any]]:
    """ERROR_COLUMNS of each refused row, in the order of the file, in the reader's language."""
    for refusal in kept_refusals(job):
        column = str(FIELDS.get(refusal.field, refusal.field))
        yield [refusal.sheet, refusal.row, column, refusal.text, told(refusal)]
