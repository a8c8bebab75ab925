"""A file comes in: measured, scanned, looked at, kept; then a run is opened for it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import transaction

from accounts.models import Organisation, User
from departments.models import Department
from items.files import columns as names
from items.files.layout import Layout, Look, declared, look_at
from items.files.refusals import BadFile
from items.imports.kept import keep_file, kept_file, sha256_of
from items.imports.resolve import only_department
from items.imports.scan import scan
from items.models import ImportJob, ImportLayout
from items.sources import files
from runs.choices import Trigger
from runs.ledger import open_run
from runs.models import Run

CREATE, REFUSE = "create", "refuse"


def receive(
    file: IO[bytes],
    *,
    name: str,
    organisation: Organisation,
    user: User | None,
    department: Department | None = None,
    wish: Layout | None = None,
    products: str = "",
    kind: str = "",
    job_name: str = "",
) -> tuple[ImportJob, Look]:
    """Keep the file as a pending import and tell what it looks like. Nothing is kept if it raises BadFile.

    `products`: create or refuse unknown ones; empty: create those that are named, refuse those that have a code.
    `kind`: what the file is said to be; another one is refused. Without `department` the only one there is is meant.
    """
    size = file.seek(0, 2)
    if size > settings.MAX_IMPORT_FILE_SIZE_MB * 1_000_000:
        raise BadFile("import_file_too_large", limit=settings.MAX_IMPORT_FILE_SIZE_MB)
    scan(file)
    with _on_disk(file) as path:
        look = look_at(path, wish, remembered(organisation))
    if kind and look.kind != kind:
        raise BadFile("import_other_kind", kind=look.kind)
    job = ImportJob.objects.create(
        organisation=organisation,
        connection=files(organisation).connection,
        department=department or only_department(organisation, user),
        job_name=job_name[:255],
        file_name=(name or "file")[:255],
        file_size_bytes=size,
        file_type=look.kind,
        sha256=sha256_of(file),
        column_mapping=look.layout.columns,
        options={
            "layout": look.layout.as_json(),
            "unsure": look.unsure,
            "products": products,
            "signature": names.signature(look.names),
        },
        created_by=user,
    )
    keep_file(job, file)
    return job, look


@contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(prefix="salesforecast-import-") as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
        yield Path(copy.name)


def remembered(organisation: Organisation) -> dict[str, Layout]:
    """How files with the same columns were read before, by signature."""
    rows = ImportLayout.objects.filter(organisation=organisation).order_by("-used_at")[:200]
    found = {}
    for row in rows:
        try:
            found[row.signature] = declared(row.layout)
        except BadFile:  # of an older version
            continue
    return found


def open_questions(job: ImportJob, look: Look) -> list[BadFile]:
    """What somebody has to say before the file can be imported."""
    asked = [BadFile(f"import_unsure_{what}") for what in look.unsure]
    if look.missing:
        asked.append(
            BadFile("import_fields_missing", fields=", ".join(look.missing), columns=", ".join(look.names)[:500])
        )
    if names.DEPARTMENT not in look.layout.columns and job.department is None:
        asked.append(BadFile("import_which_department"))
    return asked


def look_again(job: ImportJob, wish: Layout) -> Look:
    """The kept file as it looks when `wish` is declared. Raises BadFile."""
    with kept_file(job) as path:
        if path is None:
            raise BadFile("import_file_gone")
        return look_at(path, wish, remembered(job.organisation))


def declare(job: ImportJob, layout: Layout, **options: Any) -> None:
    """Decide how a pending import is read."""
    job.column_mapping = layout.columns
    job.options = {**job.options, "layout": layout.as_json(), **options}
    job.save(update_fields=["column_mapping", "options", "department", "job_name"])


def start_import(job: ImportJob, *, user: User | None, trigger: str = Trigger.PAGE) -> Run:
    """Open the run of a pending import; the way it is read is remembered for files like it. Twice is once."""
    layout = layout_of(job)
    with transaction.atomic():
        run, _created = open_run(
            "import_sales",
            organisation=job.organisation,
            unit=str(job.pk),
            trigger=trigger,
            started_by=user,
            params={"job": str(job.pk)},
        )
        ImportJob.objects.filter(pk=job.pk).update(run=run)
        if job.options.get("signature"):
            ImportLayout.objects.update_or_create(
                organisation=job.organisation,
                signature=job.options["signature"],
                defaults={"layout": replace(layout, encoding="", separator="", sheets=()).as_json()},
            )
    job.run = run
    return run


def layout_of(job: ImportJob) -> Layout:
    return declared(job.options["layout"])


def makes_products(job: ImportJob) -> bool:
    """Whether unknown products are made: as chosen, else those that are known by name only."""
    chosen = job.options.get("products")
    return chosen == CREATE if chosen else names.CODE not in layout_of(job).columns
