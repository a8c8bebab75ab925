"""A database or a disk that fails is said with 503, over the API in its error shape; whoever only reads is answered."""

import pytest
from django.db import OperationalError, connection

from accounts.models import ApiKey
from runs.models import Run
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

FULL = "could not extend file: No space left on device"
AWAY = "server closed the connection unexpectedly"


@pytest.fixture
def failing():
    """Statements that begin with a word fail as they do where the disk is full or the database is away."""

    def fail(word: str, message: str):
        def execute(execute, sql, params, many, context):
            if sql.startswith(word):
                raise OperationalError(message)
            return execute(sql, params, many, context)

        return connection.execute_wrapper(execute)

    return fail


@pytest.mark.parametrize(("message", "code"), [(FULL, "disk_full"), (AWAY, "out_of_order")])
def test_a_write_that_fails_is_refused_with_503(world: World, failing, message, code):
    client = world.api()
    client.raise_request_exception = False
    with failing("INSERT", message):
        response = client.post("/api/sales/sync", headers={"Prefer": "respond-async"})
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert response.json()["type"] == "server_error"
    [error] = response.json()["errors"]
    assert (error["code"], error["attr"]) == (code, None)
    assert not Run.objects.exists()


def test_a_key_whose_use_cannot_be_noted_reads_all_the_same(world: World, failing):
    client = world.api()
    ApiKey.objects.update(last_used_at=None)
    with failing("UPDATE", FULL):
        assert client.get("/api/departments/").status_code == 200


def test_a_page_says_so_too(world: World, client, failing):
    client.force_login(world.administrator)
    with failing("SELECT", AWAY):
        response = client.get("/admin/", headers={"Accept-Language": "en"})
    assert response.status_code == 503
    assert "The database does not answer" in response.content.decode()
