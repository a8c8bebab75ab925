"""Permissions: those of the roles, and for people besides what Django's own groups grant."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db import models

from accounts.models import User
from accounts.roles import ROLE_PERMISSIONS


class RoleBackend(ModelBackend):
    def get_all_permissions(self, user_obj: Any, obj: models.Model | None = None) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        if not hasattr(user_obj, "_role_permissions"):
            roles = {joined.role for joined in user_obj.memberships.all()}
            granted: set[str] = set().union(*(ROLE_PERMISSIONS[role] for role in roles))
            if not user_obj.is_service or user_obj.is_superuser:
                granted |= super().get_all_permissions(user_obj)
            user_obj._role_permissions = granted  # type: ignore[attr-defined]
        return user_obj._role_permissions  # type: ignore[attr-defined, no-any-return]

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        return user_obj.is_active and perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(perm.startswith(f"{app_label}.") for perm in self.get_all_permissions(user_obj))

    def user_can_authenticate(self, user: Any) -> bool:
        """Service users sign in by API key only."""
        return super().user_can_authenticate(user) and not getattr(user, "is_service", False)
