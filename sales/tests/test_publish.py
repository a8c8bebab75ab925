"""Observations become published sales: whole, exact, and only where a connection has authority."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from departments.models import Authority, Connection, Department, SourceDepartment
from sales.choices import DayState
from sales.models import ObservedHour, SalesByHour, SalesSummary
from sales.publish import adopt, publish, store_observations
from sales.staging import WHOLE_DAY, StagedRow

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

DAY = dt.date(2026, 3, 18)
NEXT = dt.date(2026, 3, 19)


@pytest.fixture
def till():
    organisation = Organisation.objects.create(name=f"Chain {uuid.uuid4()}")
    return Connection.objects.create(organisation=organisation, name="till", url="http://till.test")


def department_at(till: Connection, external_id: str, *, authority: bool = True) -> Department:
    department = Department.objects.create(organisation=till.organisation, name=external_id)
    SourceDepartment.objects.create(
        organisation=till.organisation, connection=till, external_id=external_id, department=department
    )
    if authority:
        Authority.objects.create(organisation=till.organisation, department=department, connection=till)
    return department


def rows_of(external_id: str, department: Department | None, date: dt.date, hours: dict[int, str]) -> list[StagedRow]:
    pk = department.pk if department else None
    amounts = {hour: Decimal(amount) for hour, amount in hours.items()}
    return [
        StagedRow(
            external_id, pk, date, WHOLE_DAY, sum(amounts.values(), Decimal(0)), sum(amounts.values(), Decimal(0)), 1, 1
        ),
        *(StagedRow(external_id, pk, date, hour, amount, amount, 1, None) for hour, amount in amounts.items()),
    ]


@transaction.atomic
def bring(till: Connection, dates: list[dt.date], rows: list[StagedRow], **options: object) -> int:
    changes = store_observations(till, dates, rows, run=None, **options)  # type: ignore[arg-type]
    published = publish(till, dates, run=None, withdraw=changes.vanished > 0)
    return changes.written + changes.vanished + published


def day(department: Department, date: dt.date = DAY) -> SalesSummary:
    return SalesSummary.objects.get(department=department, date=date)


def test_the_same_input_twice_writes_nothing_the_second_time(till):
    cafe = department_at(till, "cafe")
    rows = rows_of("cafe", cafe, DAY, {9: "1200.1", 10: "0.3333"})
    assert bring(till, [DAY], rows) == 6
    before = SalesSummary.objects.values().get(), list(SalesByHour.objects.order_by("pk").values())
    assert bring(till, [DAY], rows) == 0
    assert before == (SalesSummary.objects.values().get(), list(SalesByHour.objects.order_by("pk").values()))


def test_a_vanished_hour_goes_and_the_day_is_restated(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY], rows_of("cafe", cafe, DAY, {9: "100", 23: "50"}))
    bring(till, [DAY], rows_of("cafe", cafe, DAY, {9: "100"}))
    assert day(cafe).total_sales == 100
    assert day(cafe).state == DayState.RESTATED
    assert list(SalesByHour.objects.values_list("hour", flat=True)) == [9]


def test_other_dates_stay_bit_identical(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY, NEXT], rows_of("cafe", cafe, DAY, {9: "100"}) + rows_of("cafe", cafe, NEXT, {9: "70"}))
    before = SalesSummary.objects.values().get(date=NEXT)
    bring(till, [DAY], rows_of("cafe", cafe, DAY, {9: "101"}))
    assert SalesSummary.objects.values().get(date=NEXT) == before


def test_a_limited_load_touches_only_its_department(till):
    cafe, bar = department_at(till, "cafe"), department_at(till, "bar")
    bring(till, [DAY], rows_of("cafe", cafe, DAY, {9: "100"}) + rows_of("bar", bar, DAY, {22: "900"}))
    bring(till, [DAY], rows_of("cafe", cafe, DAY, {9: "1"}), only={"cafe"})
    assert (day(cafe).total_sales, day(bar).total_sales) == (1, 900)


def test_without_authority_an_observation_is_a_check_and_not_published(till):
    cafe = department_at(till, "cafe", authority=False)
    bring(till, [DAY], rows_of("cafe", cafe, DAY, {9: "100"}))
    assert ObservedHour.objects.count() == 1
    assert not SalesSummary.objects.exists()


def test_authority_changes_hands_on_its_date(till):
    cafe = department_at(till, "cafe")
    other = Connection.objects.create(organisation=till.organisation, name="other", url="http://other.test")
    Authority.objects.create(organisation=till.organisation, department=cafe, connection=other, from_date=NEXT)
    for source, amount in ((till, "100"), (other, "7")):
        bring(source, [DAY, NEXT], rows_of("x", cafe, DAY, {9: amount}) + rows_of("x", cafe, NEXT, {9: amount}))
    assert (day(cafe).total_sales, day(cafe, NEXT).total_sales) == (100, 7)


def test_sales_of_an_unknown_department_wait_for_it(till):
    bring(till, [DAY], rows_of("new", None, DAY, {9: "100", 10: "20"}))
    assert not SalesSummary.objects.exists()
    cafe = department_at(till, "new")
    with transaction.atomic():
        adopt(till, ["new"])
    assert day(cafe).total_sales == 120
    assert SalesByHour.objects.filter(department=cafe).count() == 2


def test_a_department_that_changed_its_id_at_the_source_is_the_sum_of_both(till):
    cafe = department_at(till, "old")
    SourceDepartment.objects.create(organisation=till.organisation, connection=till, external_id="new", department=cafe)
    rows = rows_of("old", cafe, DAY, {9: "0.1", 10: "5"}) + rows_of("new", cafe, DAY, {9: "0.2"})
    bring(till, [DAY], rows)
    assert day(cafe).total_sales == Decimal("5.3")
    assert dict(SalesByHour.objects.values_list("hour", "sales_amount")) == {9: Decimal("0.3"), 10: Decimal(5)}


def test_total_sales_follow_the_measure_of_the_connection(till):
    till.measure = "gross"
    till.save()
    cafe = department_at(till, "cafe")
    bring(till, [DAY], [StagedRow("cafe", cafe.pk, DAY, WHOLE_DAY, Decimal(90), Decimal(100), 1, 1)])
    assert (day(cafe).total_sales, day(cafe).revenue) == (100, 90)


def test_ids_with_tabs_and_backslashes_survive_the_way_into_the_database(till):
    strange = "a\tb\\N\nc"
    cafe = department_at(till, strange)
    bring(till, [DAY], rows_of(strange, cafe, DAY, {9: "5"}))
    assert ObservedHour.objects.get().external_id == strange


money = st.decimals(min_value=-(10**9), max_value=10**9, places=4)
days = st.dictionaries(st.integers(0, 23), money, min_size=1)


@given(first=days, second=days)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hours_add_up_to_the_day_to_the_last_place_whatever_replaces_what(till, first, second):
    department = department_at(till, uuid.uuid4().hex)
    external_id = department.name
    for hours in (first, second):
        texts = {hour: str(amount) for hour, amount in hours.items()}
        bring(till, [DAY], rows_of(external_id, department, DAY, texts), only={external_id})
    published = SalesByHour.objects.filter(department=department)
    assert dict(published.values_list("hour", "sales_amount")) == second
    assert day(department).total_sales == sum(second.values(), Decimal(0))
    assert published.totals("sales_amount")["sum"] == sum(second.values(), Decimal(0))
