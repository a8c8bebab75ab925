"""Kinds of work: the floors above register a handler per kind at start-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

from runs.choices import State

if TYPE_CHECKING:
    from runs.ledger import Work


@dataclass
class Outcome:
    """How a handler ended: a final state, counts to show, and errors as {"code", "params"}."""

    state: State = State.DONE
    counts: dict[str, Any] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Wait:
    """The handler started other runs; it is called again when all of them have finished."""


@dataclass(frozen=True)
class Later:
    """Somebody else is at it; the handler is called again after `seconds`."""

    seconds: float


Handler = Callable[["Work"], Outcome | Wait | Later]


@dataclass(frozen=True)
class Kind:
    name: str
    title: str | Promise
    handler: Handler
    queue: str


_kinds: dict[str, Kind] = {}


def register(name: str, *, title: str | Promise, queue: str = "default") -> Callable[[Handler], Handler]:
    def add(handler: Handler) -> Handler:
        _kinds[name] = Kind(name, title, handler, queue)
        return handler

    return add


def kind(name: str) -> Kind:
    return _kinds[name]


def title(name: str) -> str:
    return str(_kinds[name].title) if name in _kinds else name
