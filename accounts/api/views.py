"""What every operation of the API has in common."""

from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Organisation, User
from accounts.tenancy import organisation_of


class ApiView(APIView):
    """Closed until `permission_classes` names a permission; a method it lacks is 405 for whoever is signed in."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def check_permissions(self, request: Request) -> None:
        method = (request.method or "").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            if self.get_authenticators() and not request.user.is_authenticated:
                self.permission_denied(request)
            raise MethodNotAllowed(request.method or "")
        super().check_permissions(request)

    def person(self) -> User:
        """Who asks; a permission has seen to it that somebody does."""
        assert isinstance(self.request.user, User)
        return self.request.user

    def organisation(self) -> Organisation:
        return organisation_of(self.request.user, self.request.auth)


class WorkView(ApiView):
    """Starts background work: throttled as such."""

    throttle_scope: Any = "work"
