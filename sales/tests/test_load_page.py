"""Loading a period: the form starts a run, a reload finds it, its progress and its end are told in sentences."""

import datetime as dt

import pytest
from django.utils import timezone

from departments.models import Connection
from runs.choices import State
from runs.models import Run
from tests.reading import content, reader, words
from tests.world import World

pytestmark = pytest.mark.django_db
LOAD = "/admin/sales/salessummary/load/"
DEPARTMENTS = "/admin/departments/department/"


@pytest.fixture
def till(world: World) -> Connection:
    return Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")


def asked(world: World, **more: object) -> dict[str, object]:
    return {"from_date": f"{world.days[0]:%d.%m.%Y}", "to_date": f"{world.days[-1]:%d.%m.%Y}", "department": "", **more}


def test_the_form_starts_a_run_and_shows_it_under_its_own_address(world: World, till):
    administrator = reader(world, "administrator")
    response = administrator.post(LOAD, asked(world, connections=[till.pk]))
    run = Run.objects.get()
    assert response.url == f"{LOAD}?run={run.pk}"
    assert (run.kind, run.from_date, run.to_date) == ("sync_sales", world.days[0], world.days[-1])
    assert (run.trigger, run.started_by, run.params["connections"]) == ("page", world.administrator, [till.pk])
    for _reload in range(2):
        text = content(administrator.get(response.url))
        assert "Load sales" in text and "Waiting for a worker" in text
    # The same period a second time is the same run, not a second one.
    assert administrator.post(LOAD, asked(world, connections=[till.pk])).url == response.url


@pytest.mark.parametrize(
    ("from_date", "to_date", "sentence"),
    [(-1, -5, "lies after the last date"), (-1, 3, "lies in the future"), (-1200, -1, "too many for one load")],
)
def test_a_period_nobody_can_mean_is_refused_in_a_sentence(world: World, till, from_date, to_date, sentence):
    first, last = (world.today + dt.timedelta(days=days) for days in (from_date, to_date))
    page = reader(world, "administrator").post(
        LOAD, asked(world, from_date=first.isoformat(), to_date=last.isoformat())
    )
    assert sentence in content(page)
    assert not Run.objects.exists()


def test_a_manager_of_some_departments_chooses_one_of_them(world: World, till):
    manager = reader(world, "manager")
    assert "Bakery" not in manager.get(LOAD).content.decode()
    assert "This field is required" in content(manager.post(LOAD, asked(world)))
    page = manager.post(LOAD, asked(world, department=str(world.bakery.pk)))
    assert page.status_code == 200 and not Run.objects.exists()
    manager.post(LOAD, asked(world, department=str(world.cafe.pk)))
    assert Run.objects.get().params["department"] == str(world.cafe.pk)


def test_progress_is_that_of_the_loads_it_waits_for(world: World, till):
    run = Run.objects.create(
        organisation=world.organisation, kind="sync_sales", unit="x", state=State.RUNNING, waiting=True
    )
    for done, source in ((5, "till 1"), (0, "till 2")):
        Run.objects.create(
            organisation=world.organisation,
            kind="load_connection",
            unit=source,
            parent=run,
            state=State.RUNNING,
            progress_done=done,
            progress_total=10,
            message_code="loading_first",
            message_params={"source": source, "date": "01.11.2026"},
        )
    box = reader(world, "administrator").get(f"/admin/runs/run/{run.pk}/box/").content.decode()
    assert 'aria-valuenow="25"' in box and 'hx-trigger="every 1s"' in box
    assert "till 1: asking for 01.11.2026" in words(box)


def test_the_end_of_a_run_stops_the_asking_and_tells_what_it_came_to(world: World, till):
    run = Run.objects.create(
        organisation=world.organisation,
        kind="sync_sales",
        unit="x",
        state=State.PARTIAL,
        counts={"summary_records": 12345, "seconds": 3.5},
        errors=[{"code": "timeout", "params": {"source": "till 2", "host": "till"}}],
        finished_at=timezone.now(),
    )
    assert reader(world, "manager").get(f"/admin/runs/run/{run.pk}/box/").status_code == 404
    response = reader(world, "administrator").get(f"/admin/runs/run/{run.pk}/box/")
    text = words(response.content.decode())
    assert "partly done" in text and "daily records 12 345" in text and "did not answer in time" in text
    assert "every 1s" not in response.content.decode() and response["HX-Trigger-After-Swap"] == "run-finished"


def test_departments_chosen_in_the_list_are_loaded_one_by_one(world: World, till):
    chosen = {"action": "load_settling_window", "_selected_action": [str(world.cafe.pk), str(world.bar.pk)]}
    response = reader(world, "manager").post(DEPARTMENTS, chosen)
    runs = Run.objects.filter(kind="sync_sales")
    assert {run.params["department"] for run in runs} == {str(world.cafe.pk), str(world.bar.pk)}
    assert response.url.startswith(f"{LOAD}?run=")
    # A department that is not his is not in his list either.
    chosen["_selected_action"] = [str(world.bakery.pk)]
    reader(world, "manager").post(DEPARTMENTS, chosen)
    assert runs.count() == 2


def test_who_may_not_load_gets_neither_page_nor_run(world: World, till):
    for who in ("analyst", "staff"):
        browser = reader(world, who)
        assert browser.get(LOAD).status_code == 403
        assert browser.post(LOAD, asked(world)).status_code == 403
        assert LOAD not in browser.get("/").content.decode()
    assert not Run.objects.exists()
