"""Opening, claiming, fencing and ending runs. The database decides; Celery is only poked.

A worker holds a lease that a thread renews; every claim raises the fence; whoever writes results calls
`Work.guard()` inside the same transaction, so that a worker that lost its lease cannot commit.

Whoever locks several runs locks children before parents, and no lock shuts out a child that is being inserted: so
ending, waking and cancelling never wait for each other in a circle. Leases and due times go by the database's clock.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.db.models import F, Q

from accounts.models import Organisation, User
from runs import clock, registry
from runs.choices import UNFINISHED, State, Trigger
from runs.models import Run
from runs.outages import PASSING, outage
from runs.querysets import RunQuerySet
from runs.registry import Later, Outcome, Wait

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_ATTEMPTS = 25  # a run that gets on survives twenty killed workers; one that kills them does not go on for ever
PROGRESS_EVERY = 0.5  # seconds between two writes of progress
MESSAGE_LIFETIME = 600  # seconds; the sweeper sends another one
RECONNECT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
FIRST_PAUSE, LONGEST_PAUSE = 1, 300  # seconds until an interrupted run is tried again
CANCELLED = {"code": "cancelled", "params": {}}

_inline: ContextVar[bool] = ContextVar("runs_inline", default=False)


class LostLease(Exception):
    """Somebody else has claimed the run; this worker must not write another byte for it."""


class Cancelled(Exception):
    """A person asked the run to stop."""


class RunFailed(Exception):
    """An expected failure: one sentence for a person, no traceback."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def as_error(self) -> dict[str, Any]:
        return {"code": self.code, "params": self.params}


def open_run(
    kind: str,
    *,
    organisation: Organisation,
    unit: str = "",
    night: dt.date | None = None,
    trigger: str = Trigger.PAGE,
    started_by: User | None = None,
    parent: Run | None = None,
    from_date: dt.date | None = None,
    to_date: dt.date | None = None,
    params: dict[str, Any] | None = None,
) -> tuple[Run, bool]:
    """The run and whether it is new. An unfinished run of the same unit, or the night's, is returned instead."""
    fields = {
        "organisation": organisation,
        "kind": kind,
        "unit": unit,
        "night": night,
        "trigger": trigger,
        "started_by": started_by,
        "parent": parent,
        "from_date": from_date,
        "to_date": to_date,
        "params": params or {},
    }
    same = Run.objects.filter(organisation=organisation, kind=kind, unit=unit)
    standing = Q(state__in=UNFINISHED) | (Q(night=night) if night else Q(pk=None))
    for last_try in (False, False, True):
        try:
            with transaction.atomic():
                run = Run.objects.create(**fields)
                dispatch(run, not_before=clock.database_now())
            return run, True
        except IntegrityError:
            if found := same.filter(standing).order_by("-id").first():
                return found, False
            if last_try:  # else the one in the way has ended meanwhile
                raise
    raise AssertionError("unreachable")


def dispatch(run: Run, **changes: Any) -> None:
    """Poke a worker once the row is committed. A broker that is away costs time, never the work."""
    Run.objects.filter(pk=run.pk).update(dispatched_at=clock.database_now(), **changes)
    if not _inline.get():
        transaction.on_commit(lambda: _send(run.pk, run.kind))


def _send(pk: int, kind: str, countdown: float | None = None) -> bool:
    """Whether the broker took the message; if not, the next sweep sends it again."""
    from runs.tasks import work

    options = {"expires": MESSAGE_LIFETIME} if countdown is None else {"countdown": countdown}
    try:
        work.apply_async((pk,), queue=registry.kind(kind).queue, retry_policy=RECONNECT_ONCE, **options)
    except Exception as error:  # whatever the broker's client raises
        log.warning("run %s stays queued, the broker does not answer: %s", pk, error)
        Run.objects.filter(pk=pk).update(dispatched_at=None)
        return False
    return True


