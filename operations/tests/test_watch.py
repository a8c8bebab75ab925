"""An alarm for each trouble while it stands, and none on an ordinary day."""

import datetime as dt
import shutil
import time
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Organisation
from departments.calendar import seed_holidays
from departments.models import Closure, Connection, Department
from departments.timing import connection_today
from operations import watch as watching
from operations.alarms import place_of
from operations.schedules import setup_schedules
from operations.watch import watch, watch_all
from runs import clock
from runs.choices import State
from runs.heartbeat import beat
from runs.ledger import open_run, run_now
from runs.models import Alarm, Run
from sales.choices import DayState
from sales.models import SalesSummary, SourceDay
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.demo import demo_world

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def at(settings, tmp_path):
    """Sets the local hour of today, or of some days later."""
    settings.CLOCK_FILE = str(tmp_path / "clock")
    zone = ZoneInfo(Organisation.objects.main().time_zone)

    def set_hour(hour: int, days: int = 0) -> None:
        now = dt.datetime.now(zone)
        moment = now.replace(hour=hour, minute=10) + dt.timedelta(days=days)
        (tmp_path / "clock").write_text(str((moment - now).total_seconds()))

    set_hour(10)
    return set_hour


@pytest.fixture
def till(settings, at):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(demo_world(1, days=80, departments=10), login="demo", password="demo") as server:
        yield server


@pytest.fixture
def connection(till):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="demo", password="demo"
    )
    load(connection)
    return connection


def load(connection):
    return run_now(start_sync(organisation=connection.organisation, trigger="command")[0])


def codes(connection) -> list[str]:
    watch(connection.organisation)
    return sorted(Alarm.objects.filter(ended_at=None).values_list("code", flat=True))


def yesterday(connection):
    return connection_today(connection) - dt.timedelta(days=1)


def test_an_ordinary_day_is_quiet_at_every_hour(connection, at):
    for hour in (0, 3, 12, 23):
        at(hour)
        assert codes(connection) == []
    assert not Alarm.objects.exists()


def test_yesterday_is_missed_from_three_oclock_until_it_is_there(connection, at):
    forget_yesterday(connection)
    at(2)
    assert codes(connection) == []
    at(3)
    assert codes(connection) == ["no_yesterday"]
    assert f"{yesterday(connection):%d.%m.%Y}" in str(Alarm.objects.get())
    load(connection)
    assert codes(connection) == []
    assert Alarm.objects.get().ended_at


def test_the_alarm_says_why(connection):
    forget_yesterday(connection)
    connection.password, connection.facts = "wrong", {}
    connection.save()
    assert load(connection).state == State.FAILED
    assert codes(connection) == ["no_yesterday"]
    alarm = Alarm.objects.get()
    assert alarm.params["why"]["code"] == "wrong_password"
    assert "%(" not in str(alarm)


def test_a_connection_that_was_never_loaded_misses_nothing(at):
    organisation = Organisation.objects.main()
    connection = Connection.objects.create(organisation=organisation, name="new", url="http://till.test")
    assert codes(connection) == []


def forget_yesterday(connection):
    SourceDay.objects.filter(date=yesterday(connection)).delete()


def test_midnight_does_not_end_what_is_missing_still(connection, at):
    forget_yesterday(connection)
    missing = yesterday(connection)
    assert codes(connection) == ["no_yesterday"]
    for hour in (0, 2, 4):
        at(hour, days=1)
        assert codes(connection) == ["no_yesterday"], hour
    (alarm,) = Alarm.objects.all()
    assert alarm.params["missing"] == [str(missing), str(missing + dt.timedelta(days=1))]
    at(4)
    load(connection)
    at(4, days=1)
    assert codes(connection) == ["no_yesterday"]
    assert Alarm.objects.get().params["missing"] == [str(missing + dt.timedelta(days=1))]


def test_a_branch_in_a_later_zone_has_until_its_own_three_oclock(connection, at):
    forget_yesterday(connection)
    zone = Organisation.objects.main().time_zone
    assert zone == "Asia/Almaty"  # five hours before UTC
    Department.objects.filter(pk=connection.source_departments.exclude(department=None)[0].department_id).update(
        time_zone="UTC"
    )
    at(7)
    assert codes(connection) == []
    at(8)
    assert codes(connection) == ["no_yesterday"]


def test_an_empty_answer_is_named_as_the_reason(connection):
    date = yesterday(connection)
    SourceDay.objects.filter(date=date).update(state=DayState.SUSPICIOUS)
    error = {"code": "empty_day", "params": {"source": "till", "dates": f"{date:%d.%m.%Y}"}, "transient": True}
    Run.objects.filter(kind="load_connection").update(errors=[error])
    assert codes(connection) == ["no_yesterday"]
    params = Alarm.objects.get().params
    assert params["why"]["code"] == "empty_day"
    assert params["run"] == Run.objects.filter(kind="load_connection").latest("id").pk


