"""The broker without a server: a message that a full disk cut short ends nobody's work."""

import uuid

import pytest
from kombu import Connection

from salesforecast import broker

pytestmark = pytest.mark.unit


@pytest.fixture
def queue(tmp_path):
    broker.install()
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
    }
    with Connection("filesystem://localhost//", transport_options=options) as connection:
        # The transport remembers for the whole process which queues it has met.
        yield connection.SimpleQueue(f"queue-{uuid.uuid4().hex}")


def test_messages_cut_short_are_dropped_and_the_next_one_comes(queue, tmp_path):
    for left in (0, 20):
        queue.put({"run": 1})
        (cut,) = (file for file in (tmp_path / "messages").iterdir() if file.stat().st_size > left)
        cut.write_bytes(cut.read_bytes()[:left])
    queue.put({"run": 2})
    assert queue.get(timeout=2).payload == {"run": 2}
    with pytest.raises(queue.Empty):
        queue.get(timeout=0.1)
