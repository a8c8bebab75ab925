"""Every view names the permission it asks for; a view that names none is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

if TYPE_CHECKING:  # DRF's views read this module while they are imported
    from rest_framework.request import Request
    from rest_framework.views import APIView


class Denied(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


class Open(BasePermission):
    """For the few paths a monitor or a browser reads before anyone has signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return True


def requires(read: str, write: str | None = None) -> type[BasePermission]:
    """A permission class: `read` for safe methods, `write` for the others (nothing = nobody writes)."""

    class Requires(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            if not request.user or not request.user.is_authenticated:
                return False
            needed = read if request.method in ("GET", "HEAD", "OPTIONS") else write
            return needed is not None and request.user.has_perm(needed)

    return Requires


def by_method(**needed: str) -> type[BasePermission]:
    """A permission class for a view whose methods ask for one permission each; HEAD asks for that of GET."""

    class ByMethod(BasePermission):
        def has_permission(self, request: Request, view: APIView) -> bool:
            permission = needed.get("GET" if request.method == "HEAD" else request.method or "")
            if not request.user or not request.user.is_authenticated or permission is None:
                return False
            return bool(request.user.has_perm(permission))

    return ByMethod
