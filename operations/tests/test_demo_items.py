"""The demonstration's bakeries sell items: the same whenever they are made, and no second till."""

import datetime as dt

import pytest

from departments.models import Department
from forecasting.tests.chain import CUTOFF, make_chain
from items.models import Product, ProductDay, SaleLine
from operations.demo_items import BRANCHES, PRODUCTS, push_demo_items
from sales.models import ObservedDay

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_bakeries_first_and_only_what_is_new_is_brought():
    organisation = make_chain(departments=4, days=20, hourly_days=0)
    Department.objects.filter(name="Branch 3").update(segment_type="bakery")
    week_before = CUTOFF - dt.timedelta(days=7)
    first = push_demo_items(organisation, week_before)
    assert first > 13 * BRANCHES
    known = dict(SaleLine.objects.values_list("id", "quantity"))
    assert 0 < push_demo_items(organisation, CUTOFF) < first
    assert push_demo_items(organisation, CUTOFF) == 0
    assert known.items() <= dict(SaleLine.objects.values_list("id", "quantity")).items()
    assert Product.objects.count() == len(PRODUCTS)
    sold = Department.objects.filter(pk__in=ProductDay.objects.values("department")).order_by("name")
    assert [row.name for row in sold] == ["Branch 0", "Branch 1", "Branch 3"]
    assert ProductDay.objects.filter(date=CUTOFF, revenue__gt=0).exists()
    assert not ObservedDay.objects.exists()  # they are a part of what the till tells, not a till of their own
