"""Which departments a membership covers."""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Membership, Organisation, User
from departments.models import Department, DepartmentScope


def sees_all(user: User, organisation: Organisation) -> bool:
    """Whether every branch of the organisation is the user's to see; who sees some works on these only."""
    branches = Department.objects.selling().filter(organisation=organisation)
    return not branches.exclude(pk__in=Department.objects.visible_to(user)).exists()


@transaction.atomic
def limit_to(membership: Membership, departments: Iterable[Department]) -> None:
    """From now on the membership covers these departments with what lies below them, and no others."""
    membership.all_departments = False
    membership.save(update_fields=["all_departments"])
    membership.scopes.all().delete()
    DepartmentScope.objects.bulk_create(
        DepartmentScope(membership=membership, department=department) for department in departments
    )
