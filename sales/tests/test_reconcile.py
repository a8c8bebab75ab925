"""A difference of one tiyn, wherever it hides, is found, named and repaired."""

import datetime as dt
import json
import random
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Connection, SourceSession
from departments.sessions import POLL
from runs.alarms import raise_alarm
from runs.choices import State, Trigger
from runs.ledger import open_run, run_now
from runs.models import Alarm, Run
from runs.sentences import of_errors
from sales.choices import DayState
from sales.models import Difference, ObservedDay, SalesByHour, SalesSummary
from sales.reconciling import start_reconcile, start_repair, start_samples
from sales.sync import start_sync
from sales.tests.hiding_places import FIRST, HIDING_PLACES, LAST, SHOPS, TIYN, published_day, sold
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell
from sources.simulator.worlds.static import StaticWorld

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(StaticWorld(sold()), login="api", password="secret") as server:
        yield server


@pytest.fixture(autouse=True)
def no_breath(monkeypatch):
    monkeypatch.setattr("sales.reconciling.sleep", lambda seconds: None)


@pytest.fixture
def connection(till):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="api", password="secret"
    )
    run, _ = start_sync(organisation=connection.organisation, from_date=FIRST, to_date=LAST, trigger="command")
    assert run_now(run).state == State.DONE
    return connection


def compare(connection, first=FIRST, last=LAST, *, repair=False):
    run, _ = start_reconcile(
        organisation=connection.organisation, from_date=first, to_date=last, repair=repair, trigger="command"
    )
    return run_now(run)


def test_an_untouched_chain_shows_no_difference(connection):
    run = compare(connection)
    assert (run.state, run.counts["differences"], run.counts["days"]) == (State.DONE, 0, 21)


@pytest.mark.parametrize("hide", HIDING_PLACES, ids=lambda hide: hide.__name__)
def test_the_smallest_difference_is_found_where_it_is_and_repaired(connection, till, hide):
    date = hide(random.Random(11), till)
    run = compare(connection)
    assert run.state == State.PARTIAL
    assert set(Difference.objects.filter(run=run).values_list("date", flat=True)) == {date}
    assert f"{date:%d.%m.%Y}" in of_errors(run.errors)[0]
    repaired = compare(connection, repair=True)
    assert (repaired.state, repaired.counts["differences"]) == (State.DONE, 0), repaired.errors
    assert repaired.counts["repaired"] > 0


def test_wherever_it_hides(connection, till):
    chance = random.Random(29)
    for hide in HIDING_PLACES:
        date = hide(chance, till)
        run = compare(connection, date - dt.timedelta(days=3), date + dt.timedelta(days=3))
        assert set(Difference.objects.filter(run=run).values_list("date", flat=True)) == {date}, hide
        assert compare(connection, date, date, repair=True).state == State.DONE, hide
    assert compare(connection).counts["differences"] == 0


def test_a_source_that_fails_midway_is_no_agreement(connection, till):
    till.faults.plan("olap", "html_502", skip=2, count=None)
    run = compare(connection)
    assert run.state == State.PARTIAL
    assert [error["code"] for error in run.errors] == ["server_error", "not_compared"]
    assert f"{FIRST:%d.%m.%Y}" in of_errors(run.errors)[1]
    till.faults.clear()
    till.faults.plan("login", "html_502", count=None)
    assert compare(connection).state == State.FAILED


def test_what_was_repaired_does_not_hide_what_was_never_compared(connection, till):
    published_day(random.Random(3), till)
    other = IikoServer(StaticWorld([]), login="api", password="secret")
    with other:
        other.faults.plan("login", "html_502", count=None)
        Connection.objects.create(
            organisation=connection.organisation, name="other", url=other.url, login="api", password="secret"
        )
        run = compare(connection, repair=True)
    assert (run.state, run.counts["differences"], run.counts["repaired"]) == (State.PARTIAL, 0, 1)
    assert "other" in of_errors(run.errors)[0]


def test_a_repair_that_fails_says_why(connection, till):
    published_day(random.Random(3), till)
    # Two questions for each of three weeks and two more for the week that differs: the next one is the load's.
    till.faults.plan("olap", "html_502", skip=8)
    run = compare(connection, repair=True)
    assert (run.state, run.counts["differences"], run.counts["repaired"]) == (State.PARTIAL, 1, 0)
    assert [error["code"] for error in run.errors][:2] == ["differences", "server_error"]


def test_a_found_difference_is_repaired_by_asking_for_its_days_only(connection, till):
    date = published_day(random.Random(3), till)
    found = compare(connection)
    till.audit.reset()
    run, _ = start_repair(found, started_by=None)
    run = run_now(run)
    assert (run.state, run.counts) == (State.DONE, {"days": 1, "differences": 0, "kept": 0, "repaired": 1})
    assert {str(date) in json.dumps(question) for question in till.audit.questions} == {True}


def test_a_suspicious_day_is_named_as_kept_and_not_repaired_over_a_persons_head(connection, till):
    shop = SHOPS[0]
    till.world.rows = [row for row in till.world.rows if (row.department_id, row.date) != (shop, LAST)]
    run, _ = start_sync(organisation=connection.organisation, from_date=LAST, to_date=LAST, trigger="command")
    run_now(run)
    SalesSummary.objects.filter(department=SHOPS[1], date=FIRST).update(orders=1)
    compared = compare(connection, repair=True)
    assert (compared.counts["differences"], compared.counts["kept"], compared.counts["repaired"]) == (0, 1, 1)
    assert compared.state == State.PARTIAL
    assert SalesSummary.objects.get(department=shop, date=LAST).total_sales > 0


