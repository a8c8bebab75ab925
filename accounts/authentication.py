"""`Authorization: Api-Key …` → the service user behind the key."""

import datetime as dt
import hashlib
import time
from contextlib import suppress
from typing import Any

from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.models import ApiKey, User

# Writing the time of use with every request would make every read a write.
USE_NOTED_EVERY = dt.timedelta(minutes=1)
# Who only reads is looked up once in so many seconds and process: a key withdrawn elsewhere reads no longer than that.
KNOWN_FOR = 2.0
MOST_KNOWN = 1000

_known: dict[bytes, tuple[float, ApiKey]] = {}


def forget_keys(**kwargs: Any) -> None:
    """Receiver of what changes a key, its user or what they may do: this process looks them up again at once."""
    _known.clear()


def _looked_up(secret: str, *, fresh: bool) -> ApiKey:
    """Raises ApiKey.DoesNotExist."""
    digest, now = hashlib.sha256(secret.encode()).digest(), time.monotonic()
    known = _known.get(digest)
    if known and now < known[0] and not fresh:
        return known[1]
    key = ApiKey.objects.get_from_key(secret)
    assert isinstance(key, ApiKey)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[digest] = now + KNOWN_FOR, key
    return key


class ApiKeyAuthentication(BaseAuthentication):
    keyword = "Api-Key"

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        keyword, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != self.keyword.lower():
            return None
        try:
            key = _looked_up(secret.strip(), fresh=request.method not in SAFE_METHODS)
        except ApiKey.DoesNotExist:
            raise AuthenticationFailed(_("This API key is unknown or was revoked."), code="invalid_key") from None
        if not key.usable:
            raise AuthenticationFailed(
                _("This API key has expired. Ask an administrator for a new one."), code="expired_key"
            )
        if not key.user.is_active:
            raise AuthenticationFailed(_("The user behind this API key is switched off."), code="inactive_user")
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
            # Where nothing can be written any more, who only reads is answered all the same.
            with suppress(OperationalError):
                ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
                key.last_used_at = now
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
