"""Until there is a forecast the start page leads to it: what is done, the one next thing to do, and what went wrong."""

import datetime as dt
import re

import pytest
from django_celery_beat.models import PeriodicTask

from departments.models import Connection, SourceDepartment
from forecasting.choices import LEAST_DAYS
from forecasting.models import ForecastIssue
from runs import clock
from runs.choices import State
from runs.models import Run
from runs.timetable import NIGHT
from sales.models import SalesByHour, SalesSummary
from tests.reading import content, reader
from tests.world import World, sell

pytestmark = pytest.mark.django_db
GOOD = {"departments": 3, "nodes": 5, "fields_missing": [], "free_slots": "2", "sees_shifts": True}


@pytest.fixture
def empty(world: World) -> World:
    """The chain as on its first day: people, but no source, no sales, no forecast."""
    ForecastIssue.objects.all().delete()
    SalesByHour.objects.all().delete()
    SalesSummary.objects.all().delete()
    return world


def connect(world: World, **facts: object) -> Connection:
    return Connection.objects.create(
        organisation=world.organisation, name="till 1", url="http://till.example", facts=facts
    )


def name_departments(till: Connection, world: World) -> None:
    for department in world.departments:
        SourceDepartment.objects.create(
            organisation=world.organisation, connection=till, external_id=str(department.pk), department=department
        )


def history(world: World, days: int) -> None:
    sell(world.cafe, [world.today - dt.timedelta(days=back) for back in range(1, days + 1)])


def start(world: World, who: str = "administrator"):
    return reader(world, who).get("/")


def actions(page) -> set[str]:
    """Where the buttons of the steps lead."""
    html = page.content.decode().split('id="content"')[1]
    return set(re.findall(r'<form[^>]*class="sf-toolbar"[^>]*action="([^"]+)"', html)) | set(
        re.findall(r'<form[^>]*action="([^"]+)"[^>]*class="sf-toolbar"', html)
    )


def steps_done(page) -> int:
    return page.content.decode().count('class="sf-step sf-done"')


def test_each_step_offers_the_one_thing_that_comes_next(empty: World):
    page = start(empty)
    assert "No connection yet" in content(page) and actions(page) == set() and steps_done(page) == 0
    assert "/admin/departments/connection/add/" in page.content.decode()

    till = connect(empty)
    page = start(empty)
    assert actions(page) == {f"/admin/departments/connection/{till.pk}/check/"} and steps_done(page) == 1

    Connection.objects.update(facts=GOOD)
    page = start(empty)
    assert actions(page) == {"/admin/departments/department/synchronise/"} and steps_done(page) == 2

    name_departments(till, empty)
    page = start(empty)
    assert actions(page) == {"/admin/sales/salessummary/load/"} and steps_done(page) == 3
    assert "3 branches" in content(page)
    assert f'name="from_date" value="{empty.today - dt.timedelta(days=731)}"' in page.content.decode()

    history(empty, LEAST_DAYS - 1)
    page = start(empty)
    assert steps_done(page) == 3 and f"{LEAST_DAYS - 1} days" in content(page)
    sell(empty.cafe, [empty.today - dt.timedelta(days=LEAST_DAYS)])
    page = start(empty)
    assert actions(page) == {"/admin/forecasting/modelversion/train/"} and steps_done(page) == 4


def test_once_there_is_a_forecast_the_way_is_over(world: World):
    connect(world)
    assert "The way to the first forecast" not in content(start(world))
    ForecastIssue.objects.filter(organisation=world.organisation).delete()
    assert "The way to the first forecast" in content(start(world))


def test_the_buttons_do_what_they_say_and_come_back(empty: World):
    till = connect(empty, **GOOD)
    name_departments(till, empty)
    somebody = reader(empty, "administrator")
    yesterday = empty.today - dt.timedelta(days=1)
    period = {"from_date": str(yesterday - dt.timedelta(days=100)), "to_date": str(yesterday)}
    for path, kind, fields in (
        (f"/admin/departments/connection/{till.pk}/check/", "check_connection", {}),
        ("/admin/departments/department/synchronise/", "sync_departments", {}),
        ("/admin/sales/salessummary/load/", "sync_sales", period),
        ("/admin/forecasting/modelversion/train/", "train", {}),
    ):
        assert somebody.post(path, {"next": "/", **fields}).url == "/"
        run = Run.objects.get(kind=kind)
        assert run.started_by == empty.administrator
        assert f"run-{run.pk}" in start(empty).content.decode(), kind
    assert Run.objects.get(kind="sync_sales").from_date == yesterday - dt.timedelta(days=100)


