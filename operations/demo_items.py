"""Items of a few bakeries of the demonstration, as a client would push them every night: units and money by product and day."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
from django.db.models import Case, IntegerField, Value, When
from django.utils.translation import gettext, gettext_noop

from accounts.models import Organisation
from departments.choices import Segment
from departments.models import Department
from items.choices import Grain
from items.lines import Line
from items.models import ItemDay, Product
from items.sources import item_source
from items.store import store_lines
from sales.models import SalesSummary

SOURCE = "Demo items"
BRANCHES, DAYS = 3, 182
BAKED = (Segment.BAKERY, Segment.CONFECTIONERY, Segment.COFFEEHOUSE)
# code: (name, price, share of the branch's sales in percent, how much more on weekends)
PRODUCTS = {
    "D-01": (gettext_noop("Baguette"), 350, 9.0, 1.1),
    "D-02": (gettext_noop("Butter croissant"), 550, 9.0, 1.3),
    "D-03": (gettext_noop("Croissant with almonds"), 790, 4.0, 1.5),
    "D-04": (gettext_noop("Rye bread"), 480, 6.0, 0.9),
    "D-05": (gettext_noop("Samsa with beef"), 650, 8.0, 1.0),
    "D-06": (gettext_noop("Samsa with chicken"), 600, 5.0, 1.0),
    "D-07": (gettext_noop("Cinnamon roll"), 690, 4.0, 1.4),
    "D-08": (gettext_noop("Cheese khachapuri"), 980, 5.0, 1.2),
    "D-09": (gettext_noop("Eclair"), 720, 2.5, 1.6),
    "D-10": (gettext_noop("Honey cake, slice"), 1100, 3.0, 1.7),
    "D-11": (gettext_noop("Quiche with spinach"), 1250, 1.5, 1.2),
    "D-12": (gettext_noop("Whole apple pie"), 5200, 1.5, 2.0),
}


def push_demo_items(organisation: Organisation, last: dt.date) -> int:
    """Bring the items of the first bakeries up to `last`; returns how many lines were added."""
    source = item_source(organisation, SOURCE, grain=Grain.PRODUCT_DAY)
    products = {code: _product(organisation, code, *known[:2]) for code, known in PRODUCTS.items()}
    added = 0
    for department in _bakeries(organisation):
        days = ItemDay.objects.filter(connection=source.pk, department=department)
        newest = days.order_by("-date").values_list("date", flat=True).first()
        first = newest + dt.timedelta(days=1) if newest else last - dt.timedelta(days=DAYS - 1)
        added += store_lines(source, list(_lines(department, products, first, last))).inserted
    return added


def _product(organisation: Organisation, code: str, name: str, price: int) -> Product:
    values = {"name": gettext(name), "default_price": Decimal(price)}
    return Product.objects.get_or_create(organisation=organisation, code=code, defaults=values)[0]


def _bakeries(organisation: Organisation) -> list[Department]:
    order = Case(
        *(When(segment_type=segment, then=Value(place)) for place, segment in enumerate(BAKED)),
        default=Value(len(BAKED)),
        output_field=IntegerField(),
    )
    sold = SalesSummary.objects.filter(organisation=organisation).values("department")
    rows = Department.objects.filter(organisation=organisation, is_active=True, pk__in=sold)
    return list(rows.order_by(order, "name")[:BRANCHES])


def _lines(department: Department, products: dict[str, Product], first: dt.date, last: dt.date) -> Iterator[Line]:
    """The same lines whenever they are made."""
    days = SalesSummary.objects.filter(department=department, date__range=(first, last)).trusted()
    for date, total in days.order_by("date").values_list("date", "total_sales"):
        draw = np.random.default_rng((department.pk.int % 2**32, date.toordinal()))
        for code, (_name, price, share, weekend) in PRODUCTS.items():
            busy = weekend if date.weekday() >= 5 else 1.0
            units = int(draw.poisson(float(total or 0) * share / 100 / price * busy))
            if units:
                yield Line(
                    external_id=f"{department.pk}-{code}",
                    department=department.pk,
                    product=products[code].pk,
                    date=date,
                    quantity=Decimal(units),
                    unit_price=Decimal(price),
                    total=Decimal(price * units),
                )
