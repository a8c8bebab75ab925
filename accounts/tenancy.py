"""For which organisation somebody works."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import PermissionDenied

from accounts.models import ApiKey, Organisation, User


def organisation_of(user: User | AnonymousUser, key: Any = None) -> Organisation:
    """That of the API key, else the one the user joined first; a superuser without any works for the main one.

    Raises PermissionDenied for somebody who belongs to none.
    """
    if isinstance(key, ApiKey):
        return key.organisation
    first = Organisation.objects.filter(memberships__user=user.pk).order_by("memberships__created_at", "pk").first()
    if first is None:
        if not user.is_superuser:
            raise PermissionDenied
        return Organisation.objects.main()
    return first
