"""Which departments that could have sales have any, and of which days."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from departments.models import Department
from departments.querysets import DepartmentQuerySet
from sales.models import DepartmentCutoff, SalesSummary


def covered(departments: DepartmentQuerySet, *, has_data: bool | None = None) -> QuerySet[Department, Any]:
    """Those that sell, all or only those with data or without: `has_data`, `first_date`, `last_date` and
    `complete_until`; the dates are those of days with figures."""
    days = SalesSummary.objects.filter(department=OuterRef("pk"), total_sales__isnull=False)
    cutoff = DepartmentCutoff.objects.filter(department=OuterRef("pk"))
    rows = departments.selling()
    if has_data is not None:
        rows = rows.filter(Exists(days) if has_data else ~Exists(days))
    found: QuerySet[Department, Any] = rows.annotate(
        has_data=Exists(days),
        first_date=Subquery(days.order_by("date").values("date")[:1]),
        last_date=Subquery(days.order_by("-date").values("date")[:1]),
        complete_until=Subquery(cutoff.values("date")[:1]),
    )
    return found
