"""Which departments a membership covers."""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Membership
from departments.models import Department, DepartmentScope


@transaction.atomic
def limit_to(membership: Membership, departments: Iterable[Department]) -> None:
    """From now on the membership covers these departments with what lies below them, and no others."""
    membership.all_departments = False
    membership.save(update_fields=["all_departments"])
    membership.scopes.all().delete()
    DepartmentScope.objects.bulk_create(
        DepartmentScope(membership=membership, department=department) for department in departments
    )