class Work:
    """A claimed run in the hands of a handler."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.fence = run.fence
        self.lost = threading.Event()
        self._told = 0.0

    def _mine(self) -> Any:
        return Run.objects.filter(pk=self.run.pk, fence=self.fence, state=State.RUNNING)

    def guard(self) -> None:
        """Inside a transaction, before its commit: raise LostLease unless this worker still holds the run."""
        if not _locked(self._mine()):
            raise LostLease

    def progress(self, done: int, total: int, code: str = "", /, **params: Any) -> None:
        """Show progress (at most twice a second) and stop if somebody asked for it."""
        if self.lost.is_set():
            raise LostLease
        if time.monotonic() - self._told >= PROGRESS_EVERY or done >= total:
            self._tell(progress_done=done, progress_total=total, message_code=code, message_params=params)

    def step(self, done: int, total: int, code: str, counts: dict[str, Any], /, **params: Any) -> None:
        """Progress by a few steps that may each take long: told at once, with what is known by now."""
        self._tell(progress_done=done, progress_total=total, message_code=code, message_params=params, counts=counts)

    def _tell(self, **fields: Any) -> None:
        self._told = time.monotonic()
        if self.lost.is_set() or not self._mine().update(**fields):
            raise LostLease
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        if _cancel_asked(self.run):
            raise Cancelled

    def renew(self) -> bool:
        return bool(self._mine().update(lease_until=_lease_end()))

    def spawn(self, kind: str, **fields: Any) -> tuple[Run, bool]:
        """A run under this one, with its night, trigger and person."""
        fields = {"night": self.run.night, "trigger": self.run.trigger, "started_by": self.run.started_by} | fields
        return open_run(kind, organisation=self.run.organisation, parent=self.run, **fields)

    def remember(self, **params: Any) -> None:
        """Keep what the handler must know when it is called again."""
        self.run.params = self.run.params | params
        self._mine().update(params=self.run.params)


def _lease_end() -> Any:
    return clock.database_now(settings.RUN_LEASE_SECONDS)


def _locked(runs: RunQuerySet) -> list[Run]:
    """The runs, children before parents, locked until the transaction ends; their children may still be inserted."""
    return list(runs.order_by("-id").select_for_update(of=("self",), no_key=True))


def _tree(pk: int) -> RunQuerySet:
    return Run.objects.filter(Q(pk=pk) | Q(parent=pk) | Q(parent__parent=pk))


def _cancel_asked(run: Run) -> bool:
    """Of the run itself or of what it is part of: a part may be opened while its whole is being cancelled."""
    whole = [run.pk, run.parent_id, run.parent and run.parent.parent_id]
    return Run.objects.filter(pk__in=filter(None, whole), cancel_asked=True).exists()


def this_process() -> str:
    """Host, parent and process: a worker knows the runs of its children by it."""
    return f"{socket.gethostname()}:{os.getppid()}.{os.getpid()}"


def claim(pk: int) -> Work | None:
    """Take the run if it is due and nobody alive holds it; the fence grows with it."""
    changed = (
        Run.objects.claimable()
        .filter(pk=pk)
        .update(
            state=State.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            waiting=False,
            lease_owner=this_process(),
            lease_until=_lease_end(),
        )
    )
    if not changed:
        return None
    Run.objects.filter(pk=pk, started_at=None).update(started_at=clock.now())
    return Work(Run.objects.select_related("organisation", "started_by", "parent").get(pk=pk))


def _surely(write: Callable[[], T]) -> T:
    """The write, again and again while the database is away, for as long as a lease may last.

    Not inside a transaction, which is lost with its connection. Raises OperationalError or InterfaceError in the end.
    """
    deadline = time.monotonic() + settings.RUN_LEASE_SECONDS
    while True:
        try:
            return write()
        except PASSING as error:
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            log.warning("the ledger could not be written, it is tried again: %s", error)
            connection.close()
            time.sleep(min(0.5, settings.RUN_LEASE_SECONDS / 10))


@contextmanager
def _lease_kept(work: Work) -> Iterator[None]:
    """Renew the lease from a thread while the handler works."""
    if connection.in_atomic_block:  # a test's transaction: another connection would not see the row
        yield
        return
    done = threading.Event()

    def renew() -> None:
        while not done.wait(settings.RUN_LEASE_SECONDS / 3):
            try:
                if not work.renew():
                    work.lost.set()
                    return
            except Exception as error:  # the database is away for a moment; the lease may outlive that
                log.warning("run %s: the lease could not be renewed: %s", work.run.pk, error)
            finally:
                close_old_connections()
        connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{work.run.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)


def execute(pk: int) -> str | None:
    """Work on a run if it is to be had. Returns its state afterwards, None if it was not.

    Raises OperationalError or InterfaceError if the database stays away: the run is then somebody else's, later.
    """
    work = _surely(lambda: claim(pk))
    if work is None:
        return None
    conclude = _conclusion(work)
    return _surely(conclude)


def _conclusion(work: Work) -> Callable[[], str | None]:
    """Call the handler; how the run is to be written after that."""
    run = work.run
    try:
        if _cancel_asked(run):
            return lambda: _end(work, Outcome(State.CANCELLED, errors=[CANCELLED]))
        if run.attempts > MOST_ATTEMPTS and not run.children.exists():
            return lambda: _end(work, Outcome(State.FAILED, errors=[_gave_up(run)]))
        with _lease_kept(work):
            outcome = registry.kind(run.kind).handler(work)
        if isinstance(outcome, Wait):
            return lambda: _wait(work)
        if isinstance(outcome, Later):
            seconds = outcome.seconds
            return lambda: _later(work, seconds)
    except LostLease:
        log.warning("run %s (%s) was taken over by another worker", run.pk, run)
        return lambda: None
    except Cancelled:
        outcome = Outcome(State.CANCELLED, errors=[CANCELLED])
    except RunFailed as failure:
        outcome = Outcome(State.FAILED, errors=[failure.as_error()])
    except SoftTimeLimitExceeded:
        outcome = Outcome(State.FAILED, errors=[{"code": "too_long", "params": {}}])
    except Exception as error:
        trouble = outage(error)
        if trouble:
            log.warning("run %s (%s) was interrupted: %s", run.pk, run, error)
            return lambda: _interrupted(work, trouble)
        log.exception("run %s (%s) failed", run.pk, run)
        outcome = Outcome(State.FAILED, errors=[{"code": "bug", "params": {"what": type(error).__name__}}])
    except BaseException:  # the worker is being stopped
        with suppress(*PASSING):
            give_back(Run.objects.filter(pk=run.pk, fence=work.fence))
        raise
    return lambda: _end(work, outcome)


def _gave_up(run: Run) -> dict[str, Any]:
    """After too many attempts; worth a repair where the surroundings were at fault."""
    if run.message_code in ("disk_full", "out_of_order"):
        return {"code": run.message_code, "params": {}, "transient": True}
    return {"code": "gave_up", "params": {"attempts": run.attempts - 1}}


def _end(work: Work, outcome: Outcome) -> str | None:
    counted = {"counts": outcome.counts} if outcome.counts else {}  # else those of its last step stay
    with transaction.atomic():
        changed = work._mine().update(
            state=outcome.state,
            **counted,
            errors=outcome.errors,
            finished_at=clock.now(),
            lease_until=None,
            waiting=False,
        )
        if not changed:
            return None
        if work.run.parent_id:
            _wake(work.run.parent_id)
    return outcome.state


def _wake(parent_id: int) -> None:
    """Queue a waiting parent again once none of its children is unfinished.

    Locked whether it waits or not: a parent that is just beginning to wait is waited for, else both would leave it
    to the other.
    """
    for parent in _locked(Run.objects.filter(pk=parent_id)):
        if parent.waiting and not parent.children.unfinished().exists():
            dispatch(parent, waiting=False, state=State.QUEUED, not_before=clock.database_now())


def _interrupted(work: Work, code: str) -> str | None:
    """The surroundings failed: the run is queued again after a pause that grows."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (work.run.attempts - 1))
    return _queue_again(work, pause, message_code=code, message_params={})


