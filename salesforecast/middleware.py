"""What happens to every request before and after its view."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import is_valid_path
from django.utils.translation import gettext as _

from accounts.api.rendering import dump
from runs.outages import TRY_AGAIN, WORDS, outage

log = logging.getLogger(__name__)


class TrailingSlashMiddleware:
    """Each path answers with and without the trailing slash, without a redirect that would lose a POST body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not is_valid_path(path):
            other = path[:-1] if path.endswith("/") else path + "/"
            if other and is_valid_path(other):
                request.path_info = other
                request.path = request.path.removesuffix(path) + other
        return self.get_response(request)


class ApiErrorMiddleware:
    """What Django itself refuses under /api/ (an unknown path, a strange host) is told in the API's error shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        told = response.get("Content-Type", "").startswith("application/json")
        if response.status_code < 400 or told or not request.path_info.startswith("/api/"):
            return response
        codes = {400: "bad_request", 403: "permission_denied", 404: "not_found"}
        error = {
            "code": codes.get(response.status_code, "error"),
            "detail": _("Not found.") if response.status_code == 404 else response.reason_phrase,
            "attr": None,
        }
        kind = "client_error" if response.status_code < 500 else "server_error"
        return HttpResponse(
            dump({"type": kind, "errors": [error]}), status=response.status_code, content_type="application/json"
        )


class OutageMiddleware:
    """A page whose database or disk fails says so and asks to come back; the API says it in its own error shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        code = outage(error)
        if not code:
            return None
        log.error("%s %s: %s", request.method, request.path, error)
        response = render(request, "503.html", {"words": WORDS[code]}, status=503)
        response["Retry-After"] = str(TRY_AGAIN)
        return response
