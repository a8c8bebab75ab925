"""Work that a test starts is done in its own process, as by a worker that is never away."""

from collections.abc import Iterator

import pytest

from salesforecast.celery import app


@pytest.fixture
def worker() -> Iterator[None]:
    """Every message to the queue is worked on at once. The test needs `django_db(transaction=True)`."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False