def _wait(work: Work) -> str | None:
    with transaction.atomic():
        if not _locked(work._mine()):
            return None
        work._mine().update(waiting=True, lease_until=None)
        _wake(work.run.pk)
    return State.RUNNING


def _later(work: Work, seconds: float) -> str | None:
    """Waiting for somebody else is not an attempt of one's own."""
    return _queue_again(work, seconds, attempts=F("attempts") - 1)


def _queue_again(work: Work, seconds: float, **changes: Any) -> str | None:
    due = clock.database_now(seconds)
    if not work._mine().update(state=State.QUEUED, not_before=due, dispatched_at=due, lease_until=None, **changes):
        return None
    if not _inline.get():
        transaction.on_commit(lambda: _send(work.run.pk, work.run.kind, seconds + 0.1))
    return State.QUEUED


def give_back(runs: RunQuerySet) -> int:
    """Queue runs whose worker is being stopped, for another one to take at once; returns how many that were."""
    given = 0
    for run in runs.filter(state=State.RUNNING, waiting=False).exclude(lease_until=None):
        again = {"state": State.QUEUED, "lease_until": None, "attempts": F("attempts") - 1}
        mine = Run.objects.filter(pk=run.pk, fence=run.fence, state=State.RUNNING)
        if mine.update(**again, not_before=clock.database_now(), dispatched_at=clock.database_now()):
            log.warning("run %s (%s) goes back to the queue: its worker is being stopped", run.pk, run)
            given += 1
            if not _inline.get():
                _send(run.pk, run.kind)
    return given


