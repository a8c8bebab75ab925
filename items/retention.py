"""Lines that are older than they must be kept are deleted; what they came to stays.

Roll-ups, observations and published sales are not touched: forecasts and yearly comparisons go on with them. From
then on the cleaned dates take no lines any more, as nobody could say what they come to.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts.models import Organisation
from departments.timing import organisation_today
from items.days import refresh_stale
from items.locks import lock_lines
from items.models import ItemSource, Receipt, ReplacedLine, SaleLine, StaleDay
from items.undo import UNDO_DAYS
from runs import clock
from runs.ledger import Work
from runs.registry import Outcome

ROWS_OF_A_BATCH = 20_000


@dataclass(frozen=True)
class Cleaned:
    """How many rows of dates before `kept_from` were deleted, or would be."""

    kept_from: dt.date
    lines: int = 0
    receipts: int = 0


def oldest_kept(organisation: Organisation) -> dt.date:
    """The first date of which lines must be kept today."""
    today = organisation_today(organisation)
    year = today.year - settings.SALES_DATA_RETENTION_YEARS
    return today.replace(year=year, day=min(today.day, 28) if today.month == 2 else today.day)


def clean(
    organisation: Organisation, *, dry_run: bool = False, progress: Callable[[int], None] = lambda done: None
) -> Cleaned:
    """Delete lines and receipts of dates before `oldest_kept`, in batches that are committed one by one."""
    first = oldest_kept(organisation)
    lines = SaleLine.objects.filter(organisation=organisation, date__lt=first)
    receipts = Receipt.objects.filter(organisation=organisation, date__lt=first)
    if dry_run:
        return Cleaned(first, lines.count(), receipts.count())
    if not lines.exists() and not receipts.exists():
        return Cleaned(first)
    with transaction.atomic():
        sources = ItemSource.objects.filter(organisation=organisation)
        for source in sources.order_by("pk"):
            lock_lines(source.pk)
        sources.update(kept_from=first)
        ReplacedLine.objects.filter(organisation=organisation, date__lt=first).delete()
    deleted = 0
    while ids := list(lines.order_by().values_list("pk", flat=True)[:ROWS_OF_A_BATCH]):
        deleted += SaleLine.objects.filter(pk__in=ids)._raw_delete(using=lines.db)
        progress(deleted)
    return Cleaned(first, deleted, receipts._raw_delete(using=receipts.db))


def clean_items(work: Work) -> Outcome:
    """The handler of the run "clean_items"."""
    organisation = work.run.organisation
    total = clean(organisation, dry_run=True).lines

    def tell(done: int) -> None:
        work.progress(done, total, "cleaning_items", done=done, total=total)

    cleaned = clean(organisation, progress=tell)
    return Outcome(counts={"lines": cleaned.lines, "receipts": cleaned.receipts})


def tidy() -> int:
    """Called by the keeper: days that an interrupted delivery left behind, and what imports replaced long ago.

    Returns how many rows changed or went.
    """
    stale = Organisation.objects.filter(pk__in=StaleDay.objects.values("connection__organisation"))
    changed = sum(refresh_stale(organisation) for organisation in stale)
    old = ReplacedLine.objects.filter(kept_at__lt=clock.now() - dt.timedelta(days=UNDO_DAYS))
    return changed + old._raw_delete(using=old.db)
