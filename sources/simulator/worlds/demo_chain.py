"""The demonstration chain: invented brands, branches, legal entities, and the calendar they live by."""

import math
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

import holidays

from sources.simulator.worlds.base import Node

CHAIN = uuid.uuid5(uuid.NAMESPACE_DNS, "demo.salesforecast")


@dataclass(frozen=True, slots=True)
class Segment:
    """How branches of one kind sell: `base` tenge a day, `ticket` tenge a bill, factors Monday to Sunday."""

    base: int
    ticket: int
    guests: float
    week: tuple[float, ...]
    hours: tuple[int, int]
    """Opening and closing hour; beyond 24 after midnight."""
    peaks: tuple[tuple[float, float, float], ...]
    """(hour, width, weight) of each rush."""
    summer: float
    """Share by which July lies above or below the year's mean."""
    day_off: float
    """Factor of a public holiday against an ordinary day of that weekday."""
    ramadan: float = 1.0
    kopecks: bool = False


SEGMENTS = {
    "coffeehouse": Segment(
        420_000, 2_300, 1.2, (0.98, 1.0, 1.02, 1.03, 1.12, 1.0, 0.85), (8, 22), ((9, 1.6, 1.0), (15, 3.0, 0.8)),
        -0.07, 0.84, 0.93,
    ),
    "restaurant": Segment(
        1_050_000, 14_500, 2.4, (0.78, 0.8, 0.86, 0.93, 1.25, 1.38, 1.1), (11, 25), ((13, 1.5, 0.7), (20, 2.2, 1.3)),
        0.05, 1.14, 0.86,
    ),
    "confectionery": Segment(
        480_000, 5_200, 1.1, (0.85, 0.85, 0.9, 0.95, 1.2, 1.3, 0.95), (9, 21), ((12, 2.5, 0.7), (18, 2.0, 1.0)),
        -0.12, 1.12, 1.04,
    ),
    "food_court": Segment(
        650_000, 3_300, 1.4, (0.8, 0.8, 0.83, 0.87, 1.1, 1.35, 1.3), (10, 22), ((13, 1.8, 1.0), (18, 2.4, 1.0)),
        -0.04, 1.22, 0.9,
    ),
    "store": Segment(
        300_000, 2_600, 1.0, (0.95, 0.93, 0.95, 0.98, 1.15, 1.1, 0.94), (8, 23), ((12, 3.0, 0.6), (18, 2.5, 1.0)),
        0.03, 1.05, 1.05, True,
    ),
    "fast_food": Segment(
        780_000, 3_100, 1.5, (0.88, 0.88, 0.9, 0.95, 1.15, 1.22, 1.02), (9, 24), ((13, 1.8, 1.0), (19, 2.4, 1.0)),
        0.03, 1.1, 0.88,
    ),
    "bakery": Segment(
        330_000, 1_500, 1.0, (1.02, 1.0, 1.0, 1.02, 1.1, 1.0, 0.86), (7, 21), ((8, 1.4, 1.0), (18, 2.0, 0.8)),
        -0.09, 0.9, 0.97,
    ),
    "cafe": Segment(
        520_000, 4_800, 1.7, (0.95, 0.95, 0.98, 1.0, 1.15, 1.07, 0.9), (8, 23), ((13, 1.5, 1.0), (19, 2.4, 0.9)),
        0.02, 1.0, 0.9,
    ),
    "bar": Segment(
        700_000, 9_800, 2.1, (0.55, 0.6, 0.7, 0.85, 1.6, 1.75, 0.95), (16, 27), ((21, 2.0, 0.9), (23, 1.8, 1.1)),
        0.12, 1.15, 0.7,
    ),
}  # fmt: skip

# Brand, segment, street, taste for size. Two are special: see `OPENED` and `RENOVATED`.
BRANCHES = (
    ("Кофейня «Тёплый угол»", "coffeehouse", "Алматы, пр. Абая 17", 1.1),
    ("Ресторан «Дастан-Сад»", "restaurant", "Алматы, ул. Кабанбай батыра 83", 1.15),
    ("Кондитерская «Миндаль и мёд»", "confectionery", "Алматы, ул. Гоголя 75", 1.2),
    ("Пекарня «Белый каравай»", "bakery", "Алматы, ул. Жандосова 34", 1.0),
    ("Кафе «Арча»", "cafe", "Алматы, ул. Тимирязева 42", 1.05),
    ("Фуд-корт «Жарко»", "food_court", "Астана, пр. Туран 55", 1.0),
    ("Бар «Полночь на Панфилова»", "bar", "Алматы, ул. Панфилова 109", 1.0),
    ("Бургерная «Степь»", "fast_food", "Астана, пр. Кабанбай батыра 21", 1.1),
    ("Магазин «Миндаль и мёд»", "store", "Алматы, ул. Сатпаева 90", 0.9),
    ("Кофейня «Тёплый угол»", "coffeehouse", "Астана, ул. Сыганак 16", 0.95),
    ("Кондитерская «Миндаль и мёд»", "confectionery", "Шымкент, пр. Тауке хана 41", 0.8),
    ("Кафе «Арча»", "cafe", "Шымкент, ул. Байтурсынова 12", 0.85),
    ("Пекарня «Белый каравай»", "bakery", "Астана, пр. Республики 8", 0.9),
    ("Бургерная «Степь»", "fast_food", "Алматы, ул. Толе би 189", 0.9),
)
OPENED, RENOVATED = 3, 4
ENTITIES = {1: ("ТОО «Тёплый стол»", "150440000017"), 2: ("ТОО «Степные кухни»", "180740000023")}


