"""JSON bodies of programs, read exactly: no number becomes a float, nothing is counted twice or guessed at."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

# A body nested deeper than this is no body of ours; Python's own limit lies higher.
DEEPEST = 32


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class ExactJson(BaseParser):
    """Decimals for numbers with a point; NaN, a name said twice and what lies too deep are refused.

    A body larger than API_BODY_MB is 413 and not read to its end. `request.parser_context["content"]` keeps the bytes.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        most = settings.API_BODY_MB * 2**20
        content = stream.read(most + 1)
        if len(content) > most:
            raise TooLarge(_("The body is larger than %(most)s MB: send it in parts.") % {"most": settings.API_BODY_MB})
        if isinstance(parser_context, dict):
            parser_context["content"] = content
        try:
            return read_json(content)
        except UnicodeDecodeError:
            raise ParseError(_("The body is not UTF-8.")) from None
        except RecursionError:
            raise ParseError(_("The body is nested too deeply.")) from None
        except ValueError as error:
            raise ParseError(_("The body is not JSON: %(why)s") % {"why": error}) from None


def read_json(content: bytes) -> Any:
    """Raises ValueError and RecursionError."""
    return json.loads(
        content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_named_once
    )


def depth(value: Any) -> int:
    """How deep lists and objects lie in each other; 0 for what is neither."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _value in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(_("“%(name)s” is named twice in one object") % {"name": ascii(twice)[1:100]})
    return found
