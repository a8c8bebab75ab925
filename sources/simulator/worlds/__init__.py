"""Worlds a simulated server can tell about."""

from datetime import date
from pathlib import Path

from sources.simulator.worlds.base import World
from sources.simulator.worlds.demo import demo_world
from sources.simulator.worlds.transactions import TransactionsWorld


def load_world(
    name: str, *, server: int = 1, departments: int = 14, days: int = 800, anchor: date | None = None
) -> World:
    """`demo` (see `demo_world`), or `csv:FILE` with till lines. Raises ValueError with a sentence."""
    kind, _, file = name.partition(":")
    if kind == "demo" and not file:
        return demo_world(server, days=days, departments=departments, anchor=anchor)
    if kind == "csv" and file:
        if not Path(file).is_file():
            raise ValueError(f"there is no file {file}")
        return TransactionsWorld(file)
    raise ValueError(f"no world {name!r}: give demo or csv:FILE")
