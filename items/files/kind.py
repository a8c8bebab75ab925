"""What a file is, told from its bytes, and whether it is safe to unpack: decided before anything is unpacked."""

import zipfile
from pathlib import Path

from items.files.refusals import BadFile

CSV, XLSX = "csv", "xlsx"

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DIRECTORY_END = b"PK\x05\x06"
_OTHERS = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x1f\x8b",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x7fELF",
    b"MZ",
    b"BZh",
)
MOST_DIRECTORY = 1 << 20  # bytes of a zip's table of contents: some ten thousand names
MOST_ENTRIES = 2000
MOST_UNPACKED = 512 << 20
MOST_RATIO = 200  # of what is large: a sheet of equal rows is packed about 60 times
SMALL = 16 << 20


def kind_of(path: Path) -> str:
    """CSV or XLSX. Raises BadFile for what is neither, and for a workbook that would unpack to something absurd."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise BadFile("import_empty_file")
    if head.startswith(_OLD_OFFICE):
        raise BadFile("import_old_excel")
    if head.startswith(_ZIP):
        _check_workbook(path)
        return XLSX
    if head.startswith(_OTHERS):
        raise BadFile("import_not_a_table")
    return CSV


def _check_workbook(path: Path) -> None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_600))
        tail = file.read()
    at = tail.rfind(_DIRECTORY_END)
    if at < 0 or len(tail) - at < 22:
        raise BadFile("import_broken_workbook")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > MOST_DIRECTORY:
        raise BadFile("import_bomb")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
        raise BadFile("import_broken_workbook") from None
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names:
        raise BadFile("import_binary_workbook" if "xl/workbook.bin" in names else "import_not_a_table")
    if any(entry.flag_bits & 1 for entry in entries):
        raise BadFile("import_old_excel")
    unpacked = sum(entry.file_size for entry in entries)
    too_dense = any(entry.file_size > SMALL and entry.file_size > MOST_RATIO * entry.compress_size for entry in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or too_dense:
        raise BadFile("import_bomb")
