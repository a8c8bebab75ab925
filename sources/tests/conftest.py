"""A simulated server on loopback and clients whose clock never really sleeps."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from sources.iiko.client import IikoClient, Server
from sources.ports import MemoryLock, MemoryTokens
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell
from sources.simulator.worlds.static import StaticWorld

DAY = date(2025, 3, 18)
ABAY, SAIN = "0b1d0000-0000-4000-8000-000000000001", "0b1d0000-0000-4000-8000-000000000002"


class FakeClock:
    """Sleeping takes no time, but time passes."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.instant = datetime(2025, 3, 25, 4, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.instant.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.instant += timedelta(seconds=seconds)


class WatchedLock(MemoryLock):
    def __init__(self) -> None:
        super().__init__()
        self.held = self.renewed = 0

    def acquire(self, server_key: str, wait_seconds: float) -> bool:
        taken = super().acquire(server_key, wait_seconds)
        self.held += taken
        return taken

    def renew(self, server_key: str) -> None:
        self.renewed += 1

    def release(self, server_key: str) -> None:
        self.held -= 1
        super().release(server_key)


def cell(department: str | None, day: date, hour: int | None, revenue: str, **rest: Any) -> Cell:
    money = Decimal(revenue)
    return Cell(
        department, day, hour, money, rest.pop("gross", money), rest.pop("orders", 1), rest.pop("guests", 2), **rest
    )


def week() -> list[Cell]:
    """Two branches over nine dates, a late-evening hour, tiyn, a return and deleted bills."""
    cells = []
    for n in range(-1, 8):
        day = DAY + timedelta(days=n)
        cells += [
            cell(ABAY, day, 13, f"{41250 + n}.5", gross=Decimal(43900), orders=18, guests=31),
            cell(ABAY, day, 0, "9800", orders=4, guests=9),
            cell(SAIN, day, 12, f"{7000 + n}", orders=3),
        ]
    cells += [
        cell(SAIN, DAY, 15, "-1200", guests=0, storned=True),
        cell(ABAY, DAY, 13, "777", order_deleted="DELETED"),
        cell(ABAY, DAY, 13, "888", dish_deleted="DELETED_WITH_WRITEOFF"),
    ]
    return cells


@pytest.fixture
def server() -> Iterator[IikoServer]:
    with IikoServer(StaticWorld(week())) as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def wires(clock: FakeClock) -> SimpleNamespace:
    """The injected parts, to look at afterwards."""
    return SimpleNamespace(tokens=MemoryTokens(), lock=WatchedLock(), clock=clock)


@pytest.fixture
def client(server: IikoServer, wires: SimpleNamespace) -> Callable[..., IikoClient]:
    """`client(patience=..., password=...)`: a client of `server`."""

    def make(**settings: Any) -> IikoClient:
        values = {"url": server.url, "login": "demo", "password": "demo", "read_timeout": 5, "patience": 60} | settings
        return IikoClient(Server(**values), tokens=wires.tokens, lock=wires.lock, clock=wires.clock)

    return make
