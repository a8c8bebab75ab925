"""Making and withdrawing API keys."""

import datetime as dt

from django.db import transaction
from django.utils.text import slugify

from accounts.models import ApiKey, Membership, Organisation, User

# Columns of a key: most requests in each span. Empty: no limit but everybody's.
LIMITS = {"per_minute": 60, "per_hour": 3600, "per_day": 86400}


@transaction.atomic
def create_api_key(
    *,
    organisation: Organisation,
    name: str,
    role: str,
    all_departments: bool = True,
    expires_at: dt.datetime | None = None,
    limits: dict[str, int | None] | None = None,
) -> tuple[ApiKey, str]:
    """A key with a service user of its own; `limits` by the names in LIMITS.

    Returns the row and the secret, which is never readable again.
    """
    base = f"key-{slugify(name) or 'key'}"[:140]
    username, number = base, 1
    while User.objects.filter(username=username).exists():
        number += 1
        username = f"{base}-{number}"
    user = User(username=username, is_service=True)
    user.set_unusable_password()
    user.save()
    Membership.objects.create(user=user, organisation=organisation, role=role, all_departments=all_departments)
    row, secret = ApiKey.objects.create_key(
        name=name, user=user, organisation=organisation, expiry_date=expires_at, **(limits or {})
    )
    assert isinstance(row, ApiKey)
    return row, secret


def revoke_api_key(key: ApiKey) -> None:
    key.revoked = True
    key.save(update_fields=["revoked"])
