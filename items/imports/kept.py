"""An import's file and its refused rows, in pieces in the database."""

import gzip
import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db.models import QuerySet

from items.files.refusals import Refusal
from items.models import ImportChunk, ImportJob

PIECE = 1 << 20
REFUSALS_OF_A_PIECE = 5000
What = ImportChunk.What


def keep_file(job: ImportJob, file: IO[bytes]) -> None:
    """Store the bytes of the file, from its beginning."""
    file.seek(0)
    number = 0
    while piece := file.read(PIECE):
        packed = zlib.compress(piece, 1)
        # A workbook is packed already.
        what, data = (What.PACKED, packed) if len(packed) < len(piece) else (What.FILE, piece)
        ImportChunk.objects.create(job=job, what=what, number=number, data=data)
        number += 1


@contextmanager
def kept_file(job: ImportJob) -> Iterator[Path | None]:
    """The path of the file for as long as it is needed; None if it is not kept any more, or was never kept whole."""
    numbers = list(_pieces(job).values_list("number", flat=True))
    if not numbers:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="salesforecast-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as file:
            for number in numbers:
                file.write(_unpacked(_pieces(job).get(number=number)))
        yield path if path.stat().st_size == job.file_size_bytes else None


def _pieces(job: ImportJob) -> QuerySet[ImportChunk]:
    return ImportChunk.objects.filter(job=job, what__in=(What.FILE, What.PACKED)).order_by("number")


def _unpacked(piece: ImportChunk) -> bytes:
    """Its part of the file; nothing of a piece that was not kept whole."""
    try:
        return zlib.decompress(piece.data) if piece.what == What.PACKED else bytes(piece.data)
    except zlib.error:
        return b""


def keep_refusals(job: ImportJob, number: int, refusals: Iterable[Refusal]) -> None:
    """Piece `number` of the refused rows."""
    text = "\n".join(json.dumps(refusal, ensure_ascii=False) for refusal in refusals)
    data = gzip.compress(text.encode(), 3)
    ImportChunk.objects.create(job=job, what=What.REFUSED, number=number, data=data)


def forget_refusals(job: ImportJob) -> None:
    job.chunks.filter(what=What.REFUSED).delete()


def kept_refusals(job: ImportJob) -> Iterator[Refusal]:
    """All rows that were refused, in the order of the file."""
    chunks = job.chunks.filter(what=What.REFUSED).order_by("number")
    for number in list(chunks.values_list("number", flat=True)):
        for line in gzip.decompress(bytes(chunks.get(number=number).data)).decode().split("\n"):
            yield Refusal(*json.loads(line))


def sha256_of(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
