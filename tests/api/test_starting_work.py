"""A request that starts work waits a moment for what it comes to, and never calls a failure a success."""

import threading
import time

import pytest
from django.db import connection as database

from departments.models import Connection, Department
from runs import ledger, registry
from runs.choices import State
from runs.ledger import RunFailed
from runs.models import Run
from runs.registry import Outcome
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.static import StaticWorld
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

SYNC = "/api/departments/sync"
TILL = {"login": "api", "password": "secret"}


@pytest.fixture
def handler(monkeypatch):
    """Replaces what a kind of run does."""

    def replace(kind, work):
        monkeypatch.setitem(registry._kinds, kind, _Kind(kind, work))

    return replace


class _Kind:
    queue = "default"

    def __init__(self, name, handler):
        self.name = self.title = name
        self.handler = handler


def test_work_that_ends_soon_is_answered_with_its_counts(world: World, worker, settings):
    settings.SOURCE_PATIENCE = 0
    nodes = [Node("5a1b0f5e-1111-4222-8333-444455556666", None, "New company", "JURPERSON")]
    with IikoServer(StaticWorld([], nodes), **TILL) as till:
        Connection.objects.create(organisation=world.organisation, name="till", url=till.url, **TILL)
        response = world.api().post(SYNC)
    body = response.json()
    assert (response.status_code, body["status"], body["found"], body["created"]) == (200, "success", 1, 1)
    assert Department.objects.filter(organisation=world.organisation, name="New company").exists()
    run = Run.objects.get(pk=body["run"])
    assert (run.trigger, run.started_by.username) == ("api", "key-till")


def test_a_failure_is_502_with_a_sentence_and_the_run(world: World, worker):
    response = world.api().post(SYNC)  # no tills at all
    body = response.json()
    assert (response.status_code, body["type"]) == (502, "server_error")
    assert (body["errors"][0]["code"], body["errors"][0]["attr"]) == ("no_connections", None)
    assert " " in body["errors"][0]["detail"]
    assert Run.objects.get(pk=body["run"]).state == State.FAILED


def test_a_wrong_password_at_the_till_is_502_and_keeps_the_figures(world: World, worker, settings):
    settings.SOURCE_PATIENCE = 0
    before = world.client("administrator").get("/api/sales/summary").content
    with IikoServer(StaticWorld([]), **TILL) as till:
        Connection.objects.create(
            organisation=world.organisation, name="till", url=till.url, login="api", password="wrong"
        )
        response = world.api().post("/api/sales/sync")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (502, "wrong_password")
    assert "till" in response.json()["errors"][0]["detail"]
    assert world.client("administrator").get("/api/sales/summary").content == before


def test_half_a_success_is_called_partial_and_says_what_is_missing(world: World, worker, settings):
    settings.SOURCE_PATIENCE = 0
    nodes = [Node("5a1b0f5e-1111-4222-8333-444455556666", None, "New company", "JURPERSON")]
    with IikoServer(StaticWorld([], nodes), **TILL) as till:
        Connection.objects.create(organisation=world.organisation, name="good", url=till.url, **TILL)
        Connection.objects.create(
            organisation=world.organisation, name="broken", url=till.url, login="api", password="wrong"
        )
        body = world.api().post(SYNC).json()
    assert body["status"] == "partial"
    assert "broken" in body["details"]


def test_work_that_takes_longer_is_202_with_its_place(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 0
    response = world.api().post(SYNC)
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (202, f"/api/runs/{run.pk}")
    assert response.json() == world.api().get(response["Location"]).json()
    assert response.json()["state"] == "queued"


def test_who_prefers_not_to_wait_is_answered_at_once(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 60
    begun = time.monotonic()
    response = world.api().post(SYNC, headers={"prefer": "return=minimal, respond-async"})
    assert (response.status_code, response["Preference-Applied"]) == (202, "respond-async")
    assert time.monotonic() - begun < 5


def test_nor_does_a_quick_end_change_that_answer(world: World, worker):
    response = world.api().post(SYNC, headers={"prefer": "respond-async"})
    assert (response.status_code, response.json()["state"]) == (202, "failed")


def test_the_answer_comes_as_soon_as_a_worker_elsewhere_has_finished(world: World, settings, handler):
    settings.RUN_ANSWER_SECONDS = 20
    handler("sync_departments", lambda work: Outcome(counts={"found": 5}))

    def work_a_little_later():
        try:
            while (run := Run.objects.first()) is None:
                time.sleep(0.05)
            ledger.run_now(run)
        finally:
            database.close()

    other = threading.Thread(target=work_a_little_later)
    other.start()
    begun = time.monotonic()
    response = world.api().post(SYNC)
    other.join()
    assert (response.status_code, response.json()["found"]) == (200, 5)
    assert time.monotonic() - begun < 10


def test_the_same_work_asked_for_twice_is_one_run(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 0
    first, second = (world.api().post(SYNC) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


def test_one_cancels_ones_own_run_and_the_administrator_anybodys(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 0
    place = world.api().post(SYNC)["Location"]
    assert world.client("manager").post(f"{place}/cancel").status_code == 404
    assert world.client("analyst").post(f"{place}/cancel").status_code == 403
    cancelled = world.api().post(f"{place}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = world.api().post(f"{place}/cancel")
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "already_finished")
    place = world.api().post(SYNC)["Location"]
    assert world.client("administrator").post(f"{place}/cancel").status_code == 200


def test_a_run_cancelled_while_somebody_waits_is_no_success(world: World, worker, handler):
    def cancelled(work):
        raise ledger.Cancelled

    handler("sync_departments", cancelled)
    response = world.api().post(SYNC)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (409, "cancelled")


def test_retraining_answers_with_the_measured_figures(world: World, worker, handler):
    handler("train", lambda work: Outcome(counts={"version": 1, "wape": 0.11}))
    body = world.client("administrator").post("/api/forecast/retrain").json()
    assert body.keys() >= {"status", "metrics", "timestamp"}
    assert (body["status"], body["metrics"]["wape"], body["version"]) == ("success", 0.11, "v1")


def test_a_version_the_gate_refused_is_no_success(world: World, worker, handler):
    def refused(work):
        raise RunFailed("not_let_in", version=2, why={"code": "incomplete", "params": {}})

    handler("train", refused)
    response = world.client("administrator").post("/api/forecast/retrain")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (502, "not_let_in")
    assert "v2" in response.json()["errors"][0]["detail"]
