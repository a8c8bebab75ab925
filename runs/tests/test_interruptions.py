"""What happens to a run when the database, the disk, the broker or its worker goes away under it."""

import errno
import time

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Organisation
from runs import clock, ledger, registry, tasks
from runs.choices import State
from runs.ledger import open_run
from runs.models import Run
from runs.registry import Kind, Later, Outcome

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

GONE = "server closed the connection unexpectedly"


@pytest.fixture
def organisation():
    return Organisation.objects.create(name="Chain")


@pytest.fixture
def sent(monkeypatch):
    """What was sent to the queue."""
    found = []
    monkeypatch.setattr(ledger, "_send", lambda pk, *rest: found.append(pk) or True)
    return found


@pytest.fixture
def load(organisation, sent, monkeypatch):
    """`load(handler)`: a run of that handler, opened."""

    def opened(handler, unit=""):
        monkeypatch.setitem(registry._kinds, "load", Kind("load", "load", "", "default"))
        monkeypatch.setattr(Kind, "handler", property(lambda kind: handler))
        run, _ = open_run("load", organisation=organisation, unit=unit)
        sent.clear()
        return run

    return opened


def refuses(original, times):
    """The function as it is while the database refuses its first calls."""
    left = [times]

    def flaky(*arguments):
        if left[0]:
            left[0] -= 1
            raise OperationalError(GONE)
        return original(*arguments)

    return flaky


def test_a_handlers_result_outlives_a_database_that_restarts(load, monkeypatch):
    calls = []
    run = load(lambda work: calls.append(1) or Outcome(counts={"rows": 3}))
    monkeypatch.setattr(ledger, "_end", refuses(ledger._end, 2))
    assert ledger.execute(run.pk) == State.DONE
    run.refresh_from_db()
    assert (calls, run.state, run.counts) == ([1], State.DONE, {"rows": 3})


def test_a_database_that_stays_away_leaves_the_run_to_the_sweeper(load, monkeypatch, settings):
    settings.RUN_LEASE_SECONDS = 0.2
    run = load(lambda work: Outcome())
    monkeypatch.setattr(ledger, "_end", refuses(ledger._end, 1000))
    assert tasks.work(run.pk) is None
    run.refresh_from_db()
    assert run.state == State.RUNNING
    assert ledger.sweep() == 1


def test_an_interrupted_run_is_sent_again_after_a_pause_that_grows(load, sent):
    def flaky(work):
        raise OperationalError(GONE)

    run = load(flaky)
    pauses = []
    for _ in range(4):
        assert ledger.execute(run.pk) == State.QUEUED
        run.refresh_from_db()
        pauses.append((run.not_before - timezone.now()).total_seconds())
        Run.objects.update(not_before=clock.database_now())
    assert sent == [run.pk] * 4
    assert [round(pause) for pause in pauses] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("error", "code"),
    [(OperationalError(GONE), "out_of_order"), (OSError(errno.ENOSPC, "No space left on device"), "disk_full")],
)
def test_surroundings_that_never_recover_fail_the_run_in_passing(load, error, code):
    def fails(work):
        raise error

    run = load(fails)
    for _ in range(ledger.MOST_ATTEMPTS):
        assert ledger.execute(run.pk) == State.QUEUED
        Run.objects.update(not_before=clock.database_now())
    assert ledger.execute(run.pk) == State.FAILED
    run.refresh_from_db()
    assert run.errors == [{"code": code, "params": {}, "transient": True}]


def test_a_worker_that_dies_each_time_is_not_given_the_run_for_ever(load):
    run = load(lambda work: pytest.fail("begun once too often"))
    Run.objects.update(attempts=ledger.MOST_ATTEMPTS)
    assert ledger.execute(run.pk) == State.FAILED
    run.refresh_from_db()
    assert run.errors == [{"code": "gave_up", "params": {"attempts": ledger.MOST_ATTEMPTS}}]


def test_a_worker_that_is_stopped_gives_its_run_back(load, sent):
    def stopped(work):
        raise SystemExit

    run = load(stopped)
    with pytest.raises(SystemExit):
        ledger.execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempts, sent) == (State.QUEUED, 0, [run.pk])
    assert ledger.claim(run.pk) is not None


