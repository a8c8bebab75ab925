"""The run of an import: the whole file is checked first, then stored day by day, each batch with its place."""

from __future__ import annotations

import datetime as dt
import gc
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from items.choices import JobStatus
from items.coded import distinct
from items.days import refresh_days
from items.files import columns as names
from items.files.book import look_into
from items.files.kind import CSV
from items.files.layout import sources_of
from items.files.refusals import BadFile, Refusal
from items.imports.kept import REFUSALS_OF_A_PIECE, forget_refusals, keep_refusals, kept_file
from items.imports.lines import Day, Lines, days_of, lines_of, possible_repeats
from items.imports.receive import layout_of, makes_products
from items.imports.resolve import HouseResolver
from items.imports.sheets import open_sheet
from items.imports.spool import Spool
from items.models import ImportJob, Product
from items.sources import source_of
from items.store import Stored, store_lines
from runs.choices import State
from runs.ledger import Cancelled, RunFailed, Work
from runs.registry import Outcome

SHOWN_ERRORS = 100  # of refused rows; all of them are in the error file
REFRESHED_DATES = 31  # so many stored dates are added up and published together
CHECKING, WHOLE = 400, 1000  # of the progress
# Fewer transactions cost less, but as many there are of a large file, and memory holds no more rows than these.
BATCHES, MOST_ROWS = 50, 20_000

T = TypeVar("T")


class Batch(NamedTuple):
    """Whole dates up to `last`, as the store takes them; `done`: rows up to here, of the whole file."""

    last: str
    done: int
    rows: int
    lines: Lines
    whole: set[Day] | None
    repeats: int


def import_sales(work: Work) -> Outcome:
    job = ImportJob.objects.select_related("organisation", "connection", "department", "created_by").get(
        pk=work.run.params["job"]
    )
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.PROCESSING)
    ImportJob.objects.filter(pk=job.pk, started_at=None).update(started_at=timezone.now())
    try:
        with kept_file(job) as path, Spool() as spool:
            if path is None:
                raise BadFile("import_file_gone")
            import_ = Import(work, job)
            with without_collector():
                import_.check(path, spool)
                import_.store(spool)
        return import_.end()
    except BadFile as error:
        _failed(job, [{"code": error.code, "params": error.params}])
        raise RunFailed(error.code, **error.params) from error
    except Cancelled:
        refresh_days(source_of(job.connection), run=work.run)
        _failed(job, [{"code": "cancelled", "params": {}}])
        raise