@dataclass(frozen=True, slots=True)
class Branch:
    """One department of the demonstration; `number` counts from 0 over both servers."""

    number: int
    id: str
    name: str
    brand: str
    segment: str
    city: str
    size: float
    server: int
    code: str
    taxpayer_id: str


@cache
def branches(departments: int = 14) -> tuple[Branch, ...]:
    """The chain's branches on both servers; past 14 further ones of the same brands."""
    found = []
    for number in range(departments):
        brand, segment, address, size = BRANCHES[number % len(BRANCHES)]
        again = number // len(BRANCHES)
        if again:
            address, size = f"{address}, корпус {again + 1}", size * (0.75 + (number * 37 % 50) / 100)
        server = 1 + number % 2
        found.append(
            Branch(
                number=number,
                id=str(uuid.uuid5(CHAIN, f"branch {number}")),
                name=f"{brand}, {address}",
                brand=brand,
                segment=segment,
                city=address.split(",")[0],
                size=size,
                server=server,
                code=f"{number + 101}",
                taxpayer_id=ENTITIES[server][1],
            )
        )
    return tuple(found)


def nodes(server: int, departments: int = 14) -> list[Node]:
    """The corporation tree of one server: children first, the root last, one branch without a code, stores."""
    entity, bin_ = ENTITIES[server]
    root, person = str(uuid.uuid5(CHAIN, f"root {server}")), str(uuid.uuid5(CHAIN, f"entity {server}"))
    own = [branch for branch in branches(departments) if branch.server == server]
    tree = []
    for place, branch in enumerate(own):
        store = str(uuid.uuid5(CHAIN, f"store {branch.number}"))
        tree.append(Node(store, branch.id, f"Склад: {branch.name}", "STORE", ""))
        code = None if place == 1 else branch.code
        tree.append(Node(branch.id, person, branch.name, "DEPARTMENT", code, branch.taxpayer_id))
    return [*tree, Node(person, root, entity, "JURPERSON", "", bin_), Node(root, None, "Сеть", "CORPORATION")]


@lru_cache(maxsize=64)
def _kazakh(year: int) -> dict[date, str]:
    return {day: str(name) for day, name in holidays.country_holidays("KZ", years=year, language="en_US").items()}


def holiday(day: date) -> str:
    """The public holiday of a date (with the days moved to it), else empty."""
    return _kazakh(day.year).get(day, "")


# Days of the year on which a segment sells unlike any other day; "*" stands for all other segments.
FEASTS: dict[tuple[int, int], dict[str, float]] = {
    (12, 31): {"confectionery": 1.9, "store": 1.6, "bakery": 1.3, "bar": 0.9, "*": 0.72},
    (1, 1): {"bar": 0.55, "*": 0.35},
    (1, 2): {"*": 0.68},
    (1, 3): {"*": 0.85},
    (1, 7): {"confectionery": 1.15, "*": 0.95},
    (2, 14): {"confectionery": 1.5, "restaurant": 1.35, "coffeehouse": 1.15, "bar": 1.1, "*": 1.0},
    (3, 6): {"confectionery": 1.25, "store": 1.1, "*": 1.0},
    (3, 7): {"confectionery": 1.75, "store": 1.35, "restaurant": 1.2, "bakery": 1.15, "*": 1.08},
    (3, 8): {
        "confectionery": 2.2,
        "store": 1.35,
        "restaurant": 1.45,
        "coffeehouse": 1.2,
        "cafe": 1.25,
        "*": 1.1,
    },
    (3, 20): {"confectionery": 1.15, "*": 1.0},
    (3, 21): {
        "restaurant": 1.3,
        "fast_food": 1.15,
        "food_court": 1.2,
        "coffeehouse": 0.85,
        "bakery": 0.85,
        "*": 1.1,
    },
    (3, 22): {
        "restaurant": 1.35,
        "fast_food": 1.2,
        "food_court": 1.25,
        "coffeehouse": 0.85,
        "bakery": 0.82,
        "*": 1.1,
    },
    (3, 23): {
        "restaurant": 1.25,
        "fast_food": 1.15,
        "food_court": 1.2,
        "coffeehouse": 0.88,
        "bakery": 0.85,
        "*": 1.05,
    },
    (9, 1): {"confectionery": 1.35, "fast_food": 1.2, "food_court": 1.15, "*": 1.05},
}


def feast_factor(segment: str, day: date) -> float:
    """How much the named day lifts or lowers a segment's sales."""
    name = holiday(day)
    if own := FEASTS.get((day.month, day.day)):
        return own.get(segment, own["*"])
    if "Eid" in name:
        return {"bar": 0.6, "store": 1.15, "restaurant": 0.9, "confectionery": 1.1}.get(segment, 0.82)
    if name:
        return SEGMENTS[segment].day_off
    if holiday(day + timedelta(days=1)) and segment in {"bar", "restaurant", "cafe"}:
        return 1.12
    return 1.0


# Arithmetic, not astronomical: within a day of what is announced.
FIRST_RAMADAN, LUNAR_YEAR = date(2025, 3, 1), 354.367


def in_ramadan(day: date) -> bool:
    turns = math.floor((day - FIRST_RAMADAN).days / LUNAR_YEAR)
    starts = [FIRST_RAMADAN + timedelta(days=round((turns + n) * LUNAR_YEAR)) for n in (0, 1)]
    return any(0 <= (day - start).days < 30 for start in starts)


def sunset_hour(day: date) -> int:
    """Local hour of sunset in Almaty, roughly."""
    return round(18.4 - 1.8 * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365.25))
