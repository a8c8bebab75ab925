"""A night is begun once whoever sleeps, asks again for what failed in passing, and waits for branches still open."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from django_celery_beat.models import PeriodicTask

from accounts.models import Organisation, User
from departments.models import Connection
from departments.timing import organisation_today
from operations.night import keep_night, start_night
from operations.schedules import setup_schedules
from operations.start import unsettled_runs
from operations.watch import watch_all
from runs.choices import State
from runs.ledger import cancel, execute, run_now
from runs.models import Alarm, Run
from sales.choices import DayState
from sales.models import AutoSyncLog, SalesSummary, SourceDay
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.demo import demo_world

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clock(settings, tmp_path):
    """Sets the product's clock to a local time of day, some days from now."""
    settings.CLOCK_FILE = str(tmp_path / "clock")
    zone = ZoneInfo(Organisation.objects.main().time_zone)
    today = dt.datetime.now(zone).date()

    def at(hour: int, minute: int = 0, days: int = 1) -> dt.date:
        moment = dt.datetime.combine(today + dt.timedelta(days=days), dt.time(hour, minute), zone)
        (tmp_path / "clock").write_text(str((moment - dt.datetime.now(zone)).total_seconds()))
        return moment.date()

    return at


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    settings.SETTLING_DAYS = 3
    settings.LONG_SETTLING_DAYS = 3
    with IikoServer(demo_world(1, days=60, departments=4), login="demo", password="demo") as server:
        yield server


@pytest.fixture
def connection(till):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="demo", password="demo"
    )
    run, _ = start_sync(organisation=connection.organisation, trigger="command")
    assert run_now(run).state == State.DONE
    return connection


def nights() -> list[Run]:
    return list(Run.objects.filter(kind="nightly").order_by("night"))


def repairs() -> list[Run]:
    return list(Run.objects.filter(kind="repair").order_by("id"))


def test_a_night_that_beat_forgot_is_begun_once(connection, clock):
    setup_schedules()
    clock(1, 55)
    keep_night()
    assert nights() == []
    night = clock(2, 20)
    keep_night()
    keep_night()
    assert [run.night for run in nights()] == [night]


def test_beat_has_its_chance_first_and_a_second_beginning_changes_nothing(connection, clock):
    clock(2, 1)
    keep_night()
    assert nights() == []
    start_night(connection.organisation)
    clock(2, 20)
    keep_night()
    assert len(nights()) == 1


def test_the_hour_is_the_schedules_and_a_schedule_that_is_off_stays_off(connection, clock):
    setup_schedules()
    task = PeriodicTask.objects.get(task="operations.start_nights")
    task.crontab.hour = "4"
    task.crontab.save()
    clock(2, 20)
    keep_night()
    assert nights() == []
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)
    clock(5)
    keep_night()
    assert nights() == []


def test_a_schedule_for_some_weekdays_only_is_left_to_beat(connection, clock):
    setup_schedules()
    task = PeriodicTask.objects.get(task="operations.start_nights")
    task.crontab.day_of_week = "1"
    task.crontab.save()
    clock(2, 20)
    keep_night()
    assert nights() == []


def test_who_was_set_up_in_the_afternoon_begins_with_the_coming_night(connection, clock):
    today = clock(23, 0, days=0)
    afternoon = dt.datetime.combine(today, dt.time(15), ZoneInfo(connection.organisation.time_zone))
    Run.objects.update(created_at=afternoon)
    keep_night()
    assert nights() == []
    Run.objects.update(created_at=afternoon - dt.timedelta(days=1))
    keep_night()
    assert [run.night for run in nights()] == [today]


def test_nights_that_were_missed_are_caught_up_by_the_next_one(connection):
    yesterday = organisation_today(connection.organisation) - dt.timedelta(days=1)
    first = yesterday - dt.timedelta(days=20)
    run_now(start_sync(organisation=connection.organisation, from_date=first, trigger="command")[0])
    missed = [yesterday - dt.timedelta(days=back) for back in range(5, 12)]
    SalesSummary.objects.filter(date__in=missed).delete()
    SourceDay.objects.filter(date__in=missed).delete()
    assert run_now(start_night(connection.organisation)[0]).state == State.DONE
    assert set(SalesSummary.objects.filter(date__in=missed).values_list("date", flat=True)) == set(missed)


