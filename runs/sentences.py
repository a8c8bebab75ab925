"""Codes into sentences, in the reader's language.

Sources, engine and handlers report a code and parameters; each floor registers its sentences here.
Parameters may hold texts of a foreign server: templates escape them like any other text.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.formats import get_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_sentences: dict[str, str | Promise] = {
    "bug": _("Something went wrong inside the program (%(what)s). The log of the worker has the details."),
    "cancelled": _("Cancelled."),
    "disk_full": _("The disk is full. Make room: the work goes on by itself."),
    "out_of_order": _("The database did not answer. The work goes on by itself as soon as it does."),
    "too_long": _("Stopped, because it took longer than any work may take. Start it for a shorter period."),
    "gave_up": _("Given up after %(attempts)s attempts that ended without a result: the worker was stopped each time."),
}


# A figure as handlers store it: with the point of no language.
_FIGURE = re.compile(r"-?[0-9]+\.[0-9]{1,2}")


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def register(sentences: Mapping[str, str | Promise]) -> None:
    _sentences.update(sentences)


def known(code: str) -> bool:
    return code in _sentences


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of `code` in the active language; an unknown code is shown as it is."""
    if code not in _sentences:
        return code
    shown = {name: _shown(value) for name, value in (params or {}).items()}
    return str(_sentences[code]) % _Lenient(shown)


def _shown(value: Any) -> Any:
    """A parameter that is itself a code with parameters is a sentence, too; a figure is written as the reader writes it."""
    if isinstance(value, dict) and "code" in value:
        return sentence(value["code"], value.get("params"))
    if isinstance(value, list):
        return ", ".join(str(_shown(each)) for each in value)
    if isinstance(value, str) and _FIGURE.fullmatch(value):
        return value.replace(".", get_format("DECIMAL_SEPARATOR")).replace("-", "\u2212")
    return value


def of_errors(errors: list[dict[str, Any]]) -> list[str]:
    return [sentence(error["code"], error.get("params")) for error in errors]
