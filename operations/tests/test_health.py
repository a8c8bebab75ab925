"""What monitors read: alive, ready, and the silence of whoever should be working."""

import datetime as dt

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from operations import health
from operations.schedules import setup_schedules
from runs.heartbeat import beat
from runs.ledger import claim, open_run
from runs.models import Heartbeat, Run
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def schedules(db):
    setup_schedules()
    beat("beat")
    beat("keeper")


def readyz(client):
    response = client.get("/readyz")
    return response.status_code, response.json()["checks"]


def test_alive_is_said_without_a_key_and_whatever_is_accepted(client):
    response = client.get("/healthz", headers={"accept": "text/plain"})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_when_everybody_works(client, schedules):
    assert readyz(client) == (200, {"database": "ok", "migrations": "ok", "disk": "ok", "worker": "ok", "beat": "ok"})


def test_a_silent_beat_is_noticed(client, schedules):
    Heartbeat.objects.filter(name="beat").update(at=timezone.now() - HOUR)
    status, checks = readyz(client)
    assert (status, checks["beat"]) == (503, "silent")
    PeriodicTask.objects.filter(task="runs.sweep").update(enabled=False)
    assert readyz(client)[1]["beat"] == "switched off"


def test_beat_speaks_as_often_as_its_schedule_was_set_up_to(client, schedules, settings):
    settings.RUN_SWEEP_SECONDS = 1
    Heartbeat.objects.filter(name="beat").update(at=timezone.now() - dt.timedelta(seconds=30))
    assert readyz(client)[1]["beat"] == "ok"


def test_work_that_waits_while_nobody_works_is_noticed(client, schedules, world: World):
    run, _created = open_run("nightly", organisation=world.organisation)
    assert readyz(client)[0] == 200
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now() - HOUR)
    status, checks = readyz(client)
    assert (status, checks["worker"]) == (503, "stuck")
    busy, _created = open_run("train", organisation=world.organisation)
    claim(busy.pk)
    assert readyz(client)[0] == 200


def test_a_house_that_nobody_keeps_is_noticed(client, schedules):
    Heartbeat.objects.filter(name="keeper").update(at=timezone.now() - HOUR)
    assert readyz(client) == (
        503,
        {"database": "ok", "migrations": "ok", "disk": "ok", "worker": "silent", "beat": "ok"},
    )


def test_work_that_waits_for_room_on_the_disk_is_noticed(client, schedules, world: World):
    run, _created = open_run("nightly", organisation=world.organisation)
    Run.objects.filter(pk=run.pk).update(message_code="disk_full")
    status, checks = readyz(client)
    assert (status, checks["disk"]) == (503, "full")
    Run.objects.filter(pk=run.pk).update(message_code="loading")
    assert readyz(client)[0] == 200


def test_the_products_own_disk_without_room_is_noticed(client, schedules, monkeypatch):
    monkeypatch.setattr(health, "FULL", 2**60)
    assert readyz(client)[1]["disk"] == "full"


def test_missing_schedules_are_noticed(client, world: World):
    assert readyz(client)[0] == 503


def test_figures_for_prometheus_end_at_the_organisation(world: World):
    open_run("nightly", organisation=world.organisation)
    open_run("train", organisation=world.other_organisation)
    response = world.api().get("/metrics")
    text = response.content.decode()
    assert response["Content-Type"].startswith("text/plain")
    assert 'salesforecast_runs{kind="nightly",organisation="Morning Coffee",state="queued"} 1.0' in text
    assert "salesforecast_oldest_queued_seconds" in text
    assert "Other Chain" not in text
