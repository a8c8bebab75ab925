"""The licence slot of a worker that died is given back without anybody asking for it."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Organisation
from departments.clients import iiko_client, return_lost_tokens
from departments.models import Connection, SourceSession
from departments.sessions import owned_by
from runs.choices import State
from runs.ledger import claim, open_run
from runs.models import Run
from sources.simulator import IikoServer
from sources.simulator.worlds.demo import demo_world

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(demo_world(1, days=3, departments=2), login="demo", password="demo") as server:
        server.strict = False  # somebody was killed
        yield server


@pytest.fixture
def killed(till):
    """A worker logged in, took the lock, and was killed; its run's lease stands still."""
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="demo", password="demo"
    )
    run, _created = open_run("load_connection", organisation=connection.organisation)
    assert claim(run.pk)
    client = iiko_client(connection, owner=owned_by(run))
    assert client._lock.acquire(client.server.key, 0)
    client._login()
    assert len(till.tokens.live(3600)) == 1
    return connection


def test_a_token_is_given_back_when_the_lock_of_its_owner_has_lapsed(killed, till):
    SourceSession.objects.update(locked_until=timezone.now() - dt.timedelta(seconds=1))
    assert return_lost_tokens() == 1
    assert till.tokens.live(3600) == []
    assert SourceSession.objects.get().token is None


def test_the_lock_of_a_run_that_nobody_works_on_is_free_at_once(killed, till):
    other = iiko_client(killed, owner="somebody else")
    assert not other._lock.acquire(other.server.key, 0)
    Run.objects.update(state=State.CANCELLED)
    assert other._lock.acquire(other.server.key, 0)
    other._lock.release(other.server.key)
    assert return_lost_tokens() == 1


def test_a_token_whose_run_has_lost_its_lease_is_given_back(killed, till):
    Run.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert return_lost_tokens() == 1


def test_a_token_in_use_is_left_alone(killed, till):
    assert return_lost_tokens() == 0
    assert len(till.tokens.live(3600)) == 1


def test_a_server_that_is_away_is_asked_again_later_until_its_token_must_be_dead(killed, till):
    SourceSession.objects.update(locked_until=timezone.now() - dt.timedelta(seconds=1))
    till.stop()
    assert return_lost_tokens() == 0
    SourceSession.objects.update(obtained_at=timezone.now() - dt.timedelta(hours=3), locked_by="")
    assert return_lost_tokens() == 1
