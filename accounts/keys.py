"""Making and withdrawing API keys."""

import datetime as dt

from django.db import transaction
from django.utils.text import slugify

from accounts.models import ApiKey, Membership, Organisation, User


@transaction.atomic
def create_api_key(
    *,
    organisation: Organisation,
    name: str,
    role: str,
    all_departments: bool = True,
    expires_at: dt.datetime | None = None,
) -> tuple[ApiKey, str]:
    """A key with a service user of its own. Returns the row and the secret, which is never readable again."""
    base = f"key-{slugify(name) or 'key'}"[:140]
    username, number = base, 1
    while User.objects.filter(username=username).exists():
        number += 1
        username = f"{base}-{number}"
    user = User(username=username, is_service=True)
    user.set_unusable_password()
    user.save()
    Membership.objects.create(user=user, organisation=organisation, role=role, all_departments=all_departments)
    row, secret = ApiKey.objects.create_key(name=name, user=user, organisation=organisation, expiry_date=expires_at)
    assert isinstance(row, ApiKey)
    return row, secret


def revoke_api_key(key: ApiKey) -> None:
    key.revoked = True
    key.save(update_fields=["revoked"])