def settle(run: Run) -> Run:
    """The run as it ended, RETRY_SECONDS ago."""
    run = run_now(run)
    Run.objects.filter(kind="load_connection").update(finished_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
    return run


def test_what_failed_in_passing_is_asked_for_again_until_it_is_there(connection, till):
    till.faults.plan("olap", "html_502", count=None)
    night = settle(start_night(connection.organisation)[0])
    assert night.state != State.DONE
    keep_night()
    (repair,) = repairs()
    assert settle(repair).state == State.FAILED
    till.faults.clear()
    keep_night()
    assert settle(repairs()[1]).state == State.DONE
    keep_night()
    assert len(repairs()) == 2
    assert list(AutoSyncLog.objects.order_by("id").values_list("sync_type", "status")) == [
        ("daily", "error"),
        ("repair", "error"),
        ("repair", "success"),
    ]


def test_a_repair_waits_its_time_and_is_one_at_a_time(connection, till):
    till.faults.plan("olap", "html_502", count=None)
    run_now(start_night(connection.organisation)[0])
    keep_night()
    assert repairs() == []
    Run.objects.filter(kind="load_connection").update(finished_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
    keep_night()
    keep_night()
    assert len(repairs()) == 1


def test_what_a_person_loads_meanwhile_does_not_stand_for_the_night(connection, till):
    till.faults.plan("olap", "html_502", count=None)
    settle(start_night(connection.organisation)[0])
    till.faults.clear()
    old = organisation_today(connection.organisation) - dt.timedelta(days=40)
    run, _ = start_sync(organisation=connection.organisation, from_date=old, to_date=old, trigger="page")
    assert settle(run).state == State.DONE
    keep_night()
    assert len(repairs()) == 1


def test_a_wrong_password_is_not_tried_again(connection, till):
    connection.password = "wrong"
    connection.facts = {}
    connection.save()
    settle(start_night(connection.organisation)[0])
    keep_night()
    assert repairs() == []


def test_a_branch_that_was_still_open_is_read_again_until_its_shift_is_closed(connection, till):
    till.faults.open_shifts = True
    assert settle(start_night(connection.organisation)[0]).state == State.DONE
    yesterday = organisation_today(connection.organisation) - dt.timedelta(days=1)
    assert SalesSummary.objects.filter(date=yesterday, state=DayState.OPEN_SHIFT).exists()
    till.faults.open_shifts = False
    keep_night()
    (repair,) = repairs()
    assert (repair.from_date, repair.to_date) == (yesterday, yesterday)
    assert settle(repair).state == State.DONE
    assert not SalesSummary.objects.filter(date=yesterday, state=DayState.OPEN_SHIFT).exists()
    keep_night()
    assert len(repairs()) == 1


def test_a_night_that_a_person_cancelled_is_left_alone_and_the_next_one_brings_its_dates(connection, clock, till):
    night = clock(2, 20)
    keep_night()
    cancel(nights()[0])  # before its load was opened
    clock(3, 30)
    keep_night()
    assert (nights()[0].state, repairs()) == (State.CANCELLED, [])
    watch_all()
    alarm = Alarm.objects.get(code="no_yesterday", ended_at=None)
    assert (alarm.params["why"]["code"], alarm.params["run"]) == ("night_cancelled", nights()[0].pk)
    root = User.objects.create_superuser("root")
    assert nights()[0] in unsettled_runs(root)
    with translation.override("en"):
        assert "Somebody cancelled the night" in str(alarm)
    clock(2, 20, days=2)
    keep_night()
    assert run_now(nights()[1]).state == State.DONE
    assert SourceDay.objects.get(date=night - dt.timedelta(days=1)).state == DayState.COMPLETE
    assert nights()[0] not in unsettled_runs(root)


def test_a_load_that_a_person_cancelled_in_the_night_is_not_begun_again_behind_their_back(connection, clock):
    clock(2, 20)
    keep_night()
    execute(nights()[0].pk)  # departments and sales are open
    cancel(nights()[0])
    clock(3, 30)
    keep_night()
    assert repairs() == []
