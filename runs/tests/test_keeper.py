"""One worker keeps the house at a time; what it calls may fail without ending the round."""

import datetime as dt
import threading

import pytest
from celery.signals import after_task_publish
from django.utils import timezone

from accounts.models import Organisation
from runs import clock, heartbeat, ledger, registry
from runs.heartbeat import silent
from runs.keeper import Keeper
from runs.models import Heartbeat, Run
from runs.registry import Tick

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

called: list[str] = []


def good() -> None:
    called.append("good")


def bad() -> None:
    called.append("bad")
    raise ValueError("broken")


@pytest.fixture(autouse=True)
def ticks(monkeypatch):
    called.clear()
    path = f"{__name__}."
    monkeypatch.setattr(
        registry, "_ticks", {"bad": Tick("bad", path + "bad", 0), "good": Tick("good", path + "good", 0)}
    )


def keeper(owner: str) -> Keeper:
    made = Keeper()
    made.owner = owner
    return made


def test_what_fails_does_not_keep_the_rest_from_being_called():
    assert keeper("a").keep() == ["bad", "good"]
    assert called == ["bad", "good"]


def test_of_two_workers_one_keeps():
    first, second = keeper("a"), keeper("b")
    assert first.keep()
    assert second.keep() == []
    assert first.keep()


def test_another_worker_takes_over_when_the_keeper_falls_silent_or_leaves(settings):
    first, second = keeper("a"), keeper("b")
    first.keep()
    late = 3 * settings.RUN_SWEEP_SECONDS + 1
    Heartbeat.objects.update(at=timezone.now() - dt.timedelta(seconds=late))
    assert second.keep()
    second.release()
    assert first.keep()


def test_a_round_ends_when_another_worker_has_taken_over(monkeypatch):
    first, second = keeper("a"), keeper("b")

    def slow():
        Heartbeat.objects.update(at=timezone.now() - dt.timedelta(hours=1))
        second._mine()

    monkeypatch.setattr(f"{__name__}.bad", slow)
    assert first.keep() == ["bad"]
    assert called == []


def test_a_worker_that_ends_gives_back_what_its_children_were_at(monkeypatch):
    monkeypatch.setattr(ledger, "_send", lambda *arguments: True)
    organisation = Organisation.objects.create(name="Chain")
    owners = ["host:1.7", "host:7.8", "host:17.9", "other:7.8"]
    for unit in owners:
        ledger.claim(ledger.open_run("load", organisation=organisation, unit=unit)[0].pk)
        Run.objects.filter(unit=unit).update(lease_owner=unit)
    keeper("host:1.7").release()
    given = Run.objects.filter(state="queued").order_by("unit").values_list("unit", flat=True)
    assert list(given) == ["host:1.7", "host:7.8"]


def test_beat_is_heard_of_when_the_queue_has_taken_its_sweep(monkeypatch):
    assert silent("beat", 90)
    after_task_publish.send(sender="runs.sweep")
    assert silent("beat", 90), "a sweep that somebody else sends is no sign of beat"
    heartbeat._in_beat()
    try:
        after_task_publish.send(sender="runs.work")
        assert silent("beat", 90)
        after_task_publish.send(sender="runs.sweep")
        assert not silent("beat", 90)
    finally:
        after_task_publish.disconnect(heartbeat._sweep_sent, sender="runs.sweep")
    Heartbeat.objects.update(at=clock.database_now(-91))
    assert silent("beat", 90)


def test_what_is_due_seldom_is_called_seldom(monkeypatch):
    monkeypatch.setitem(registry._ticks, "good", Tick("good", f"{__name__}.good", 3600))
    one = keeper("a")
    one.keep()
    one.keep()
    assert called == ["bad", "good", "bad"]


gate = threading.Event()


def slow() -> None:
    called.append("slow")
    gate.wait(10)


def test_what_waits_for_others_does_not_hold_up_the_round(monkeypatch):
    gate.clear()
    monkeypatch.setattr(
        registry,
        "_ticks",
        {
            "slow": Tick("slow", f"{__name__}.slow", 0, apart=True),
            "good": Tick("good", f"{__name__}.good", 0),
        },
    )
    one = keeper("a")
    assert one.keep() == ["slow", "good"]
    assert one.keep() == ["good"]  # the slow one is at it still
    gate.set()
    one._apart["slow"].join()
    assert one.keep() == ["slow", "good"]
    one._apart["slow"].join()
    assert called.count("slow") == 2


def test_the_ledger_is_swept_by_the_keeper(monkeypatch):
    monkeypatch.setattr(registry, "_ticks", {"sweep": Tick("sweep", "runs.ledger.sweep", 0)})
    sent = []
    monkeypatch.setattr(ledger, "_send", lambda pk, kind: sent.append(pk))
    monkeypatch.setitem(registry._kinds, "load", registry.Kind("load", "load", "", "default"))
    run, _ = ledger.open_run("load", organisation=Organisation.objects.create(name="Chain"))
    sent.clear()
    Run.objects.update(dispatched_at=timezone.now() - dt.timedelta(hours=1))
    keeper("a").keep()
    assert sent == [run.pk]
