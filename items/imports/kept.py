"""An import's file and its refused rows, in pieces in the database."""

import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from items.files.refusals import Refusal
from items.models import ImportChunk, ImportJob

PIECE = 1 << 20
REFUSALS_OF_A_PIECE = 5000


def keep_file(job: ImportJob, file: IO[bytes]) -> None:
    """Store the bytes of the file, from its beginning."""
    file.seek(0)
    number = 0
    while piece := file.read(PIECE):
        ImportChunk.objects.create(job=job, what=ImportChunk.What.FILE, number=number, data=piece)
        number += 1


@contextmanager
def kept_file(job: ImportJob) -> Iterator[Path | None]:
    """The path of the file for as long as it is needed; None if it is not kept any more, or was never kept whole."""
    pieces = job.chunks.filter(what=ImportChunk.What.FILE).order_by("number").values_list("number", flat=True)
    numbers = list(pieces)
    if not numbers:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="salesforecast-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as file:
            for number in numbers:
                chunk = job.chunks.get(what=ImportChunk.What.FILE, number=number)
                file.write(bytes(chunk.data))
        yield path if path.stat().st_size == job.file_size_bytes else None


def keep_refusals(job: ImportJob, number: int, refusals: Iterable[Refusal]) -> None:
    """Piece `number` of the refused rows."""
    text = "\n".join(json.dumps(refusal, ensure_ascii=False) for refusal in refusals)
    data = gzip.compress(text.encode(), 3)
    ImportChunk.objects.create(job=job, what=ImportChunk.What.REFUSED, number=number, data=data)


def forget_refusals(job: ImportJob) -> None:
    job.chunks.filter(what=ImportChunk.What.REFUSED).delete()


def kept_refusals(job: ImportJob) -> Iterator[Refusal]:
    """All rows that were refused, in the order of the file."""
    chunks = job.chunks.filter(what=ImportChunk.What.REFUSED).order_by("number")
    for number in list(chunks.values_list("number", flat=True)):
        for line in gzip.decompress(bytes(chunks.get(number=number).data)).decode().split("\n"):
            yield Refusal(*json.loads(line))


def sha256_of(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()
