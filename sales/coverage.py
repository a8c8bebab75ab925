"""Which departments that could have sales have any, and of which days."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from departments.models import Department
from departments.querysets import DepartmentQuerySet
from sales.models import DepartmentCutoff, SalesSummary


def covered(departments: DepartmentQuerySet) -> QuerySet[Department, Any]:
    """Those that sell, with `has_data`, `first_date` and `last_date` (of days with figures) and `complete_until`."""
    days = SalesSummary.objects.filter(department=OuterRef("pk"), total_sales__isnull=False)
    cutoff = DepartmentCutoff.objects.filter(department=OuterRef("pk"))
    found: QuerySet[Department, Any] = departments.selling().annotate(
        has_data=Exists(days),
        first_date=Subquery(days.order_by("date").values("date")[:1]),
        last_date=Subquery(days.order_by("-date").values("date")[:1]),
        complete_until=Subquery(cutoff.values("date")[:1]),
    )
    return found
