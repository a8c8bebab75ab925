"""Each path answers with and without the trailing slash, without a redirect that would lose a POST body."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import is_valid_path


class TrailingSlashMiddleware:
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
