"""The ledger decides: one run per unit, one owner per run, and nothing is written by who lost the lease."""

import datetime as dt
import errno

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from accounts.models import Organisation
from runs import clock, ledger, registry
from runs.choices import State
from runs.ledger import LostLease, RunFailed, open_run, run_now
from runs.models import Run
from runs.registry import Later, Outcome, Wait
from runs.sentences import of_errors

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NIGHT = dt.date(2026, 3, 18)


@pytest.fixture
def organisation():
    return Organisation.objects.create(name="Chain")


@pytest.fixture
def handle(monkeypatch):
    """Registers a handler for a kind of run for the time of a test."""

    def add(kind, handler):
        monkeypatch.setitem(registry._kinds, kind, _Kind(kind, handler))

    return add


class _Kind:
    queue = "default"

    def __init__(self, name, handler):
        self.name = self.title = name
        self.handler = handler


def test_a_second_insert_of_an_unfinished_unit_is_the_first(organisation, handle):
    handle("load", lambda work: Outcome())
    first, created = open_run("load", organisation=organisation, unit="till:1")
    again, created_again = open_run("load", organisation=organisation, unit="till:1")
    assert (created, created_again, again.pk) == (True, False, first.pk)
    run_now(first)
    assert open_run("load", organisation=organisation, unit="till:1")[1]


def test_a_night_is_worked_once_even_after_it_is_finished(organisation, handle):
    handle("nightly", lambda work: Outcome())
    run = run_now(open_run("nightly", organisation=organisation, night=NIGHT)[0])
    again, created = open_run("nightly", organisation=organisation, night=NIGHT)
    assert (created, again.pk) == (False, run.pk)
    assert open_run("nightly", organisation=organisation, night=NIGHT + dt.timedelta(days=1))[1]


def test_only_one_worker_gets_a_run(organisation, handle):
    handle("load", lambda work: Outcome())
    run, _ = open_run("load", organisation=organisation)
    assert ledger.claim(run.pk) is not None
    assert ledger.claim(run.pk) is None


def test_who_lost_the_lease_cannot_commit(organisation, handle):
    handle("load", lambda work: Outcome())
    run, _ = open_run("load", organisation=organisation)
    slow = ledger.claim(run.pk)
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    quick = ledger.claim(run.pk)
    assert quick.fence > slow.fence
    with pytest.raises(LostLease), transaction.atomic():
        slow.guard()
    with pytest.raises(LostLease):
        slow.progress(1, 1)
    assert ledger._end(slow, Outcome(State.FAILED)) is None
    with transaction.atomic():
        quick.guard()


def test_a_parent_waits_for_all_it_started_and_is_called_again(organisation, handle):
    calls = []

    def parent(work):
        calls.append([child.state for child in work.run.children.all()])
        if len(calls) == 1:
            work.spawn("part", unit="a")
            work.spawn("part", unit="b")
            return Wait()
        return Outcome(counts={"parts": sum(child.counts["rows"] for child in work.run.children.all())})

    handle("whole", parent)
    handle("part", lambda work: Outcome(counts={"rows": 3}))
    run = run_now(open_run("whole", organisation=organisation)[0])
    assert calls == [[], ["done", "done"]]
    assert (run.state, run.counts) == (State.DONE, {"parts": 6})


def test_who_is_told_later_comes_again(organisation, handle):
    answers = [Later(0.05), Outcome()]
    handle("load", lambda work: answers.pop(0))
    run = run_now(open_run("load", organisation=organisation)[0])
    assert (run.state, answers, run.attempts) == (State.DONE, [], 1)


def test_an_expected_failure_is_a_sentence_and_a_bug_names_itself(organisation, handle):
    def expected(work):
        raise RunFailed("gave_up", attempts=3)

    def bug(work):
        raise ZeroDivisionError("the 1 % of cases")

    handle("expected", expected)
    handle("bug", bug)
    failed = run_now(open_run("expected", organisation=organisation)[0])
    broken = run_now(open_run("bug", organisation=organisation)[0])
    assert (failed.state, broken.state) == (State.FAILED, State.FAILED)
    assert "3" in of_errors(failed.errors)[0]
    assert "ZeroDivisionError" in of_errors(broken.errors)[0]


def test_cancelling_stops_what_runs_and_what_waits(organisation, handle):
    def parent(work):
        if work.run.children.exists():
            return Outcome(State.CANCELLED)
        work.spawn("part", unit="a")
        ledger.cancel(work.run)
        return Wait()

    handle("whole", parent)
    handle("part", lambda work: pytest.fail("a cancelled run was begun"))
    run = run_now(open_run("whole", organisation=organisation)[0])
    assert (run.state, run.children.get().state) == (State.CANCELLED, State.CANCELLED)


def test_the_sweeper_pokes_for_what_nobody_works_on(organisation, handle, monkeypatch):
    handle("load", lambda work: Outcome())
    sent = []
    monkeypatch.setattr(ledger, "_send", lambda pk, kind: sent.append(pk))
    run, _ = open_run("load", organisation=organisation)
    assert sent == [run.pk]
    assert ledger.sweep() == 0
    Run.objects.filter(pk=run.pk).update(dispatched_at=timezone.now() - dt.timedelta(hours=1))
    assert ledger.sweep() == 1
    ledger.claim(run.pk)
    assert ledger.sweep() == 0
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert ledger.sweep() == 1
    assert sent == [run.pk] * 3


def test_a_broker_that_is_away_loses_no_work(organisation, handle, settings):
    handle("load", lambda work: Outcome())
    from runs.tasks import work as task

    def away(*args, **kwargs):
        raise ConnectionError("nobody listens")

    original, task.apply_async = task.apply_async, away
    try:
        run, created = open_run("load", organisation=organisation)
    finally:
        task.apply_async = original
    assert created
    assert run_now(run).state == State.DONE


def test_a_database_that_went_away_interrupts_a_run_and_does_not_fail_it(organisation, handle):
    answers = iter([OperationalError("server closed the connection unexpectedly"), None])

    def flaky(work):
        if trouble := next(answers):
            raise trouble
        return Outcome()

    handle("load", flaky)
    run, _ = open_run("load", organisation=organisation)
    assert ledger.execute(run.pk) == State.QUEUED
    run.refresh_from_db()
    assert (run.state, run.message_code, run.errors) == (State.QUEUED, "out_of_order", [])
    assert run.not_before > timezone.now()
    Run.objects.update(not_before=clock.database_now())
    assert ledger.execute(run.pk) == State.DONE


def test_a_full_disk_is_named_and_the_work_goes_on_when_there_is_room(organisation, handle):
    def full(work):
        raise OSError(errno.ENOSPC, "No space left on device")

    handle("load", full)
    run, _ = open_run("load", organisation=organisation)
    assert ledger.execute(run.pk) == State.QUEUED
    run.refresh_from_db()
    assert run.message_code == "disk_full"


def test_a_file_that_is_missing_is_a_bug_and_fails(organisation, handle):
    def broken(work):
        raise FileNotFoundError("model.txt")

    handle("load", broken)
    run, _ = open_run("load", organisation=organisation)
    assert ledger.execute(run.pk) == State.FAILED