@contextmanager
def without_collector() -> Iterator[None]:
    """Rows make no cycles, but the collector would look through all of them again and again: twice the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _failed(job: ImportJob, errors: list[dict[str, Any]]) -> None:
    ImportJob.objects.filter(pk=job.pk).update(status=JobStatus.FAILED, error_log=errors, completed_at=timezone.now())


class Import:
    def __init__(self, work: Work, job: ImportJob) -> None:
        self.work, self.job = work, job
        self.layout = layout_of(job)
        self.source = source_of(job.connection)
        self.rows = self.refused = 0
        self.first_errors: list[dict[str, Any]] = []
        self.products: dict[str, str] = {}
        self.counts: Counter[str] = Counter(job.options.get("counts", {}))
        self.stored_through = job.options.get("stored_through", "")

    def check(self, path: Path, spool: Spool) -> None:
        """Judge every row: what is taken goes to the spool, what is refused is kept with its reason. Raises BadFile."""
        with transaction.atomic():
            forget_refusals(self.job)
            self.work.guard()
        refusals: list[Refusal] = []
        pieces = 0
        book = None if self.job.file_type == CSV else look_into(path)
        sources = sources_of(path, self.layout, book)
        resolver = HouseResolver(self.source, self.job.created_by, self.job.department, make=makes_products(self.job))
        for number, (sheet, source) in enumerate(sources):
            checker, parts = open_sheet(self.layout, sheet, source, resolver, bool(book and book.from_1904))
            for part in parts:
                checked = checker.check(part)
                self.rows += checked.rows
                if self.rows > settings.MAX_IMPORT_ROWS:
                    raise BadFile("import_too_many_rows", limit=settings.MAX_IMPORT_ROWS)
                if len(checked.row):
                    spool.add(checked.lines)
                refusals += checked.refusals
                self.refused += len(checked.refusals)
                while len(refusals) >= REFUSALS_OF_A_PIECE:
                    self._keep(pieces, refusals[:REFUSALS_OF_A_PIECE])
                    refusals, pieces = refusals[REFUSALS_OF_A_PIECE:], pieces + 1
                share = (number + source.share) / len(sources)
                self.work.progress(round(share * CHECKING), WHOLE, "import_checking", rows=self.rows)
        if refusals:
            self._keep(pieces, refusals)
        if not self.rows:
            raise BadFile("import_empty_file")
        self._settle(resolver)

    def _settle(self, resolver: HouseResolver) -> None:
        """Only a file that was read to its end makes products."""
        products = Product.objects.filter(organisation=self.job.organisation)
        with transaction.atomic():
            before = products.count()
            self.products = resolver.settle()
            self.counts["products"] += products.count() - before
            self.job.options["counts"] = dict(self.counts)
            ImportJob.objects.filter(pk=self.job.pk).update(
                total_rows=self.rows,
                failed_rows=self.refused,
                processed_rows=self.refused + self.job.successful_rows,
                error_log=self.first_errors,
                options=self.job.options,
            )
            self.work.guard()

    def _keep(self, number: int, refusals: list[Refusal]) -> None:
        room = SHOWN_ERRORS - len(self.first_errors)
        self.first_errors += [refusal._asdict() for refusal in refusals[:room]]
        with transaction.atomic():
            keep_refusals(self.job, number, refusals)
            self.work.guard()

    def store(self, spool: Spool) -> None:
        """Store whole dates, oldest first; after an interruption those that are not stored yet."""
        taken = self.rows - self.refused
        waiting: set[dt.date] = set()
        for batch in ahead(self._batches(spool, taken)):
            waiting.update(distinct(batch.lines["date"]))
            refresh = len(waiting) >= REFRESHED_DATES
            self._store(batch, refresh=refresh)
            if refresh:
                waiting.clear()
            place = CHECKING + round((WHOLE - CHECKING) * 0.98 * batch.done / taken)
            self.work.progress(place, WHOLE, "import_storing", rows=batch.done, of=taken)
        with transaction.atomic():
            refresh_days(self.source, run=self.work.run)
            self.work.guard()

    def _batches(self, spool: Spool, taken: int) -> Iterator[Batch]:
        least = max(settings.IMPORT_BATCH_SIZE, min(taken // BATCHES, MOST_ROWS))
        # Receipts say themselves which line is which; and a file with refused rows does not hold whole days.
        whole = not self.refused and names.TRANSACTION not in self.layout.columns
        stored_through, done = self.stored_through, 0
        for date, columns in spool.batches(least):
            rows, last = len(columns["date"]), date.isoformat()
            done += rows
            if last <= stored_through:
                continue
            columns["product"] = columns["product"].mapped(lambda product: self.products.get(product, product))
            repeats = possible_repeats(columns) if settings.ENABLE_DUPLICATE_DETECTION else 0
            yield Batch(last, done, rows, lines_of(columns), days_of(columns) if whole else None, repeats)

    def _store(self, batch: Batch, *, refresh: bool) -> None:
        with transaction.atomic():
            stored = store_lines(
                self.source,
                batch.lines,
                run=self.work.run,
                user=self.job.created_by,
                job=self.job.pk,
                whole=batch.whole,
                refresh=False,
            )
            if refresh:
                refresh_days(self.source, run=self.work.run)
            self._count(stored, batch)
            self.stored_through = batch.last
            self.job.options |= {"counts": dict(self.counts), "stored_through": batch.last}
            ImportJob.objects.filter(pk=self.job.pk).update(
                successful_rows=batch.done, processed_rows=batch.done + self.refused, options=self.job.options
            )
            self.work.guard()

    def _count(self, stored: Stored, batch: Batch) -> None:
        for name in ("inserted", "updated", "unchanged", "deleted"):
            self.counts[name] += getattr(stored, name)
        self.counts["repeated"] += batch.rows - (stored.inserted + stored.updated + stored.unchanged)
        if settings.ENABLE_DUPLICATE_DETECTION:
            self.counts["possible_repeats"] += batch.repeats

    def end(self) -> Outcome:
        taken = self.rows - self.refused
        counts = {"rows": self.rows, "stored": taken, "refused": self.refused, **self.counts}
        errors: list[dict[str, Any]] = []
        if self.refused:
            errors.append({"code": "import_rows_refused", "params": {"refused": self.refused, "rows": self.rows}})
        if repeats := self.counts.get("possible_repeats"):
            errors.append({"code": "import_possible_repeats", "params": {"rows": repeats}, "warning": True})
        status = JobStatus.COMPLETED if taken else JobStatus.FAILED
        ImportJob.objects.filter(pk=self.job.pk).update(
            status=status, successful_rows=taken, processed_rows=self.rows, completed_at=timezone.now()
        )
        state = State.FAILED if not taken else State.PARTIAL if self.refused else State.DONE
        return Outcome(state, counts, errors)


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items; while one is in use, a thread makes the next."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
