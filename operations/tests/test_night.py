"""The nightly chain: once a night, loads, then forecasts; a dead server is partial, never a success."""

import datetime as dt

import pytest

from accounts.models import Organisation
from departments.models import Connection, Department
from departments.timing import organisation_today
from forecasting.models import ForecastIssue
from forecasting.train import start_training
from items.models import Catalogue
from operations.night import start_night, start_nights
from operations.schedules import setup_schedules
from runs.choices import State
from runs.ledger import run_now
from runs.models import Run
from runs.sentences import of_errors
from runs.timetable import NIGHT, next_start
from sales.models import AutoSyncLog, SalesSummary
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.demo import demo_world

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tills(settings):
    settings.SOURCE_PATIENCE = 0
    organisation = Organisation.objects.main()
    servers = [IikoServer(demo_world(number, days=150, departments=3)) for number in (1, 2)]
    for number, server in enumerate(servers, 1):
        server.start()
        Connection.objects.create(
            organisation=organisation, name=f"till {number}", url=server.url, login="demo", password="demo"
        )
    yield servers
    for server in servers:
        server.stop()


def test_a_night_loads_the_settling_window_and_forecasts(tills):
    organisation = Organisation.objects.main()
    yesterday = organisation_today(organisation) - dt.timedelta(days=1)
    run = start_sync(
        organisation=organisation, from_date=yesterday - dt.timedelta(days=140), to_date=yesterday, trigger="command"
    )[0]
    assert run_now(run).state == State.DONE
    training = run_now(start_training(organisation=organisation, trigger="command", origins=1)[0])
    assert training.state == State.DONE, training.errors
    SalesSummary.objects.filter(date__gte=yesterday - dt.timedelta(days=5)).delete()

    night = run_now(start_night(organisation)[0])
    assert night.state == State.DONE, night.errors
    assert SalesSummary.objects.filter(date=yesterday).exists()
    issue = ForecastIssue.objects.get(origin="nightly")
    assert (issue.data_as_of, issue.forecasts.count()) == (
        yesterday,
        issue.forecasts.values("department").distinct().count() * 35,
    )
    line = AutoSyncLog.objects.get()
    assert (line.sync_type, line.status) == ("daily", "success")
    assert start_night(organisation) == (night, False)
    assert [server.audit.broken for server in tills] == [[], []]


def test_without_a_model_the_night_still_loads_and_a_catalogue_that_fails_is_told_only(tills):
    tills[0].faults.plan("products", "empty_list", count=None)
    night = run_now(start_night(Organisation.objects.main())[0])
    assert night.state == State.DONE
    assert SalesSummary.objects.exists()
    catalogue = night.children.get(kind="sync_catalogue")
    assert (catalogue.state, Catalogue.objects.exclude(full_at=None).count()) == (State.PARTIAL, 1)
    told = {error["code"]: error.get("warning") for error in night.errors}
    assert told["catalogue_empty_products"] is True


def test_a_server_may_be_left_alone_about_its_catalogue(tills):
    Catalogue.objects.filter(connection__name="till 1").update(at_night=False)
    night = run_now(start_night(Organisation.objects.main())[0])
    assert [row.connection.name for row in Catalogue.objects.exclude(full_at=None)] == ["till 2"]
    assert night.children.get(kind="sync_catalogue").params["receipts"] == []


def test_a_dead_server_makes_the_night_partial_and_names_its_branches(tills):
    organisation = Organisation.objects.main()
    run_now(start_sync(organisation=organisation, trigger="command")[0])
    tills[1].stop()
    night = run_now(start_night(organisation)[0])
    assert night.state == State.PARTIAL
    missing = Department.objects.filter(authorities__connection__name="till 2").first()
    assert any(missing.name in sentence for sentence in of_errors(night.errors))
    assert AutoSyncLog.objects.latest("executed_at").status == "partial"


def test_two_beats_open_one_night(tills):
    assert len(start_nights()) == 1
    assert start_nights() == []
    assert Run.objects.filter(kind="nightly").count() == 1


def test_schedules_are_set_up_once_and_a_persons_edits_stay():
    from django_celery_beat.models import CrontabSchedule, PeriodicTask

    assert len(setup_schedules()) == 4
    task = PeriodicTask.objects.get(task="operations.start_nights")
    assert (str(task.crontab.timezone), task.crontab.hour, task.crontab.minute) == ("Asia/Almaty", "2", "0")
    task.crontab = CrontabSchedule.objects.create(hour="4", minute="30", timezone="Asia/Almaty")
    task.save()
    assert setup_schedules() == []
    task.refresh_from_db()
    assert task.crontab.hour == "4"
    coming = next_start(NIGHT)
    assert (coming.astimezone(dt.timezone(dt.timedelta(hours=5))).hour, coming.minute) == (4, 30)
