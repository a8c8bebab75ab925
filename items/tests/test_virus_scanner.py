"""A file goes through clamd first, if there is one; what cannot be judged does not come in."""

import io
import socket
import threading

import pytest

from items.files.refusals import BadFile
from items.imports.scan import scan

pytestmark = pytest.mark.unit
VIRUS = b"X5O!P%@AP-EICAR"


@pytest.fixture
def clamd(settings):
    """A server that speaks INSTREAM and knows one virus; it tells what it was sent."""
    received: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def exactly(client, size):
        data = b""
        while len(data) < size and (part := client.recv(size - len(data))):
            data += part
        return data

    def serve():
        while True:
            try:
                client, _address = server.accept()
            except OSError:
                return
            with client:
                if exactly(client, 10) != b"zINSTREAM\0":
                    client.sendall(b"UNKNOWN COMMAND\0")
                    continue
                content = b""
                while size := int.from_bytes(exactly(client, 4), "big"):
                    content += exactly(client, size)
                received.append(content)
                client.sendall(b"stream: Eicar-Test FOUND\0" if VIRUS in content else b"stream: OK\0")

    threading.Thread(target=serve, daemon=True).start()
    settings.CLAMD_ADDRESS = f"127.0.0.1:{server.getsockname()[1]}"
    yield received
    server.close()


def test_the_whole_file_is_scanned(clamd):
    content = bytes(range(256)) * 1000
    scan(io.BytesIO(content))
    assert clamd == [content]


def test_a_virus_is_named_and_refused(clamd):
    with pytest.raises(BadFile) as refused:
        scan(io.BytesIO(b"date;" + VIRUS))
    assert (refused.value.code, refused.value.params) == ("import_infected", {"virus": "Eicar-Test"})


def test_without_an_answer_nothing_comes_in(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    settings.CLAMD_ADDRESS = address
    with pytest.raises(BadFile, match="import_not_scanned"):
        scan(io.BytesIO(b"date"))


def test_nobody_is_asked_unless_configured(settings):
    settings.CLAMD_ADDRESS = ""
    scan(io.BytesIO(VIRUS))
