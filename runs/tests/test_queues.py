"""Each queue gets its own messages, whichever the broker: training waits for training alone."""

import ast
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

ASK = """
from salesforecast.celery import app
app.amqp.queues.select(["default", "train"])
print({name: (queue.exchange.name, queue.routing_key) for name, queue in app.amqp.queues.consume_from.items()})
"""


@pytest.mark.parametrize("broker", ["amqp://127.0.0.1", "redis://127.0.0.1", ""])
def test_each_queue_has_an_exchange_of_its_own(broker, tmp_path):
    environment = {**os.environ, "DEBUG": "1", "VAR_DIR": str(tmp_path), "CELERY_BROKER_URL": broker}
    environment |= {"DJANGO_SETTINGS_MODULE": "salesforecast.settings", "RABBITMQ_URL": "", "REDIS_URL": ""}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == {name: (name, name) for name in ("default", "train")}
