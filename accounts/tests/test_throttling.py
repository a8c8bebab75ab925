"""Limits of a key: per minute, per hour and per day, each counted for itself."""

import pytest
import time_machine
from django.core.cache import cache

from accounts.models import ApiKey
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOON = 1_773_835_200  # 2026-03-18 12:00 UTC


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def limit(world: World, **limits: int) -> None:
    ApiKey.objects.filter(name="till").update(**limits)


def asked(client, times: int) -> list[int]:
    return [client.get("/api/departments/?limit=1").status_code for _ in range(times)]


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
    from rest_framework.throttling import SimpleRateThrottle

    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": "9/min", "user": "2/min", "work": "9/min"})
    limit(world, per_minute=5)
    assert asked(world.api(), 4) == [200] * 4
    assert asked(world.api(world.manager_key), 3) == [200, 200, 429]


def test_others_are_not_counted(world: World):
    limit(world, per_minute=1)
    assert asked(world.api(), 2) == [200, 429]
    assert asked(world.api(world.manager_key), 3) == [200] * 3
    assert asked(world.client("administrator"), 3) == [200] * 3