def run_now(run: Run) -> Run:
    """Work on a run and all it starts in this very process, without Celery; returns it finished."""
    token = _inline.set(True)
    try:
        while True:
            run.refresh_from_db()
            if run.finished:
                return run
            ready = list(_tree(run.pk).claimable().order_by("-id").values_list("pk", flat=True))
            if not any([execute(pk) for pk in ready]):  # noqa: C419 -- all of them are to run
                time.sleep(0.2)  # another process holds it, or it is not due yet
    except KeyboardInterrupt:  # whoever sits there wants it to stop, not a worker to go on with it
        cancel(run)
        raise
    finally:
        _inline.reset(token)


def cancel(run: Run) -> None:
    """Ask a run and all under it to stop; what nobody has begun yet is over at once."""
    with transaction.atomic():
        tree = _locked(_tree(run.pk).unfinished())
        found = Run.objects.filter(pk__in=[each.pk for each in tree])
        found.update(cancel_asked=True)
        found.filter(state=State.QUEUED).update(state=State.CANCELLED, finished_at=clock.now(), errors=[CANCELLED])
        parents = {each.parent_id for each in tree if each.parent_id and each.state == State.QUEUED}
        for parent in sorted(parents, reverse=True):
            _wake(parent)


def sweep() -> int:
    """Poke workers for all that nobody alive works on; returns how many runs that were.

    A message that nobody answered for half a round is taken for lost: a second one does no harm.
    """
    told_before = clock.database_now(-settings.RUN_SWEEP_SECONDS / 2)
    forgotten = Run.objects.claimable().filter(
        Q(dispatched_at=None) | Q(dispatched_at__lt=told_before) | Q(state=State.RUNNING)
    )
    found = list(forgotten.order_by("id"))
    for run in found:
        Run.objects.filter(pk=run.pk).update(dispatched_at=clock.database_now())
        if not _send(run.pk, run.kind):
            break  # each of the others would wait for the broker as long
    orphans = Run.objects.filter(waiting=True, state=State.RUNNING).exclude(children__state__in=UNFINISHED)
    for run in orphans:
        with transaction.atomic():
            _wake(run.pk)
    return len(found)