def test_a_suspicious_day_of_the_same_revenue_is_kept_too_if_anything_else_differs(connection, till):
    ObservedDay.objects.filter(external_id=SHOPS[0], date=LAST).update(state=DayState.SUSPICIOUS, guests=7)
    assert compare(connection, LAST, LAST).counts["kept"] == 1


def test_days_that_are_being_sold_are_not_compared_and_that_is_said(connection, till):
    ObservedDay.objects.filter(external_id=SHOPS[0], date=LAST).update(state=DayState.OPEN_SHIFT)
    till.world.rows.append(Cell(SHOPS[0], LAST, 21, Decimal(500), Decimal(500), 1, 1))
    run = compare(connection)
    assert (run.state, run.counts["differences"]) == (State.DONE, 0)
    assert [error["code"] for error in run.errors] == ["still_open"]
    SalesByHour.objects.filter(department=SHOPS[0], date=LAST, hour=9).delete()
    assert compare(connection).counts["differences"] == 1


def test_to_compare_nothing_is_no_agreement(connection):
    run = compare(connection, timezone.localdate(), timezone.localdate())
    assert (run.state, run.errors[0]["code"]) == (State.FAILED, "nothing_compared")


class Fickle(StaticWorld):
    """Says of its first branch a tiyn more in every answer whose number is in `lies`; every question is counted."""

    def __init__(self, rows, *lies):
        super().__init__(rows)
        self.lies, self.asked = lies, 0

    def cells(self, first, last):
        self.asked += 1
        return [
            row._replace(revenue=row.revenue + TIYN)
            if self.asked in self.lies and (row.department_id, row.date, row.hour) == (SHOPS[0], LAST, 9)
            else row
            for row in super().cells(first, last)
        ]


def test_a_till_that_takes_back_what_it_said_is_named_and_its_last_word_counts(connection, till):
    till.world = Fickle(till.world.rows, 1, 2)
    run = compare(connection, LAST, LAST)
    assert (run.state, run.counts["differences"]) == (State.DONE, 0)
    assert (run.errors[0]["code"], run.errors[0]["params"]["dates"]) == ("unsteady", f"{LAST:%d.%m.%Y}")


def test_a_till_whose_hours_do_not_come_to_its_day_is_named_and_nothing_is_loaded_for_it(connection, till):
    till.world = Fickle(till.world.rows, 2, 4)
    run = compare(connection, LAST, LAST, repair=True)
    assert (run.state, [error["code"] for error in run.errors]) == (State.PARTIAL, ["contradictions"])
    found = Difference.objects.get(run=run)
    assert (found.where, found.what, found.theirs - found.ours) == ("source", "revenue", TIYN)
    assert not run.children.exists()


def test_between_two_questions_the_till_is_free_for_a_load_that_waits_for_it(connection, till, monkeypatch):
    free = []
    monkeypatch.setattr(
        "sales.reconciling.sleep",
        lambda seconds: free.append((seconds > POLL, till.tokens.live(3600), SourceSession.objects.get().locked_by)),
    )
    assert compare(connection).state == State.DONE
    assert free == [(True, [], "")] * 2
    assert till.audit.broken == []


def night(connection, number):
    """The sample of some night, worked on."""
    run, _ = open_run(
        "reconcile",
        organisation=connection.organisation,
        unit="sample",
        trigger=Trigger.SCHEDULE,
        params={"sample": f"night {number}"},
    )
    return run_now(run)


def test_a_night_compares_a_sample_of_the_past_once(connection, till):
    assert len(start_samples()) == 1
    assert start_samples() == []
    run = run_now(Run.objects.get(kind="reconcile"))
    assert (run.trigger, run.state, run.counts["days"]) == (Trigger.SCHEDULE, State.DONE, 3)


def test_an_alarm_of_a_night_stands_until_the_very_days_agree(connection, till):
    SalesSummary.objects.update(orders=1)
    assert night(connection, 1).counts["differences"] == 3 * len(SHOPS)
    alarm = Alarm.objects.get()
    dates = [dt.date.fromisoformat(text) for text in alarm.params["days"]]
    assert (alarm.code, alarm.key, len(dates)) == ("differing_days", f"reconcile:{connection.pk}", 3)

    # Other days agree: that says nothing of these, and the next night looks at them again.
    SalesSummary.objects.exclude(date__in=dates).update(orders=9)
    other = next(FIRST + dt.timedelta(days=n) for n in range(21) if FIRST + dt.timedelta(days=n) not in dates)
    compare(connection, other, other)
    assert night(connection, 2).counts["days"] > 3
    assert Alarm.objects.get(ended_at=None).pk == alarm.pk

    # A person repairs them.
    compare(connection, repair=True)
    assert not Alarm.objects.filter(ended_at=None).exists()


def test_neither_a_dead_till_nor_a_deleted_one_keeps_an_alarm_standing(connection, till):
    SalesSummary.objects.update(orders=1)
    night(connection, 1)
    SalesSummary.objects.update(orders=9)
    dead = Connection.objects.create(
        organisation=connection.organisation, name="a dead one", url="http://127.0.0.1:9", login="a", password="b"
    )
    dead.days.create(organisation=connection.organisation, date=LAST)
    raise_alarm(connection.organisation, "differing_days", "reconcile:0", params={"days": [str(LAST)]})  # deleted since
    assert night(connection, 2).state == State.PARTIAL
    assert dead.name < connection.name
    assert not Alarm.objects.filter(ended_at=None).exists()


def test_on_the_command_line_zero_is_agreement_and_one_is_not(connection, capsys):
    dates = ["--from", str(FIRST), "--to", str(LAST)]
    call_command("reconcile", *dates)
    date = published_day(random.Random(3), None)
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", *dates, "--json")
    assert ended.value.code == 1
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {one["date"] for one in said["differences"]} == {str(date)}
    call_command("reconcile", *dates, "--repair")
