"""Several workers, beats and people at the same moment, on real connections: one effective run, nobody stuck."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from accounts.models import Organisation
from runs import clock, ledger
from runs.choices import State
from runs.ledger import LostLease, open_run
from runs.models import Run
from runs.registry import Outcome

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NIGHT = dt.date(2026, 3, 18)
TIMES = 15


@pytest.fixture
def organisation():
    return Organisation.objects.create(name="Chain")


@pytest.fixture(autouse=True)
def nobody_is_poked(monkeypatch):
    monkeypatch.setattr(ledger, "_send", lambda *arguments: True)


def at_once(*calls):
    """What each of the calls returned, all begun together, each on a connection of its own; raises what one raised."""
    barrier = threading.Barrier(len(calls))
    results, troubles = [None] * len(calls), []

    def run(place, call):
        try:
            connection.ensure_connection()
            barrier.wait()
            results[place] = call()
        except Exception as error:
            troubles.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if troubles:
        raise troubles[0]
    return results


def claimed(organisation, kind="load", **fields):
    return ledger.claim(open_run(kind, organisation=organisation, **fields)[0].pk)


def lapse(run):
    Run.objects.filter(pk=run.pk).update(lease_until=clock.database_now(-1))


def test_two_beats_at_the_same_moment_open_one_night_fifty_times(organisation):
    for number in range(50):
        night = NIGHT + dt.timedelta(days=number)

        def begin(night=night):
            return open_run("nightly", organisation=organisation, unit=f"{night}", night=night)

        (first, new), (second, also_new) = at_once(begin, begin)
        assert (first.pk, new + also_new) == (second.pk, 1)
    assert Run.objects.count() == 50


def test_eight_people_who_load_the_same_have_one_run(organisation):
    for number in range(5):
        found = at_once(*[lambda: open_run("load", organisation=organisation, unit=f"{number}")] * 8)  # noqa: B023
        assert (len({run.pk for run, _new in found}), sum(new for _run, new in found)) == (1, 1)


def test_a_unit_that_ends_while_it_is_opened_again_is_found_or_new(organisation):
    for _ in range(TIMES):
        work = claimed(organisation)
        (run, _new), state = at_once(
            lambda: open_run("load", organisation=organisation),
            lambda: ledger._end(work, Outcome()),  # noqa: B023
        )
        assert state == State.DONE
        assert Run.objects.filter(pk=run.pk).exists()
        Run.objects.all().delete()


def test_of_eight_workers_with_the_same_message_one_works(organisation):
    for number in range(5):
        run, _ = open_run("load", organisation=organisation, unit=f"{number}")
        works = at_once(*[lambda: ledger.claim(run.pk)] * 8)  # noqa: B023
        (work,) = filter(None, works)
        assert (work.fence, Run.objects.get(pk=run.pk).attempts) == (1, 1)


def test_of_two_workers_that_take_over_from_a_dead_one_one_does(organisation):
    for number in range(TIMES):
        dead = claimed(organisation, unit=f"{number}")
        lapse(dead.run)
        works = at_once(lambda: ledger.claim(dead.run.pk), lambda: ledger.claim(dead.run.pk))  # noqa: B023
        assert [work.fence for work in works if work] == [2]


def test_a_message_that_comes_again_or_too_late_does_nothing(organisation):
    work = claimed(organisation)
    assert ledger.execute(work.run.pk) is None
    ledger._end(work, Outcome())
    assert ledger.execute(work.run.pk) is None
    assert Run.objects.get().attempts == 1


def test_sweeping_while_a_run_is_claimed_harms_nobody(organisation):
    for number in range(TIMES):
        run, _ = open_run("load", organisation=organisation, unit=f"{number}")
        Run.objects.update(dispatched_at=None)
        _found, work, _again = at_once(ledger.sweep, lambda: ledger.claim(run.pk), ledger.sweep)  # noqa: B023
        assert work is not None
        assert ledger._end(work, Outcome()) == State.DONE


def test_who_commits_is_not_taken_over_before_the_commit(organisation):
    slow = claimed(organisation)
    lapse(slow.run)
    order = []
    guarded = threading.Event()

    def commits():
        with transaction.atomic():
            slow.guard()
            guarded.set()
            threading.Event().wait(0.3)
            order.append("committed")

    def takes_over():
        guarded.wait(10)
        assert ledger.claim(slow.run.pk) is not None
        order.append("taken over")

    at_once(commits, takes_over)
    assert order == ["committed", "taken over"]
    with pytest.raises(LostLease), transaction.atomic():
        slow.guard()


def test_a_parent_that_begins_to_wait_while_its_last_child_ends_is_woken(organisation):
    for _ in range(TIMES):
        parent = claimed(organisation, "whole")
        child = ledger.claim(parent.spawn("part")[0].pk)
        at_once(lambda: ledger._wait(parent), lambda: ledger._end(child, Outcome()))  # noqa: B023
        parent.run.refresh_from_db()
        assert (parent.run.state, parent.run.waiting) == (State.QUEUED, False)
        Run.objects.all().delete()


def test_children_that_end_together_wake_their_parent_once(organisation):
    for _ in range(TIMES):
        parent = claimed(organisation, "whole")
        children = [ledger.claim(parent.spawn("part", unit=name)[0].pk) for name in "abc"]
        ledger._wait(parent)
        at_once(*[lambda child=child: ledger._end(child, Outcome()) for child in children])
        parent.run.refresh_from_db()
        assert (parent.run.state, parent.run.waiting) == (State.QUEUED, False)
        Run.objects.all().delete()


def test_cancelling_while_parts_end_and_begin_leaves_nothing_stuck(organisation):
    for _ in range(TIMES):
        parent = claimed(organisation, "whole")
        running = ledger.claim(parent.spawn("part", unit="a")[0].pk)
        parent.spawn("part", unit="b")
        at_once(
            lambda: ledger.cancel(parent.run),  # noqa: B023
            lambda: ledger._end(running, Outcome()),  # noqa: B023
            lambda: parent.spawn("part", unit="c"),  # noqa: B023
            lambda: ledger._wait(parent),  # noqa: B023
        )
        # What was begun too late to be asked is stopped when somebody takes it up.
        for run in Run.objects.filter(kind="part", state=State.QUEUED):
            assert ledger.execute(run.pk) == State.CANCELLED
        assert ledger.execute(parent.run.pk) == State.CANCELLED
        assert not Run.objects.unfinished().exists()
        Run.objects.all().delete()
