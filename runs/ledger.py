"""Opening, claiming, fencing and ending runs. The database decides; Celery is only poked.

A worker holds a lease that a thread renews; every claim raises the fence; whoever writes results calls
`Work.guard()` inside the same transaction, so that a worker that lost its lease cannot commit.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from runs import registry
from runs.choices import UNFINISHED, State, Trigger
from runs.models import Run
from runs.registry import Later, Outcome, Wait

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 20
PROGRESS_EVERY = 0.5  # seconds between two writes of progress
MESSAGE_LIFETIME = 600  # seconds; the sweeper sends another one

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
    try:
        with transaction.atomic():
            run = Run.objects.create(
                organisation=organisation,
                kind=kind,
                unit=unit,
                night=night,
                trigger=trigger,
                started_by=started_by,
                parent=parent,
                from_date=from_date,
                to_date=to_date,
                params=params or {},
            )
            dispatch(run)
        return run, True
    except IntegrityError:
        same = Run.objects.filter(organisation=organisation, kind=kind, unit=unit)
        standing = Q(state__in=UNFINISHED)
        if night is not None:
            standing |= Q(night=night)
        if (found := same.filter(standing).order_by("-id").first()) is None:
            raise
        return found, False


def dispatch(run: Run) -> None:
    """Poke a worker once the row is committed. A broker that is away costs time, never the work."""
    Run.objects.filter(pk=run.pk).update(dispatched_at=timezone.now())
    if not _inline.get():
        transaction.on_commit(lambda: _send(run.pk, run.kind))


def _send(pk: int, kind: str) -> None:
    from runs.tasks import work

    try:
        work.apply_async((pk,), queue=registry.kind(kind).queue, expires=MESSAGE_LIFETIME, retry=False)
    except Exception as error:  # whatever the broker's client raises: the sweeper sends it again
        log.warning("run %s stays queued, the broker does not answer: %s", pk, error)


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
        if not self._mine().select_for_update().exists():
            raise LostLease

    def progress(self, done: int, total: int, code: str = "", /, **params: Any) -> None:
        """Show progress (at most twice a second) and stop if somebody asked for it."""
        now = time.monotonic()
        if self.lost.is_set():
            raise LostLease
        if now - self._told < PROGRESS_EVERY and done < total:
            return
        self._told = now
        changed = self._mine().update(
            progress_done=done, progress_total=total, message_code=code, message_params=params
        )
        if not changed:
            raise LostLease
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        if Run.objects.filter(pk=self.run.pk, cancel_asked=True).exists():
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


def _lease_end() -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=settings.RUN_LEASE_SECONDS)


def claim(pk: int) -> Work | None:
    """Take the run if it is due and nobody alive holds it; the fence grows with it."""
    now = timezone.now()
    changed = (
        Run.objects.claimable()
        .filter(pk=pk)
        .update(
            state=State.RUNNING,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            waiting=False,
            lease_owner=f"{socket.gethostname()}:{os.getpid()}",
            lease_until=_lease_end(),
        )
    )
    if not changed:
        return None
    Run.objects.filter(pk=pk, started_at=None).update(started_at=now)
    return Work(Run.objects.select_related("organisation", "started_by", "parent").get(pk=pk))


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
    """Work on a run if it is to be had. Returns its state afterwards, None if it was not."""
    work = claim(pk)
    if work is None:
        return None
    run = work.run
    if run.cancel_asked:
        return _end(work, Outcome(State.CANCELLED, errors=[{"code": "cancelled", "params": {}}]))
    if run.attempts > MOST_ATTEMPTS and not run.children.exists():
        gave_up = {"code": "gave_up", "params": {"attempts": run.attempts - 1}}
        return _end(work, Outcome(State.FAILED, errors=[gave_up]))
    try:
        with _lease_kept(work):
            outcome = registry.kind(run.kind).handler(work)
        if isinstance(outcome, Wait):
            return _wait(work)
        if isinstance(outcome, Later):
            return _later(work, outcome.seconds)
    except LostLease:
        log.warning("run %s (%s) was taken over by another worker", pk, run)
        return None
    except Cancelled:
        outcome = Outcome(State.CANCELLED, errors=[{"code": "cancelled", "params": {}}])
    except RunFailed as failure:
        outcome = Outcome(State.FAILED, errors=[failure.as_error()])
    except Exception as error:
        log.exception("run %s (%s) failed", pk, run)
        outcome = Outcome(State.FAILED, errors=[{"code": "bug", "params": {"what": type(error).__name__}}])
    return _end(work, outcome)


def _end(work: Work, outcome: Outcome) -> str | None:
    with transaction.atomic():
        changed = work._mine().update(
            state=outcome.state,
            counts=outcome.counts,
            errors=outcome.errors,
            finished_at=timezone.now(),
            lease_until=None,
            waiting=False,
        )
        if not changed:
            return None
        if work.run.parent_id:
            _wake(work.run.parent_id)
    return outcome.state


def _wake(parent_id: int) -> None:
    """Queue a waiting parent again once none of its children is unfinished."""
    parent = Run.objects.select_for_update().filter(pk=parent_id, waiting=True).first()
    if parent and not parent.children.unfinished().exists():
        Run.objects.filter(pk=parent_id).update(waiting=False, state=State.QUEUED, not_before=timezone.now())
        dispatch(parent)


def _wait(work: Work) -> str | None:
    with transaction.atomic():
        work.guard()
        work._mine().update(waiting=True, lease_until=None)
        _wake(work.run.pk)
    return State.RUNNING


def _later(work: Work, seconds: float) -> str | None:
    due = timezone.now() + dt.timedelta(seconds=seconds)
    with transaction.atomic():
        work.guard()
        # Waiting for somebody else is not an attempt of one's own.
        work._mine().update(state=State.QUEUED, not_before=due, lease_until=None, attempts=F("attempts") - 1)
    if not _inline.get():
        transaction.on_commit(lambda: _send_later(work.run, seconds))
    return State.QUEUED


def _send_later(run: Run, seconds: float) -> None:
    from runs.tasks import work as task

    try:
        task.apply_async((run.pk,), queue=registry.kind(run.kind).queue, countdown=seconds + 0.1, retry=False)
    except Exception as error:
        log.warning("run %s stays queued, the broker does not answer: %s", run.pk, error)


def run_now(run: Run) -> Run:
    """Work on a run and all it starts in this very process, without Celery; returns it finished."""
    token = _inline.set(True)
    try:
        while True:
            run.refresh_from_db()
            if run.finished:
                return run
            tree = Run.objects.filter(Q(pk=run.pk) | Q(parent=run.pk) | Q(parent__parent=run.pk))
            ready = list(tree.claimable().order_by("-id").values_list("pk", flat=True))
            if not any([execute(pk) for pk in ready]):  # noqa: C419 -- all of them are to run
                time.sleep(0.2)  # another process holds it, or it is not due yet
    finally:
        _inline.reset(token)


def cancel(run: Run) -> None:
    """Ask a run and all under it to stop; what nobody has begun yet is over at once."""
    tree = Run.objects.filter(Q(pk=run.pk) | Q(parent=run.pk) | Q(parent__parent=run.pk)).unfinished()
    with transaction.atomic():
        tree.update(cancel_asked=True)
        parents = list(tree.filter(state=State.QUEUED).values_list("parent", flat=True))
        tree.filter(state=State.QUEUED).update(
            state=State.CANCELLED, finished_at=timezone.now(), errors=[{"code": "cancelled", "params": {}}]
        )
        for parent in set(filter(None, parents)):
            _wake(parent)


def sweep() -> int:
    """Poke workers for all that nobody alive works on; returns how many runs that were."""
    now = timezone.now()
    told_before = now - dt.timedelta(seconds=2 * settings.RUN_SWEEP_SECONDS)
    forgotten = Run.objects.claimable().filter(
        Q(dispatched_at=None) | Q(dispatched_at__lt=told_before) | Q(state=State.RUNNING)
    )
    found = list(forgotten)
    for run in found:
        dispatch(run)
    orphans = Run.objects.filter(waiting=True, state=State.RUNNING).exclude(children__state__in=UNFINISHED)
    for run in orphans:
        with transaction.atomic():
            _wake(run.pk)
    return len(found)
