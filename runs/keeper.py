"""Who keeps the house while nobody looks: a thread of the worker that sweeps the ledger and calls what is due.

It needs neither beat nor broker: it starts before the worker looks for its queue. Of all workers one keeps at a time,
under a lease in the database; whatever it calls may be called twice without harm.
"""

import logging
import os
import signal
import threading
import time
from math import inf
from typing import Any

from celery import bootsteps, current_app
from celery.signals import worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.module_loading import import_string

from runs import clock, ledger, registry
from runs.heartbeat import SILENT_ROUNDS
from runs.models import Heartbeat, Run
from runs.outages import PASSING

log = logging.getLogger(__name__)

NAME = "keeper"


class Keeper(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name=NAME, daemon=True)
        self.owner = ledger.this_process()
        self.stopped = threading.Event()
        self._called: dict[str, float] = {}
        self._apart: dict[str, threading.Thread] = {}

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.keep()
            except Exception as error:  # the database is away: the next round comes
                log.warning("the ledger could not be kept: %s", error)
            finally:
                # Nothing is left open while it sleeps: the worker's children are forked from this process.
                connection.close()
            self.stopped.wait(settings.RUN_SWEEP_SECONDS)

    def keep(self) -> list[str]:
        """One round, as long as it is this worker's; the names of what was called."""
        called = []
        for tick in registry.ticks():
            if not self._mine():
                break
            called += [tick.name] if self._call(tick) else []
        return called

    def _call(self, tick: registry.Tick) -> bool:
        now = time.monotonic()
        if self.stopped.is_set() or now - self._called.get(tick.name, -inf) < tick.every * 0.9:
            return False
        if tick.name in self._apart and self._apart[tick.name].is_alive():
            return False
        self._called[tick.name] = now
        if tick.apart:
            self._apart[tick.name] = threading.Thread(target=_call_apart, args=[tick], name=tick.name, daemon=True)
            self._apart[tick.name].start()
        else:
            _call(tick)
        return True

    def _mine(self) -> bool:
        Heartbeat.objects.get_or_create(name=NAME)
        lapsed = clock.database_now(-SILENT_ROUNDS * settings.RUN_SWEEP_SECONDS)
        free = Q(owner=self.owner) | Q(owner="") | Q(at__lt=lapsed)
        keeping = Heartbeat.objects.filter(free, name=NAME)
        return bool(keeping.update(owner=self.owner, at=clock.database_now()))

    def release(self) -> None:
        """Leave the place to another worker, and with it what the children of this one were at."""
        self.stopped.set()
        Heartbeat.objects.filter(name=NAME, owner=self.owner).update(owner="")
        children = self.owner.partition(":")[0] + f":{self.owner.rpartition('.')[2]}."
        ledger.give_back(Run.objects.filter(Q(lease_owner__startswith=children) | Q(lease_owner=self.owner)))


def _call(tick: registry.Tick) -> None:
    try:
        import_string(tick.path)()
    except PASSING:  # the database is away: this round is over
        raise
    except Exception:
        log.exception("%s failed; it will be called again", tick.name)


def _call_apart(tick: registry.Tick) -> None:
    try:
        _call(tick)
    except PASSING as error:
        log.warning("%s was interrupted: %s", tick.name, error)
    finally:
        connection.close()


class KeeperStep(bootsteps.StartStopStep):
    """Starts the keeper with its worker, before that looks for the broker."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self.keeper = Keeper()

    def start(self, parent: Any) -> None:
        self.keeper.start()
        # Sent when the children are gone.
        worker_shutdown.connect(self.leave)

    def stop(self, parent: Any) -> None:
        self.keeper.stopped.set()

    terminate = stop

    def leave(self, **kwargs: Any) -> None:
        try:
            self.keeper.release()
        except Exception as error:
            log.warning("the keeper's place could not be freed, it lapses: %s", error)
        finally:
            connection.close()


@worker_shutting_down.connect
def hurry(how: str, **kwargs: Any) -> None:
    """A worker that is told to end finishes what it can in WORKER_STOP_SECONDS; the rest goes back to the queue."""
    if how == "Warm":
        timer = threading.Timer(settings.WORKER_STOP_SECONDS, _end_at_once)
        timer.daemon = True
        timer.start()


def _end_at_once() -> None:
    current_app.conf.worker_soft_shutdown_timeout = 0
    os.kill(os.getpid(), signal.SIGQUIT)
