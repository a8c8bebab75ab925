"""Runs on the screen: what was started, how it ended, stopping it."""

import pytest

from runs.choices import State
from runs.heartbeat import beat
from runs.models import Run
from tests.reading import content, reader, rows, words
from tests.world import World

pytestmark = pytest.mark.django_db
LIST = "/admin/runs/run/"


@pytest.fixture
def load(world: World) -> Run:
    run = Run.objects.create(
        organisation=world.organisation,
        kind="sync_sales",
        unit="a",
        state=State.RUNNING,
        waiting=True,
        started_by=world.manager,
    )
    Run.objects.create(organisation=world.organisation, kind="load_connection", unit="1", parent=run)
    return run


def test_the_list_shows_what_was_started_and_on_demand_its_parts(world: World, load):
    Run.objects.create(organisation=world.other_organisation, kind="train")
    (line,) = rows(reader(world, "analyst").get(LIST))
    assert "Load sales" in line and "running" in line and "manager" in line
    assert len(rows(reader(world, "analyst").get(LIST, {"parts": "shown"}))) == 2


def test_the_page_of_a_run_shows_its_box_and_cannot_be_changed(world: World, load):
    page = reader(world, "analyst").get(f"{LIST}{load.pk}/change/")
    assert "Load sales of one source" in content(page)
    assert f'id="run-{load.pk}"' in page.content.decode()
    assert reader(world, "administrator").post(f"{LIST}{load.pk}/change/", {}).status_code == 403


def test_a_run_that_waits_says_for_what(world: World):
    run = Run.objects.create(organisation=world.organisation, kind="check_connection", unit="1")
    box = f"{LIST}{run.pk}/box/"

    def said() -> str:
        return words(reader(world, "analyst").get(box).content.decode())

    assert "Waiting for a worker. None is alive: start one, and this begins by itself." in said()
    beat("keeper")
    assert "Waiting for a worker 0 %" in said()
    Run.objects.create(organisation=world.other_organisation, kind="nightly", state=State.RUNNING)
    Run.objects.create(organisation=world.organisation, kind="train", state=State.RUNNING)
    assert "Waiting for a worker. Under way now: Train the model." in said()
    Run.objects.filter(pk=run.pk).update(state=State.RUNNING)
    assert "Waiting" not in said()


def test_ones_own_run_can_be_stopped_and_an_administrator_stops_any(world: World, load):
    path = f"{LIST}{load.pk}/cancel/"
    assert reader(world, "analyst").post(path).status_code == 403
    assert "cancel/" not in reader(world, "analyst").get(f"{LIST}{load.pk}/box/").content.decode()
    assert reader(world, "manager").get(path).status_code == 405
    reader(world, "manager").post(path)
    load.refresh_from_db()
    assert load.cancel_asked and load.children.get().state == State.CANCELLED
    other = Run.objects.create(organisation=world.organisation, kind="train")
    reader(world, "administrator").post(LIST, {"action": "cancel_runs", "_selected_action": [other.pk]})
    other.refresh_from_db()
    assert other.state == State.CANCELLED


def test_runs_of_another_chain_do_not_exist(world: World, load):
    for path in (f"{LIST}{load.pk}/box/", f"{LIST}{load.pk}/cancel/"):
        assert reader(world, "stranger").post(path).status_code == 404
    assert reader(world, "stranger").get(f"{LIST}{load.pk}/change/").status_code == 302
    assert reader(world, "staff").get(f"{LIST}{load.pk}/box/").status_code == 403


def test_stopping_needs_the_token_of_the_page(world: World, load):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(world.manager, backend="accounts.backends.RoleBackend")
    assert client.post(f"{LIST}{load.pk}/cancel/").status_code == 403
    load.refresh_from_db()
    assert not load.cancel_asked
