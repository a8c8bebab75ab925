"""What simulated tills sell: a catalogue as a server lists it, and bills split into its dishes to the last coin."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from functools import cache
from random import Random
from typing import NamedTuple

from sources.simulator.worlds.base import Receipt
from sources.simulator.worlds.demo_chain import CHAIN, branches

SINCE = date(2020, 1, 1)
"""From when on the prices of a menu hold that nobody has changed."""
MOST_DISHES = 6
PIECE = Decimal(1)
COIN = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Entry:
    """A group, a category or a unit."""

    id: str
    name: str
    code: str = ""
    parent_id: str | None = None
    deleted: bool = False


class Choice(NamedTuple):
    """A modifier or, with `members`, a group of them; amounts as the server tells them."""

    id: str
    least: int
    most: int
    default: int = 0
    members: tuple["Choice", ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One product of the catalogue; `by_weight`: sold in kilograms. `revision`: of its last change."""

    id: str
    name: str
    code: str
    type: str
    group_id: str | None
    category_id: str | None
    tax_id: str | None
    accounting_id: str | None
    unit_id: str | None
    price: Decimal
    by_weight: bool = False
    choices: tuple[Choice, ...] = ()
    deleted: bool = False
    revision: int = 1


class Order(NamedTuple):
    """An order to the menu: a price from a date on; `department` None: everywhere."""

    product_id: str
    department_id: str | None
    from_date: date
    amount: Decimal


@dataclass(frozen=True)
class Menu:
    """`kinds`: product, tax and accounting categories. `tables`: the ids of what a department serves, "" for all others."""

    articles: dict[str, Article]
    groups: list[Entry] = field(default_factory=list)
    kinds: dict[str, list[Entry]] = field(default_factory=dict)
    units: list[Entry] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=dict)

    def split(self, bill: Receipt) -> Iterator[Receipt]:
        """The bill dish by dish, always the same: revenue and gross add up to the bill's exactly."""
        random = Random(bill.key)
        dishes = self._chosen(random, abs(bill.cell.gross), bill.cell.department_id or "")
        weights = [article.price * quantity or PIECE for article, quantity in dishes]
        gross = _shares(bill.cell.gross, weights)
        revenue = _shares(bill.cell.revenue, weights)
        back = -1 if bill.cell.gross < 0 else 1
        for (article, quantity), one_gross, one_revenue in zip(dishes, gross, revenue, strict=True):
            cell = bill.cell._replace(revenue=one_revenue, gross=one_gross)
            yield bill._replace(cell=cell, dish=article.id, quantity=quantity * back)

    def _chosen(self, random: Random, worth: Decimal, department: str) -> list[tuple[Article, Decimal]]:
        """Dishes that cost about `worth` together, each once with its quantity."""
        table = self.tables.get(department) or self.tables.get("") or list(self.articles)
        chosen: dict[str, Decimal] = {}
        cost = Decimal(0)
        while True:
            article = self.articles[random.choice(table)]
            quantity = Decimal(random.randint(150, 950)) / 1000 if article.by_weight else PIECE
            chosen[article.id] = chosen.get(article.id, Decimal(0)) + quantity
            cost += article.price * quantity
            if cost >= worth * Decimal("0.85") or len(chosen) >= MOST_DISHES:
                return [(self.articles[id], quantity) for id, quantity in chosen.items()]