def test_who_interrupts_a_command_stops_its_run(load):
    def interrupted(work):
        raise KeyboardInterrupt

    run = load(interrupted)
    with pytest.raises(KeyboardInterrupt):
        ledger.run_now(run)
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_only_what_is_worked_on_is_given_back(load):
    running = ledger.claim(load(lambda work: Outcome(), "a").pk)
    waiting = ledger.claim(load(lambda work: Outcome(), "b").pk)
    waiting.spawn("load", unit="c")
    ledger._wait(waiting)
    assert ledger.give_back(Run.objects.all()) == 1
    running.run.refresh_from_db()
    waiting.run.refresh_from_db()
    assert (running.run.state, waiting.run.state) == (State.QUEUED, State.RUNNING)


def test_a_run_that_takes_too_long_fails_with_a_sentence(load):
    def slow(work):
        raise SoftTimeLimitExceeded

    run = load(slow)
    assert ledger.execute(run.pk) == State.FAILED
    run.refresh_from_db()
    assert run.errors == [{"code": "too_long", "params": {}}]


def test_a_lost_message_is_missed_after_half_a_round(load, sent, settings):
    run = load(lambda work: Outcome())
    assert ledger.sweep() == 0
    Run.objects.update(dispatched_at=clock.database_now(-settings.RUN_SWEEP_SECONDS / 2 - 1))
    assert ledger.sweep() == 1
    assert sent == [run.pk]


def test_who_is_told_later_is_not_swept_before(load, sent, settings):
    run = load(lambda work: Later(60))
    assert ledger.execute(run.pk) == State.QUEUED
    Run.objects.update(dispatched_at=clock.database_now(-settings.RUN_SWEEP_SECONDS))
    sent.clear()
    assert ledger.sweep() == 0
    Run.objects.update(not_before=clock.database_now())
    assert ledger.sweep() == 1


@pytest.fixture
def refused(monkeypatch):
    """The broker refuses; the numbers of the tries."""
    tries = []

    def away(*arguments, **options):
        tries.append(arguments[0])
        raise ConnectionError("nobody listens")

    monkeypatch.setattr(tasks.work, "apply_async", away)
    return tries


def test_what_the_broker_did_not_take_is_sent_with_the_next_sweep(organisation, refused, monkeypatch):
    monkeypatch.setitem(registry._kinds, "load", Kind("load", "load", "", "default"))
    run, created = open_run("load", organisation=organisation)
    assert (created, len(refused)) == (True, 1)
    assert ledger.sweep() == 1
    assert len(refused) == 2
    monkeypatch.setattr(tasks.work, "apply_async", lambda *arguments, **options: None)
    assert ledger.sweep() == 1
    assert ledger.sweep() == 0


def test_a_sweep_asks_a_broker_that_refuses_once(organisation, refused, monkeypatch):
    monkeypatch.setitem(registry._kinds, "load", Kind("load", "load", "", "default"))
    for number in range(5):
        open_run("load", organisation=organisation, unit=f"{number}")
    refused.clear()
    assert ledger.sweep() == 5
    assert len(refused) == 1


@pytest.fixture
def nobody_listens():
    """A broker that really is not there."""
    from salesforecast.celery import app

    usual = {name: getattr(app.conf, name) for name in ("broker_url", "broker_transport_options")}
    app.conf.update(broker_url="redis://127.0.0.1:1/0", broker_transport_options={})
    app._pool = app.amqp._producer_pool = None
    yield
    app.conf.update(usual)
    app._pool = app.amqp._producer_pool = None


def test_a_broker_that_is_not_there_costs_no_time(organisation, nobody_listens, monkeypatch):
    monkeypatch.setitem(registry._kinds, "load", Kind("load", "load", "", "default"))
    begun = time.monotonic()
    open_run("load", organisation=organisation)
    assert time.monotonic() - begun < 2
    assert Run.objects.get().dispatched_at is None
