"""Kinds of work: the floors above register at start-up where the handler of each kind lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.module_loading import import_string

from runs.choices import State

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from runs.ledger import Work
    from runs.models import Run


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


@dataclass(frozen=True)
class Told:
    """What a run has to say besides counts and errors: of whom, where that one is found, and (tone, sentence) lines."""

    subject: str = ""
    url: str = ""
    lines: Sequence[tuple[str, str]] = ()


Handler = Callable[["Work"], Outcome | Wait | Later]


@dataclass(frozen=True)
class Kind:
    """`path` is where the handler lives: imported at its first run, so that a web process never loads the engine.

    `tells`, too, is a path: of a function that makes a Told of a run for whoever reads it.
    """

    name: str
    title: str | Promise
    path: str
    queue: str
    tells: str = ""

    @property
    def handler(self) -> Handler:
        return import_string(self.path)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Tick:
    """Something the keeper calls again and again; `path` as of a Kind, `every` in seconds.

    `apart`: it may wait for others, so it gets a thread of its own and does not hold up the rest.
    """

    name: str
    path: str
    every: float
    apart: bool = False


_kinds: dict[str, Kind] = {}
_ticks: dict[str, Tick] = {}


def register(name: str, path: str, *, title: str | Promise, queue: str = "default", tells: str = "") -> None:
    _kinds[name] = Kind(name, title, path, queue, tells)


def on_tick(name: str, path: str, *, every: float = 0, apart: bool = False) -> None:
    """Have a function without arguments called at every round of the keeper, but not more often than `every` seconds."""
    _ticks[name] = Tick(name, path, every, apart)


def ticks() -> list[Tick]:
    return list(_ticks.values())


def kind(name: str) -> Kind:
    return _kinds[name]


def title(name: str) -> str:
    return str(_kinds[name].title) if name in _kinds else name


def told(run: Run, reader: User | AnonymousUser) -> Told:
    found = _kinds.get(run.kind)
    return import_string(found.tells)(run, reader) if found and found.tells else Told()
