"""Requests that write item sales: each is noted, whether it succeeds or not, and has one effect however often it comes."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import ExactJson
from accounts.api.fields import refuse
from accounts.api.schema import ErrorAnswer
from accounts.api.views import ApiView
from accounts.models import Organisation
from items.checks import Unfit
from items.choices import Grain
from items.clients import client_name, client_source
from items.deliveries import Attempt, Effect, KeyReused, digest_of, note_refusal, once
from items.models import ItemSource
from runs.sentences import sentence

KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Names the request: sent again with it, it has no second effect and gets the same answer byte by byte",
)
# What these operations answer besides, for the schema.
REFUSALS = {413: ErrorAnswer, 422: ErrorAnswer}


class Reused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


def unfit(no: Unfit, field: str = "") -> APIException:
    """The error to raise for it, about `field` of the request."""
    return refuse(field or no.field, no.code, sentence(no.code, no.params))


class DeliveryView(ApiView):
    """Writes item sales for a client. `what`: how the log of deliveries calls it."""

    parser_classes = [ExactJson]
    what: str
    grain: Grain = Grain.PRODUCT_DAY
    _attempt: Attempt | None = None

    def client_source(self, organisation: Organisation) -> ItemSource:
        """What this client delivers. Raises PermissionDenied for one that was switched off."""
        source = client_source(organisation, client_name(self.person(), self.request.auth), self.grain)
        if not source.connection.is_active:
            params = {"source": source.connection.name}
            raise PermissionDenied(sentence("item_client_off", params), "item_client_off")
        return source

    def deliver(
        self, request: Request, work: Callable[[ItemSource, Any], Effect], source: ItemSource | None = None
    ) -> HttpResponseBase:
        """Read the body, do `work` on it and note both. `work` may raise Unfit."""
        source = source or self.client_source(self.organisation())
        self._attempt = Attempt(source, self.what, self.person(), digest_of(b""))
        body = request.data if request.method in ("POST", "PUT") else None
        source = self.source_of_body(source, body)
        content = request.parser_context.get("content", b"")
        digest = digest_of(request.method or "", request.get_full_path(), content)
        self._attempt = attempt = Attempt(source, self.what, self.person(), digest, _key(request))
        try:
            answer = once(attempt, lambda: work(source, body))
        except Unfit as no:
            raise unfit(no) from no
        except KeyReused:
            raise Reused(sentence("item_key_reused"), "item_key_reused") from None
        response = HttpResponse(answer.content, status=answer.status, content_type="application/json")
        if answer.replayed:
            response["Idempotency-Replayed"] = "true"
        return response

    def source_of_body(self, source: ItemSource, body: Any) -> ItemSource:
        """A body may name another organisation than the client's first one."""
        return source

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if self._attempt and 400 <= response.status_code < 500:
            no = exc.__cause__
            note_refusal(
                self._attempt,
                response.status_code,
                [no.as_error()] if isinstance(no, Unfit) else [dict(error) for error in response.data["errors"]],
            )
        return response


class InSeedsWords(DeliveryView):
    """Programs that name no language get the words they were written for, which are English."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("Accept-Language") or settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
            return super().dispatch(request, *args, **kwargs)
        with translation.override("en"):
            response = super().dispatch(request, *args, **kwargs)
            response.headers["Content-Language"] = "en"
            return response


def _key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[\x20-\x7e]{1,200}", key):
        raise refuse("Idempotency-Key", "item_bad_key", sentence("item_bad_key"))
    return key