def test_failures_in_a_row_are_an_alarm_and_one_success_ends_it(connection):
    password, connection.password, connection.facts = connection.password, "wrong", {}
    connection.save()
    for number in range(3):
        assert codes(connection) == [], number
        load(connection)
    assert codes(connection) == ["failing"]
    connection.password = password
    connection.save()
    load(connection)
    assert codes(connection) == []


def night(connection):
    params = {"deep": True, "log_as": "daily"}
    dates = {"from_date": yesterday(connection), "to_date": yesterday(connection)}
    return run_now(
        open_run("sync_sales", organisation=connection.organisation, unit="night", params=params, **dates)[0]
    )


def test_a_source_that_the_night_could_not_load_is_told_at_once_and_only_once(connection, till, at):
    forget_yesterday(connection)
    at(2)
    till.faults.down = True
    for _ in range(4):
        assert night(connection).state == State.FAILED
        assert codes(connection) == ["source_down"]
    assert "127.0.0.1" in str(Alarm.objects.get())
    at(4)
    assert codes(connection) == ["source_down"]
    till.faults.down = False
    assert night(connection).state == State.DONE
    assert codes(connection) == []
    assert Alarm.objects.count() == 1


def test_a_source_that_is_missed_already_is_not_told_again_as_down(connection, till):
    forget_yesterday(connection)
    assert codes(connection) == ["no_yesterday"]
    till.faults.down = True
    night(connection)
    assert codes(connection) == ["no_yesterday"]
    assert Alarm.objects.get().params["why"]["code"] == "unreachable"


def test_a_load_that_a_person_began_in_vain_is_no_alarm(connection, till):
    till.faults.down = True
    assert load(connection).state == State.FAILED
    assert codes(connection) == []


def test_what_a_night_finds_doubtful_is_told_when_the_second_question_has_the_same_answer(connection, till, at):
    at(4)
    assert night(connection).state == State.DONE
    till.faults.plan("olap", "no_rows", count=None)
    night(connection)
    assert SourceDay.objects.get(date=yesterday(connection)).state == DayState.SUSPICIOUS
    assert codes(connection) == []
    night(connection)
    assert codes(connection) == ["no_yesterday", "suspicious_source"]


def test_what_the_second_question_puts_right_is_no_alarm(connection, till, at):
    at(4)
    night(connection)
    till.faults.plan("olap", "no_rows", count=None)
    night(connection)
    till.faults.clear()
    assert codes(connection) == []
    assert night(connection).state == State.DONE
    assert codes(connection) == []
    assert not Alarm.objects.exists()


def test_a_load_that_does_not_come_to_an_end_is_not_waited_for(connection, at):
    forget_yesterday(connection)
    at(4)
    fields = {"organisation": connection.organisation, "unit": str(connection.pk), "state": State.RUNNING}
    run = Run.objects.create(kind="load_connection", params={"deep": True, "department": None}, **fields)
    for minutes, told in ((5, []), (60, ["no_yesterday"])):
        Run.objects.filter(pk=run.pk).update(started_at=clock.now() - dt.timedelta(minutes=minutes))
        assert codes(connection) == told


def test_a_second_question_that_never_comes_is_not_waited_for(connection, till, at, settings):
    at(4)
    till.faults.plan("olap", "no_rows", count=None)
    night(connection)
    assert codes(connection) == []
    settings.RETRY_SECONDS = settings.RUN_SWEEP_SECONDS = 0
    assert codes(connection) == ["no_yesterday", "suspicious_source"]


def test_suspicious_days_of_few_branches_are_told_by_branch_and_of_many_by_source(connection):
    days = SalesSummary.objects.filter(date=yesterday(connection))
    pks = list(days.values_list("pk", flat=True))
    assert len(pks) > 3
    SalesSummary.objects.filter(pk__in=pks[:2]).update(state=DayState.SUSPICIOUS)
    assert codes(connection) == ["suspicious_days"] * 2
    assert set(Alarm.objects.values_list("department", flat=True)) == set(
        SalesSummary.objects.filter(pk__in=pks[:2]).values_list("department", flat=True)
    )
    days.update(state=DayState.COMPLETE)
    assert codes(connection) == []
    days.update(state=DayState.SUSPICIOUS)
    assert codes(connection) == ["suspicious_source"]
    days.update(state=DayState.COMPLETE)
    assert codes(connection) == []


def test_branches_told_before_their_source_is_in_doubt_are_not_said_to_be_well(connection):
    days = SalesSummary.objects.filter(date=yesterday(connection))
    SalesSummary.objects.filter(pk=days.first().pk).update(state=DayState.SUSPICIOUS)
    codes(connection)
    days.update(state=DayState.SUSPICIOUS)
    assert codes(connection) == ["suspicious_days", "suspicious_source"]
    days.update(state=DayState.COMPLETE)
    assert codes(connection) == []


