"""The list of objects out of bytes. Strict about its shape, tolerant about how a value is written."""

from collections.abc import Mapping
from typing import Any

import orjson

from sources.errors import SourceError
from sources.onec.types import OnecObject

ROOTS = frozenset({"", "0"})


def objects(body: bytes) -> list[OnecObject]:
    """The objects in the service's order, an object said twice once.

    Raises SourceError empty_body, not_json, or bad_data: no list, an object without code, one code for two objects.
    """
    if not body.strip():
        raise SourceError("empty_body")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise SourceError("not_json") from None
    if not isinstance(found, list):
        raise SourceError("bad_data", what="no list of objects")
    known: dict[str, OnecObject] = {}
    for number, item in enumerate(found, 1):
        if not isinstance(item, Mapping):
            raise SourceError("bad_data", what=f"object {number} is no object")
        one = _object(item, number)
        if known.setdefault(one.code, one) != one:
            raise SourceError("bad_data", what=f"two objects have the code {one.code:.60}")
    return list(known.values())


def _object(item: Mapping[str, Any], number: int) -> OnecObject:
    code = _text(item, "object_code", number)
    if code in ROOTS:
        raise SourceError("bad_data", what=f"object {number} has no object_code")
    parent = _text(item, "object_parent", number)
    return OnecObject(
        code=code,
        name=_text(item, "object_name", number) or code,
        parent_code=None if parent in ROOTS else parent,
        company=_text(item, "object_company", number),
        bin=_text(item, "object_bin", number),
    )


def _text(item: Mapping[str, Any], name: str, number: int) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        # A BIN may begin with zeros, which a number has lost.
        return f"{value:012d}" if name == "object_bin" and value else str(value)
    if isinstance(value, str):
        return " ".join(value.split())
    raise SourceError("bad_data", what=f"{name} of object {number} is no text")
