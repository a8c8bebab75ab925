"""Sales of the demonstration chain: a pure function of (branch, business date), growing with the clock.

What a good forecaster can learn (weekday, season, feasts, Ramadan, paydays, a slow level) and what nobody can
(about 10 % a day) are kept apart, so that forecasts can be judged against a known floor.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from sources.simulator.worlds.base import DELETED, WRITTEN_OFF, Cell, Node
from sources.simulator.worlds.demo_chain import (
    OPENED,
    RENOVATED,
    SEGMENTS,
    Branch,
    Segment,
    branches,
    feast_factor,
    in_ramadan,
    nodes,
    sunset_hour,
)
from sources.simulator.worlds.menu import demo_menu

ZONE = ZoneInfo("Asia/Almaty")
SETTLED_AFTER = 3
"""Days after which a date's figures never change."""
LATE_SHARE = 0.04
BRANCH_NOISE, CITY_NOISE, HOUR_NOISE = 0.1, 0.045, 0.16
RETURNS_SHARE = 0.35
LEVEL_KNOT, LEVEL_SWING = 35, 0.06
NOBODY_BEFORE = date(2020, 1, 1)


def demo_world(
    server: int, days: int = 800, departments: int = 14, today: date | None = None, anchor: date | None = None
) -> "DemoWorld":
    """The chain's server 1 or 2 with `days` days of sales ending yesterday (by the clock of Almaty, unless `today`).

    A date's figures do not depend on `today` once it is `SETTLED_AFTER` days old. `anchor` places the opening of the
    new branch and a renovation; by default the first day of this quarter, so they stay put for a quarter.
    """
    return DemoWorld(server, days, departments, today, anchor)


