"""Ask a virus scanner (clamd) about a file, if one is configured."""

import logging
import socket
from typing import IO

from django.conf import settings

from items.files.refusals import BadFile

log = logging.getLogger(__name__)
PIECE = 1 << 16
SECONDS = 60


def scan(file: IO[bytes]) -> None:
    """Nothing if the file is clean or nobody is asked.

    Raises BadFile for a file that is not, and for one that cannot be judged: an unscanned file does not come in.
    """
    if not settings.CLAMD_ADDRESS:
        return
    try:
        answer = _ask(file)
    except OSError as error:
        log.error("clamd at %s does not answer: %s", settings.CLAMD_ADDRESS, error)
        raise BadFile("import_not_scanned") from None
    if answer.endswith("FOUND"):
        raise BadFile("import_infected", virus=answer.removeprefix("stream: ").removesuffix(" FOUND")[:100])
    if not answer.endswith("OK"):
        log.error("clamd at %s answered: %s", settings.CLAMD_ADDRESS, answer[:200])
        raise BadFile("import_not_scanned")


def _ask(file: IO[bytes]) -> str:
    """What clamd answers to INSTREAM: pieces, each after its length, ended by an empty one."""
    with _connected() as server:
        server.sendall(b"zINSTREAM\0")
        file.seek(0)
        while piece := file.read(PIECE):
            server.sendall(len(piece).to_bytes(4, "big") + piece)
        server.sendall(bytes(4))
        answer = b""
        while not answer.endswith(b"\0") and (part := server.recv(4096)):
            answer += part
    return answer.rstrip(b"\0\n").decode(errors="replace").strip()


def _connected() -> socket.socket:
    address = settings.CLAMD_ADDRESS
    if address.startswith("/"):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.settimeout(SECONDS)
        server.connect(address)
        return server
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)
