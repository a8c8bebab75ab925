"""Limits of a key: per minute, per hour and per day, each counted for itself."""

import time

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import authentication
from accounts.models import ApiKey
from accounts.throttling import Limits
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOON = 1_773_835_200  # 2026-03-18 12:00 UTC


def limit(world: World, **limits: int) -> None:
    key = ApiKey.objects.get(name="till")
    for name, most in limits.items():
        setattr(key, name, most)
    key.save()


def within_a_minute() -> time_machine.travel:
    """Counts begin anew with the clock's minute: here it stands."""
    return time_machine.travel(time.time() // 60 * 60 + 10, tick=False)


def asked(client, times: int) -> list[int]:
    return [client.get("/api/departments/?limit=1").status_code for _ in range(times)]


@pytest.fixture(params=["cache", "redis"], autouse=True)
def counted_in(request, settings):
    """Counts are kept by Redis where there is one, in one question; else by whatever caches."""
    if request.param == "redis":
        settings.REDIS_URL = request.getfixturevalue("redis_url")


def test_a_minute(world: World):
    limit(world, per_minute=2)
    with time_machine.travel(NOON + 10, tick=False) as clock:
        assert asked(world.api(), 3) == [200, 200, 429]
        refused = world.api().get("/api/departments/")
        assert (refused["Retry-After"], refused.json()["errors"][0]["code"]) == ("50", "throttled")
        clock.shift(49)
        assert asked(world.api(), 1) == [429]
        clock.shift(1)
        assert asked(world.api(), 1) == [200]


def test_an_hour_and_a_day(world: World):
    limit(world, per_minute=100, per_hour=2, per_day=3)
    with time_machine.travel(NOON, tick=False) as clock:
        assert asked(world.api(), 3) == [200, 200, 429]
        assert world.api().get("/api/departments/")["Retry-After"] == "3600"
        clock.shift(3600)
        assert asked(world.api(), 2) == [200, 429]
        assert world.api().get("/api/departments/")["Retry-After"] == str(11 * 3600)
        clock.shift(11 * 3600)
        assert asked(world.api(), 1) == [200]


def test_a_key_may_be_given_more_than_everybody(world: World, monkeypatch):
    monkeypatch.setattr(Limits, "rates", {"anon": "9/min", "user": "2/min", "work": "9/min"})
    limit(world, per_minute=5)
    with within_a_minute():
        assert asked(world.api(), 4) == [200] * 4
        assert asked(world.api(world.manager_key), 3) == [200, 200, 429]


def test_others_are_not_counted(world: World):
    limit(world, per_minute=1)
    with within_a_minute():
        assert asked(world.api(), 2) == [200, 429]
        assert asked(world.api(world.manager_key), 3) == [200] * 3
        assert asked(world.client("administrator"), 3) == [200] * 3


def test_a_key_withdrawn_by_another_process_writes_no_more_at_once_and_reads_no_more_soon(world: World, monkeypatch):
    api = world.api()
    assert asked(api, 1) == [200]
    with CaptureQueriesContext(connection) as seen:
        assert asked(api, 1) == [200]
    assert not any("accounts_" in query["sql"] for query in seen)
    ApiKey.objects.filter(name="till").update(revoked=True)  # as another process does: no signal here
    assert asked(api, 1) == [200]
    assert api.post("/api/departments/sync").status_code == 401
    later = time.monotonic() + authentication.KNOWN_FOR
    monkeypatch.setattr(authentication.time, "monotonic", lambda: later)
    assert asked(api, 1) == [401]
