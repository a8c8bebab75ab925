"""Where a product is sold, of what somebody may see."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, Sum

from departments.models import Department
from departments.timing import organisation_today
from items.models import Product, ProductDay

DAYS = 28


@dataclass(frozen=True)
class SoldIn:
    """A product in a department during the last DAYS days; `revenue` None: not known of all of it."""

    department: UUID
    name: str
    currency: str
    quantity: Decimal
    revenue: Decimal | None
    last: dt.date


def where_sold(product: Product, user: Any) -> list[SoldIn]:
    """The departments a user sees in which the product was sold lately, by their names."""
    since = organisation_today(product.organisation) - dt.timedelta(days=DAYS)
    days = ProductDay.objects.visible_to(user).filter(product=product.pk, date__gte=since)
    rows = days.order_by().values("department").annotate(sold=Sum("quantity"), latest=Max("date"))
    by_department = {row["department"]: row for row in rows}
    revenues: dict[UUID, Decimal | None] = dict.fromkeys(by_department, Decimal(0))
    for department, revenue in days.values_list("department", "revenue"):
        known = revenues[department]
        revenues[department] = None if known is None or revenue is None else known + revenue
    places = Department.objects.filter(pk__in=by_department).select_related("organisation")
    found = [
        SoldIn(
            place.pk,
            place.name,
            place.money,
            Decimal(by_department[place.pk]["sold"]),
            revenues[place.pk],
            by_department[place.pk]["latest"],
        )
        for place in places
    ]
    return sorted(found, key=lambda one: (one.name, str(one.department)))