class DemoWorld:
    def __init__(self, server: int, days: int, departments: int, today: date | None, anchor: date | None) -> None:
        if server not in (1, 2):
            raise ValueError("the demonstration has servers 1 and 2")
        self.server, self.count = server, departments
        self._today = today
        now = self.today()
        self.anchor = anchor or now.replace(month=(now.month - 1) // 3 * 3 + 1, day=1)
        self.first = max(now - timedelta(days=days), NOBODY_BEFORE)
        self.branches = [branch for branch in branches(departments) if branch.server == server]
        self.menu = demo_menu(server, departments)
        self._day = lru_cache(maxsize=50_000)(self._make_day)

    def today(self) -> date:
        return self._today or datetime.now(ZONE).date()

    def departments(self) -> list[Node]:
        return nodes(self.server, self.count)

    def cells(self, first: date, last: date) -> Iterator[Cell]:
        today = self.today()
        day = max(first, self.first)
        while day <= min(last, today - timedelta(days=1)):
            settled = (today - day).days >= SETTLED_AFTER
            for branch in self.branches:
                yield from self._day(branch, day, settled)
            day += timedelta(days=1)

    def is_open(self, branch: Branch, day: date) -> bool:
        if branch.number == OPENED:
            return day >= self.anchor - timedelta(days=20)
        if branch.number == RENOVATED:
            return not timedelta(days=119) < self.anchor - day <= timedelta(days=140)
        return True

    def _make_day(self, branch: Branch, day: date, settled: bool) -> tuple[Cell, ...]:
        if not self.is_open(branch, day):
            return ()
        age = (day - (self.anchor - timedelta(days=20))).days if branch.number == OPENED else 10_000
        cells = list(make_cells(branch, day, expected(branch, day) * (1 - 0.35 * math.exp(-age / 18))))
        # A bill of a few days' evenings is closed only when the shift is.
        if not settled and _random("late", branch.number, day).random() < LATE_SHARE:
            late = max(range(len(cells)), key=lambda place: (cells[place].orders, place))
            cell = cells[late]
            if cell.orders > 1:
                bill = (cell.revenue / cell.orders).quantize(Decimal(1))
                cells[late] = cell._replace(
                    revenue=cell.revenue - bill, gross=cell.gross - bill, orders=cell.orders - 1
                )
        return tuple(cells)


def _random(*what: object) -> Random:
    # A string seed is hashed by SHA-512: the same on every machine and run.
    return Random("|".join(map(str, what)))


@lru_cache(maxsize=50_000)
def _normal(*what: object) -> float:
    return _random(*what).gauss(0, 1)


def expected(branch: Branch, day: date) -> float:
    """What the branch would sell on that date in tenge but for chance."""
    segment = SEGMENTS[branch.segment]
    year = (day - date(2024, 1, 1)).days / 365.25
    growth = (1 + 0.03 + (branch.number * 13 % 7) / 100) ** year
    knot, step = divmod(day.toordinal(), LEVEL_KNOT)
    left, right = (_normal("level", branch.number, knot + n) for n in (0, 1))
    ease = (1 - math.cos(math.pi * step / LEVEL_KNOT)) / 2
    level = math.exp(LEVEL_SWING * (left + (right - left) * ease))
    season = 1 + segment.summer * math.cos(2 * math.pi * (day.timetuple().tm_yday - 196) / 365.25)
    payday = 1.06 if day.day in (5, 6, 7, 20, 21) else 1.0
    fast = segment.ramadan if in_ramadan(day) else 1.0
    factors = growth * level * season * payday * fast * feast_factor(branch.segment, day)
    return float(segment.base * branch.size * segment.week[day.weekday()] * factors)


def make_cells(branch: Branch, day: date, mean: float) -> Iterator[Cell]:
    """The hours of one date selling about `mean` tenge, its returns, and deleted bills beside them."""
    segment = SEGMENTS[branch.segment]
    random = _random("day", branch.number, day)
    chance = BRANCH_NOISE * random.gauss(0, 1) + CITY_NOISE * _normal("city", branch.city, day)
    total = mean * math.exp(chance)
    shares = [share * math.exp(HOUR_NOISE * random.gauss(0, 1)) for share in _shares(branch, segment, day)]
    scale = total / sum(shares)
    step = Decimal("0.5") if segment.kopecks else Decimal(10)
    discount = 0.02 + 0.05 * random.random()
    kept = 0
    for place, share in enumerate(shares):
        money = share * scale
        orders = round(money / segment.ticket + random.gauss(0, 0.3))
        if orders < 1:
            continue
        revenue = _round(money, step)
        gross = max(revenue, _round(money / (1 - discount * 2 * random.random()), step))
        hour = (segment.hours[0] + place) % 24
        kept += orders
        yield Cell(branch.id, day, hour, revenue, gross, orders, round(orders * segment.guests))
    last = (segment.hours[0] + len(shares) - 2) % 24
    if random.random() < RETURNS_SHARE:
        back = -_round(segment.ticket * (0.3 + random.random()), step)
        yield Cell(branch.id, day, last, back, back, 1, 0, storned=True)
    if kept and random.random() < 0.3:
        bill = _round(segment.ticket * (0.5 + random.random()), step)
        yield Cell(branch.id, day, last, bill, bill, 1, 2, order_deleted=DELETED)
        yield Cell(branch.id, day, last, bill, bill, 1, 1, dish_deleted=WRITTEN_OFF)


def _shares(branch: Branch, segment: Segment, day: date) -> list[float]:
    opens, closes = segment.hours
    late_nights = branch.segment == "bar" or day.weekday() in (4, 5)
    hours = range(opens, closes if late_nights else min(closes, 24))
    shares = [
        0.12 + sum(weight * math.exp(-(((hour - peak) / width) ** 2) / 2) for peak, width, weight in segment.peaks)
        for hour in hours
    ]
    if in_ramadan(day) and segment.ramadan < 0.95:
        sunset = sunset_hour(day)
        shares = [
            share * (0.45 if hour < sunset else 1.0) + (1.6 if 0 <= hour - sunset <= 1 else 0)
            for share, hour in zip(shares, hours, strict=True)
        ]
    return shares


def _round(money: float, step: Decimal) -> Decimal:
    return Decimal(round(money / float(step))) * step