def _shares(money: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """`money` by weight, in whole units if it is whole; the last takes what is left."""
    step, total = (PIECE if money == money.to_integral_value() else COIN), sum(weights)
    shares = [(money * weight / total).quantize(step, ROUND_DOWN) for weight in weights[:-1]]
    return [*shares, money - sum(shares, Decimal(0))]


# -- the invented menu of the demonstration chain ---------------------------------------------------------------

DISHES = {
    ("Бар", "Кофе"): (("Эспрессо", 900), ("Американо", 1100), ("Капучино", 1500), ("Латте", 1600), ("Раф ванильный", 1900)),
    ("Бар", "Чай"): (("Чай чёрный, чайник", 1200), ("Чай облепиховый", 1800), ("Чай с молоком", 700)),
    ("Бар", "Холодные напитки"): (("Лимонад домашний", 1700), ("Морс ягодный", 1100), ("Айран", 600), ("Вода 0,5 л", 500)),
    ("Бар", "Крепкие напитки"): (("Пиво светлое 0,5 л", 1500), ("Вино белое, бокал", 2600), ("Коктейль «Степной ветер»", 3400)),
    ("Выпечка", "Хлеб"): (("Батон", 300), ("Багет", 550), ("Хлеб ржаной", 480), ("Лепёшка тандырная", 250)),
    ("Выпечка", "Сдоба"): (("Круассан", 900), ("Самса с мясом", 650), ("Булочка с корицей", 800), ("Баурсаки, порция", 600)),
    ("Выпечка", "Торты и десерты"): (
        ("Медовик, кусок", 1600), ("Наполеон, кусок", 1700), ("Чизкейк", 2100), ("Эклер", 900),
        ("Торт миндальный, целый", 12500), ("Печенье песочное, кг", 3400),
    ),
    ("Кухня", "Завтраки"): (("Каша овсяная", 1300), ("Омлет с сыром", 1900), ("Сырники со сметаной", 2200)),
    ("Кухня", "Супы"): (("Сорпа", 1800), ("Суп чечевичный", 1600), ("Борщ", 1900)),
    ("Кухня", "Горячее"): (("Плов", 2400), ("Лагман", 2600), ("Манты, порция", 2300), ("Куырдак", 3900), ("Бешбармак", 5200),
                           ("Стейк рибай", 11900)),
    ("Кухня", "Салаты"): (("Салат «Цезарь»", 2700), ("Салат овощной", 1500), ("Винегрет", 1200)),
    ("Кухня", "Бургеры"): (("Бургер с говядиной", 2300), ("Бургер с курицей", 2000), ("Картофель фри", 1100),
                           ("Наггетсы, 6 шт.", 1400)),
    ("Кухня", "Закуски"): (("Сухарики с чесноком", 1300), ("Сырная тарелка", 4200), ("Крылья острые", 2900)),
}  # fmt: skip
ADDITIONS = (("Сироп ванильный", 300), ("Молоко овсяное", 400), ("Молоко безлактозное", 350), ("Соус сырный", 250))
OVER = ("Суп дня", 1500)
"""Not sold any more: the catalogue lists it as deleted."""
SERVED = {
    "coffeehouse": ("Кофе", "Чай", "Сдоба", "Торты и десерты", "Завтраки", "Добавки"),
    "restaurant": ("Супы", "Горячее", "Салаты", "Крепкие напитки", "Чай", "Торты и десерты"),
    "confectionery": ("Торты и десерты", "Сдоба", "Чай", "Кофе"),
    "food_court": ("Горячее", "Супы", "Салаты", "Холодные напитки", "Бургеры"),
    "store": ("Хлеб", "Сдоба", "Торты и десерты", "Холодные напитки"),
    "fast_food": ("Бургеры", "Холодные напитки", "Закуски", "Добавки"),
    "bakery": ("Хлеб", "Сдоба", "Кофе", "Чай"),
    "cafe": ("Завтраки", "Супы", "Горячее", "Салаты", "Кофе", "Чай", "Холодные напитки"),
    "bar": ("Крепкие напитки", "Закуски", "Холодные напитки"),
}


def _id(server: int, *what: str) -> str:
    return str(uuid.uuid5(CHAIN, f"{server} {' '.join(what)}"))


@cache
def demo_menu(server: int = 1, departments: int = 14) -> Menu:
    """The menu of one server of the chain; two servers share no id."""
    tax, kitchen = _id(server, "tax", "12"), _id(server, "accounting", "dishes")
    goods = _id(server, "accounting", "goods")
    units = {name: Entry(_id(server, "unit", name), name) for name in ("порц", "шт", "кг")}
    kinds = sorted({kind for kind, _group in DISHES})
    categories = {kind: Entry(_id(server, "category", kind), kind) for kind in kinds}
    # A child comes before its parent here and there, as nobody promises an order.
    parents = [Entry(_id(server, "group", kind), kind, f"{n:03d}") for n, kind in enumerate(kinds, 1)]
    groups = [
        *(
            Entry(_id(server, "group", kind, name), name, f"{n:03d}", _id(server, "group", kind))
            for n, (kind, name) in enumerate(DISHES, 11)
        ),
        Entry(_id(server, "group", "Молоко"), "Молоко", "098", _id(server, "group", "Добавки")),
        Entry(_id(server, "group", "Добавки"), "Добавки", "099"),
        *parents,
    ]
    articles: dict[str, Article] = {}

    def add(kind: str, group: str, name: str, price: int, type: str = "DISH", *, deleted: bool = False) -> str:
        by_weight = name.endswith(", кг")
        number = len(articles) + 1
        place = ("group", kind, group) if kind else ("group", group)
        article = Article(
            id=_id(server, "dish", name),
            name=name,
            code=f"{server}{number:04d}",
            type=type,
            group_id=_id(server, *place),
            category_id=categories[kind].id if kind else None,
            tax_id=tax,
            accounting_id=goods if type == "GOODS" else kitchen,
            unit_id=units["кг" if by_weight else "шт" if type == "GOODS" else "порц"].id,
            price=Decimal(price),
            by_weight=by_weight,
            deleted=deleted,
        )
        articles[article.id] = article
        return article.id

    syrup, *milks, sauce = [add("", "Добавки", name, price, "MODIFIER") for name, price in ADDITIONS]
    milk = Choice(_id(server, "group", "Молоко"), 0, 1, members=tuple(Choice(id, 0, 1) for id in milks))
    for (kind, group), dishes in DISHES.items():
        for name, price in dishes:
            id = add(kind, group, name, price, "GOODS" if name.startswith(("Вода", "Пиво")) else "DISH")
            if group == "Кофе":
                articles[id] = replace(articles[id], choices=(milk, Choice(syrup, 0, 2)))
            elif group == "Бургеры":
                articles[id] = replace(articles[id], choices=(Choice(sauce, 1, 3, 1),))
    add("Кухня", "Супы", *OVER, deleted=True)
    names = {entry.id: entry.name for entry in groups}
    tables = {
        segment: [
            id for id, article in articles.items() if names[article.group_id or ""] in wanted and not article.deleted
        ]
        for segment, wanted in SERVED.items()
    }
    return Menu(
        articles=articles,
        groups=groups,
        kinds={
            "product": list(categories.values()),
            "tax": [Entry(tax, "НДС 12 %", "1"), Entry(_id(server, "tax", "0"), "Без НДС", "2")],
            "accounting": [
                Entry(kitchen, "Блюда"),
                Entry(goods, "Товары"),
                Entry(_id(server, "accounting", "old"), "Сырьё", deleted=True),
            ],
        },
        units=list(units.values()),
        tables={branch.id: tables[branch.segment] for branch in branches(departments)} | {"": tables["cafe"]},
    )


def items_menu(namespace: uuid.UUID, items: Iterable[tuple[str, str, Decimal]]) -> Menu:
    """A menu of (item, its category or nothing, price) as a file names them."""
    articles: dict[str, Article] = {}
    groups: dict[str, Entry] = {}
    unit = Entry(str(uuid.uuid5(namespace, "unit")), "шт")
    for number, (item, category, price) in enumerate(items, 1):
        if category and category not in groups:
            groups[category] = Entry(str(uuid.uuid5(namespace, f"group {category}")), category)
        id = item_id(namespace, item)
        group = groups[category].id if category else None
        articles[id] = Article(id, item, f"{number:05d}", "DISH", group, None, None, None, unit.id, price)
    return Menu(articles=articles, groups=list(groups.values()), units=[unit])


def item_id(namespace: uuid.UUID, item: str) -> str:
    return str(uuid.uuid5(namespace, f"item {item}"))