@pytest.mark.parametrize(("state", "code"), [(DayState.OPEN_SHIFT, "left_open"), (DayState.PARTIAL, "partial_days")])
def test_a_day_that_is_not_whole_is_told_by_branch(connection, at, state, code):
    day = SalesSummary.objects.filter(date=yesterday(connection)).first()
    SalesSummary.objects.filter(pk=day.pk).update(state=state)
    at(2)
    assert codes(connection) == []
    at(12)
    assert codes(connection) == [code]
    at(1, days=1)
    assert codes(connection) == [code]
    alarm = Alarm.objects.get()
    assert (alarm.department, f"{day.date:%d.%m.%Y}" in str(alarm)) == (day.department_id, True)
    SalesSummary.objects.filter(pk=day.pk).update(state=DayState.COMPLETE)
    assert codes(connection) == []


def test_a_shift_nobody_closed_is_told_at_noon_but_not_of_a_branch_that_is_closed(connection, at):
    day = SalesSummary.objects.filter(date=yesterday(connection)).first()
    SalesSummary.objects.filter(pk=day.pk).update(state=DayState.OPEN_SHIFT)
    assert codes(connection) == []
    at(12)
    assert codes(connection) == ["left_open"]
    Closure.objects.create(
        organisation=connection.organisation, department=Department.objects.get(pk=day.department_id), first=day.date
    )
    assert codes(connection) == []


def silence_of_beat(monkeypatch, *, watched_seconds: float):
    setup_schedules()
    monkeypatch.setattr(watching, "_began", time.monotonic() - watched_seconds)


def test_beat_is_silent_only_after_it_had_time_to_speak(connection, monkeypatch):
    silence_of_beat(monkeypatch, watched_seconds=1)
    assert codes(connection) == []
    silence_of_beat(monkeypatch, watched_seconds=1000)
    assert codes(connection) == ["beat_silent"]
    silence_of_beat(monkeypatch, watched_seconds=1)  # another worker keeps the house now
    assert codes(connection) == ["beat_silent"]
    beat("beat")
    assert codes(connection) == []


def test_work_that_nobody_takes_is_told(connection, monkeypatch):
    long_ago = timezone.now() - dt.timedelta(hours=1)
    Run.objects.create(organisation=connection.organisation, kind="sync_sales", unit="x", not_before=long_ago)
    beat("keeper")
    monkeypatch.setattr(watching, "_began", time.monotonic() - 1000)
    assert codes(connection) == ["work_stuck"]


def test_a_connection_that_is_switched_off_has_no_troubles(connection):
    forget_yesterday(connection)
    assert codes(connection) == ["no_yesterday"]
    Connection.objects.update(is_active=False)
    watch_all()
    assert not Alarm.objects.filter(ended_at=None).exists()


def test_a_rule_that_fails_says_nothing_and_ends_nothing(connection, monkeypatch):
    forget_yesterday(connection)
    codes(connection)

    def broken(*arguments):
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(
        watching, "RULES", {broken: frozenset({"no_yesterday"}), watching.disk: watching.RULES[watching.disk]}
    )
    monkeypatch.setattr(watching, "LEAST_FREE_BYTES", 2**60)
    assert codes(connection) == ["disk_nearly_full", "no_yesterday"]


def test_a_disk_nearly_full_is_critical(connection, monkeypatch):
    monkeypatch.setattr(watching, "LEAST_FREE_BYTES", 2**60)
    assert codes(connection) == ["disk_nearly_full"]
    assert Alarm.objects.get().severity == "critical"


def test_a_disk_at_the_limit_is_told_once(connection, monkeypatch, settings):
    settings.ALARM_FREE_PERCENT = 0
    free = shutil.disk_usage(settings.VAR_DIR).free
    monkeypatch.setattr(watching, "LEAST_FREE_BYTES", free * 2)
    codes(connection)
    monkeypatch.setattr(watching, "LEAST_FREE_BYTES", free / 1.1)
    assert codes(connection) == ["disk_nearly_full"]
    monkeypatch.setattr(watching, "LEAST_FREE_BYTES", free / 2)
    assert codes(connection) == []


def test_work_that_waits_for_room_on_the_disk_is_told_once_until_it_is_done(connection):
    Run.objects.update(state=State.QUEUED, message_code="disk_full")
    assert codes(connection) == ["disk_full"]
    Run.objects.update(message_code="loading")  # tried again, and not done yet
    assert codes(connection) == ["disk_full"]
    Run.objects.update(state=State.DONE)
    assert codes(connection) == []
    assert Alarm.objects.filter(code="disk_full").count() == 1


def test_of_one_trouble_one_alarm_stands_however_often_is_looked(connection):
    forget_yesterday(connection)
    for _ in range(3):
        codes(connection)
    assert Alarm.objects.count() == 1


def test_a_year_without_holidays_is_told_in_time(connection, at):
    """The test's clock stands late in a year or early in the next: that year or the next one is missed."""
    organisation = connection.organisation
    today = connection_today(connection)
    seed_holidays(organisation, [today.year - 1])
    assert codes(connection) == ["calendar_empty"]
    alarm = Alarm.objects.get()
    assert (alarm.params["year"], place_of(alarm)) == (today.year, "/admin/departments/holiday/")
    seed_holidays(organisation, [today.year, today.year + 1])
    assert codes(connection) == []