def test_with_the_first_connection_on_a_page_the_nights_begin(empty: World):
    fields = {
        "organisation": str(empty.organisation.pk),
        "kind": "iiko",
        "name": "till 1",
        "url": "http://till.example",
    }
    fields |= {"login": "a", "password": "b", "measure": "revenue", "auth_header": "X-API-Key", "is_active": "on"}
    none = {"source_departments-TOTAL_FORMS": "0", "source_departments-INITIAL_FORMS": "0"}
    reader(empty, "administrator").post("/admin/departments/connection/add/", fields | none)
    assert set(PeriodicTask.objects.values_list("task", flat=True)) > {NIGHT, "operations.start_trainings"}
    PeriodicTask.objects.filter(task=NIGHT).update(enabled=False)
    reader(empty, "administrator").post("/admin/departments/connection/add/", fields | none | {"name": "till 2"})
    assert not PeriodicTask.objects.get(task=NIGHT).enabled  # a person's word stands


def test_what_failed_stays_where_it_is_to_be_done_again(empty: World):
    till = connect(empty)
    error = {"code": "wrong_password", "params": {"source": "till 1"}}
    failed = {"organisation": empty.organisation, "state": State.FAILED, "finished_at": clock.now(), "attempts": 1}
    Run.objects.create(
        kind="check_connection", unit=str(till.pk), params={"connection": till.pk}, errors=[error], **failed
    )
    page = start(empty)
    assert "the server refused login and password" in content(page) and "Change address or password" in content(page)
    assert actions(page) == {f"/admin/departments/connection/{till.pk}/check/"}

    Connection.objects.update(facts=GOOD | {"fields_missing": ["GuestNum"]})
    page = start(empty)
    assert "GuestNum" in content(page) and steps_done(page) == 1

    Connection.objects.update(facts=GOOD)
    name_departments(till, empty)
    history(empty, LEAST_DAYS)
    refused = {"code": "worse_than_naive", "params": {"wape": 13, "naive": 12}}
    run = {"code": "not_let_in", "params": {"version": 1, "why": refused}}
    Run.objects.create(kind="train", errors=[run], **failed)
    page = start(empty)
    assert "is no better than repeating last week" in content(page) and "More history is what helps" in content(page)
    assert actions(page) == {"/admin/sales/salessummary/load/", "/admin/forecasting/modelversion/train/"}


def test_who_may_not_do_a_step_is_told_whom_to_ask(empty: World):
    for facts in (None, {}, GOOD):
        if facts is not None:
            Connection.objects.all().delete()
            connect(empty, **facts)
        page = start(empty, "staff")
        assert "Ask an administrator to do this." in content(page)
        assert actions(page) == set() and "/connection/" not in page.content.decode().split('id="content"')[1]
    assert actions(start(empty, "manager")) == {"/admin/departments/department/synchronise/"}


def test_a_chain_that_is_fed_by_pushes_has_a_way_too(empty: World):
    Connection.objects.create(organisation=empty.organisation, name="shop", kind="push")
    page = start(empty)
    assert "shop" in content(page) and actions(page) == set() and steps_done(page) == 1
    history(empty, LEAST_DAYS - 1)
    page = start(empty)
    assert steps_done(page) == 3 and actions(page) == set() and "every night adds a day" in content(page)
    sell(empty.cafe, [empty.today - dt.timedelta(days=LEAST_DAYS)])
    assert actions(start(empty)) == {"/admin/forecasting/modelversion/train/"}


def test_a_connection_that_was_changed_later_sends_nobody_back(empty: World):
    till = connect(empty)
    name_departments(till, empty)
    history(empty, LEAST_DAYS)
    page = start(empty)
    assert actions(page) == {
        f"/admin/departments/connection/{till.pk}/check/",
        "/admin/forecasting/modelversion/train/",
    }


def test_days_that_are_not_to_be_trusted_do_not_count(empty: World):
    till = connect(empty, **GOOD)
    name_departments(till, empty)
    history(empty, LEAST_DAYS)
    SalesSummary.objects.filter(date=empty.today - dt.timedelta(days=1)).update(state="suspicious")
    assert steps_done(start(empty)) == 3
