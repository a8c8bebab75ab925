"""How an answer travels: whole and in time, or harmed on its way as faults say."""

import gzip
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache

from sources.simulator.faults import Planned

HUGE = 200 * 1024 * 1024
PIECE = b" " * (1 << 16)
# What the client has read is not taken back from it by the reset that follows.
BEFORE_RESET = 0.02


def reset(connection: socket.socket) -> None:
    """Break the connection off as a crash does: no farewell, a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close(connection.detach())


def deliver(
    connection: socket.socket,
    wait: Callable[[float], bool],
    answer: tuple[int, str, bytes],
    headers: list[str],
    struck: dict[str, Planned],
    *,
    packed: bool,
) -> bool:
    """Send the answer; False if the connection must end with it. `wait(seconds)` is False when the client left.

    Raises OSError when it leaves in the middle.
    """
    status, content_type, body = answer
    if "wrong_charset" in struck:
        content_type += "" if "charset" in content_type else ";charset=utf-8"
        body = body.decode().encode("cp1251", "xmlcharrefreplace")
    if "wrong_type" in struck:
        content_type = "text/html;charset=utf-8"
    if "truncated" in struck:
        body = body[: len(body) // 2]
    if packed or struck.keys() & {"cut_gzip", "gzip_bomb"}:
        headers = [*headers, "Content-Encoding: gzip"]
        body = bomb() if "gzip_bomb" in struck else gzip.compress(body, 1)
    if "cut_gzip" in struck:
        body = body[: len(body) // 2]
    if "unknown_encoding" in struck:
        headers = [*headers, "Content-Encoding: br"]
    length = len(body)
    if "short_length" in struck:
        length = len(body) // 2
    elif "long_length" in struck:
        length = len(body) + 100
    elif "huge" in struck:
        length = HUGE
    size = "Transfer-Encoding: chunked" if "huge_chunked" in struck else f"Content-Length: {length}"
    whole = length == len(body) and not struck.keys() & {"huge", "huge_chunked", "reset_midway"}
    head = [f"HTTP/1.1 {status} simulated", f"Content-Type: {content_type}", size, *headers]
    start = "\r\n".join([*head, *([] if whole else ["Connection: close"]), "", ""]).encode()
    if struck.keys() & {"huge", "huge_chunked"}:
        connection.sendall(start)
        for piece in _pieces("huge_chunked" in struck):
            connection.sendall(piece)
    elif "reset_midway" in struck:
        connection.sendall(start + body[: len(body) // 2])
        wait(BEFORE_RESET)
        reset(connection)
    elif "drip" in struck:
        connection.sendall(start)
        for place in range(len(body)):
            connection.sendall(body[place : place + 1])
            if not wait(struck["drip"].seconds or 1.0):
                return False
    else:
        # One write: a head sent alone waits for the client's delayed acknowledgement.
        connection.sendall(start + body)
    return whole


def _pieces(chunked: bool) -> Iterator[bytes]:
    for _ in range(HUGE // len(PIECE)):
        yield b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE
    if chunked:
        yield b"0\r\n\r\n"


@cache
def bomb() -> bytes:
    """200 MB in some hundred thousand bytes: one packed block again and again, so that it is made at once."""
    block = b" " * (HUGE // 200)
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(200):
        crc = zlib.crc32(block, crc)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return head + again * 200 + packer.flush() + struct.pack("<LL", crc, len(block) * 200)
