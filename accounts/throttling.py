"""How many requests somebody may make: everybody by the settings, an API key by its own limits as well.

Counts live in the shared cache, per span of the clock: the minute, the hour, the day in UTC.
"""

import time
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, UserRateThrottle

from accounts.keys import LIMITS
from accounts.models import ApiKey


class PersonThrottle(UserRateThrottle):
    """The limit of everybody per minute; a key with one of its own has that instead."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiKey) and request.auth.per_minute:
            return True
        return bool(super().allow_request(request, view))


class KeyThrottle(BaseThrottle):
    """What is refused is not counted: a program that waits as it was told gets in."""

    seconds = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return True
        now = time.time()
        spans = [(span, most) for name, span in LIMITS.items() if (most := getattr(key, name))]
        counted: list[str] = []
        full: list[int] = []
        for span, most in spans:
            name = f"key:{key.pk}:{span}:{int(now // span)}"
            counted.append(name)
            if _count(name, span) > most:
                full.append(span)
        if full:
            for name in counted:
                with suppress(ValueError):
                    cache.decr(name)
            self.seconds = max(span - now % span for span in full)
        return not full

    def wait(self) -> float:
        return self.seconds


def _count(name: str, span: int) -> int:
    """How many it is with this one; counts are forgotten after `span` seconds."""
    try:
        return int(cache.incr(name))
    except ValueError:  # the first one
        return 1 if cache.add(name, 1, timeout=span) else int(cache.incr(name))
