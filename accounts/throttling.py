"""How many requests somebody may make: everybody by the settings, an API key by its own limits as well.

Counts live in the shared cache, per span of the clock: the minute, the hour, the day in UTC. All that a request counts
for is counted at once; a request that is refused counts for nothing, so that a program that waits as it was told gets in.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache as remembered
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from accounts.keys import LIMITS
from accounts.models import ApiKey

# KEYS: names of counts. ARGV: of each the most it may reach and after how many seconds it is forgotten.
COUNT = """
local full = {}
for i, name in ipairs(KEYS) do
    if tonumber(redis.call('GET', name) or 0) >= tonumber(ARGV[2 * i - 1]) then full[#full + 1] = i - 1 end
end
if #full == 0 then
    for i, name in ipairs(KEYS) do
        if redis.call('INCR', name) == 1 then redis.call('EXPIRE', name, ARGV[2 * i]) end
    end
end
return full
"""


class Limit(NamedTuple):
    whose: str
    most: int
    span: int  # seconds


class Limits(BaseThrottle):
    """Whoever has a limit of their own per minute has that instead of everybody's."""

    rates: Any = api_settings.DEFAULT_THROTTLE_RATES
    seconds = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        now = time.time()
        limits = self._limits(request, view)
        full = _take([(f"limit:{one.whose}:{one.span}:{int(now // one.span)}", one) for one in limits])
        self.seconds = max((limits[place].span - now % limits[place].span for place in full), default=0.0)
        return not full

    def wait(self) -> float:
        return self.seconds

    def _limits(self, request: Request, view: Any) -> list[Limit]:
        own = {span: getattr(request.auth, name) for name, span in LIMITS.items() if isinstance(request.auth, ApiKey)}
        limits = [Limit(f"key{request.auth.pk}", most, span) for span, most in own.items() if most]
        signed_in = request.user and request.user.is_authenticated
        whose = f"user{request.user.pk}" if signed_in else self.get_ident(request)
        if not own.get(LIMITS["per_minute"]):
            limits.append(Limit(whose, *_rate(self.rates["user" if signed_in else "anon"])))
        if scope := getattr(view, "throttle_scope", None):
            limits.append(Limit(f"{scope}:{whose}", *_rate(self.rates[scope])))
        return limits


@remembered
def _rate(text: str) -> tuple[int, int]:
    """(most, seconds) of “60/min”."""
    number, span = SimpleRateThrottle.parse_rate(SimpleRateThrottle.__new__(SimpleRateThrottle), text)
    assert number is not None and span is not None
    return number, span


def _take(limits: Sequence[tuple[str, Limit]]) -> list[int]:
    """Count one more for each name, or, if some are full, nothing: returns the places of those."""
    if not limits:
        return []
    if settings.REDIS_URL:
        ends = [number for _name, limit in limits for number in (limit.most, limit.span)]
        return [int(place) for place in _script(settings.REDIS_URL)([name for name, _limit in limits], ends)]
    full: list[int] = []
    counted: list[str] = []
    for place, (name, limit) in enumerate(limits):
        counted.append(name)
        if _count(name, limit.span) > limit.most:
            full.append(place)
    if full:
        for name in counted:
            with suppress(ValueError):
                cache.decr(name)
    return full


@remembered
def _script(url: str) -> Any:
    """One client of this process for all its threads."""
    return redis.Redis.from_url(url).register_script(COUNT)


def _count(name: str, span: int) -> int:
    """How many it is with this one; counts are forgotten after `span` seconds."""
    try:
        return int(cache.incr(name))
    except ValueError:  # the first one
        return 1 if cache.add(name, 1, timeout=span) else int(cache.incr(name))
