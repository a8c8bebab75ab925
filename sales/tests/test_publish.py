"""Observations become published sales: whole, exact, and only where a connection has authority."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation, User
from departments.models import Authority, Connection, Department, SourceDepartment
from sales.choices import DayState
from sales.delete import delete_day
from sales.models import ObservedDay, Restatement, SalesByHour, SalesSummary
from sales.observe import store_observations
from sales.publish import adopt, publish
from sales.staging import StagedDay, hours_text

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


def observed(
    external_id: str,
    department: Department | None,
    date: dt.date,
    hours: dict[int, str],
    state: str = DayState.COMPLETE,
) -> StagedDay:
    amounts = {hour: Decimal(amount) for hour, amount in sorted(hours.items())}
    total = sum(amounts.values(), Decimal(0))
    text = hours_text([(hour, amount, amount, 1, None) for hour, amount in amounts.items()])
    return StagedDay(external_id, department.pk if department else None, date, state, total, total, 1, 1, text)


@transaction.atomic
def bring(till: Connection, dates: list[dt.date], *days: StagedDay, **options: object) -> int:
    changes = store_observations(till, dates, days, run=None, **options)  # type: ignore[arg-type]
    return changes.rows + publish(till, dates, run=None, withdraw=not changes.fresh)


def day(department: Department, date: dt.date = DAY) -> SalesSummary:
    return SalesSummary.objects.get(department=department, date=date)


def test_the_same_input_twice_writes_nothing_the_second_time(till):
    cafe = department_at(till, "cafe")
    rows = observed("cafe", cafe, DAY, {9: "1200.1", 10: "0.3333"})
    assert bring(till, [DAY], rows) == 4
    before = SalesSummary.objects.values().get(), list(SalesByHour.objects.order_by("pk").values())
    assert bring(till, [DAY], rows) == 0
    assert before == (SalesSummary.objects.values().get(), list(SalesByHour.objects.order_by("pk").values()))


def test_a_vanished_hour_goes_and_the_day_is_restated(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100", 23: "50"}))
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100"}))
    assert day(cafe).total_sales == 100
    assert day(cafe).state == DayState.RESTATED
    assert list(SalesByHour.objects.values_list("hour", flat=True)) == [9]


def figures(restatement: Restatement) -> tuple[int | None, Decimal | None, Decimal | None]:
    return restatement.hour, restatement.old_total, restatement.new_total


def test_every_changed_cell_keeps_its_old_value_and_its_new_one(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100", 10: "5", 23: "50"}))
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100", 10: "7", 22: "1"}))
    kept = {figures(row) for row in Restatement.objects.filter(department=cafe, date=DAY)}
    assert kept == {(10, 5, 7), (22, None, 1), (23, 50, None), (None, 155, 108)}


def test_a_department_that_is_gone_from_a_date_leaves_its_old_figures_as_restatements(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100"}))
    bring(till, [DAY])
    assert not SalesSummary.objects.exists()
    assert {figures(row) for row in Restatement.objects.all()} == {(9, 100, None), (None, 100, None)}


@pytest.mark.postgres
def test_old_statistics_do_not_make_a_day_be_looked_for_once_per_row(till):
    """Of a table that was emptied and analysed PostgreSQL believes that one row stands there."""
    cafes = {name: department_at(till, name) for name in ("cafe", "bar", "kiosk")}
    dates = [DAY - dt.timedelta(days=back) for back in range(60)]
    hours = dict.fromkeys(range(8, 22), "10")
    every = [observed(name, cafe, date, hours) for name, cafe in cafes.items() for date in dates]
    bring(till, dates, *every)
    SalesByHour.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sales_by_hour")
    publish(till, dates, run=None)
    rows = SalesByHour.objects.count()

    before = hours_read()
    bring(till, [DAY], *(observed(name, cafe, DAY, {9: "10"}) for name, cafe in cafes.items()))
    assert hours_read() - before < 10 * rows


def hours_read() -> int:
    """Rows of sales by the hour that this transaction has read, one after another or by an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'sales_by_hour'"
        )
        return int(cursor.fetchone()[0])


def test_a_day_that_grows_while_its_shift_is_open_is_not_restated(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100"}, DayState.OPEN_SHIFT))
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100", 10: "20"}))
    assert (day(cafe).state, day(cafe).total_sales) == (DayState.COMPLETE, 120)
    assert not Restatement.objects.exists()


def test_the_state_of_an_observation_is_the_state_of_the_day_even_if_no_figure_changes(till):
    cafe = department_at(till, "cafe")
    for state in (DayState.COMPLETE, DayState.SUSPICIOUS, DayState.COMPLETE):
        bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100"}, state))
        assert day(cafe).state == state
    assert not Restatement.objects.exists()


def test_other_dates_stay_bit_identical(till):
    cafe = department_at(till, "cafe")
    bring(till, [DAY, NEXT], observed("cafe", cafe, DAY, {9: "100"}), observed("cafe", cafe, NEXT, {9: "70"}))
    before = SalesSummary.objects.values().get(date=NEXT)
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "101"}))
    assert SalesSummary.objects.values().get(date=NEXT) == before


def test_a_limited_load_touches_only_its_department(till):
    cafe, bar = department_at(till, "cafe"), department_at(till, "bar")
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100"}), observed("bar", bar, DAY, {22: "900"}))
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "1"}), only={"cafe"})
    assert (day(cafe).total_sales, day(bar).total_sales) == (1, 900)


def test_without_authority_an_observation_is_a_check_and_not_published(till):
    cafe = department_at(till, "cafe", authority=False)
    bring(till, [DAY], observed("cafe", cafe, DAY, {9: "100"}))
    assert ObservedDay.objects.count() == 1
    assert not SalesSummary.objects.exists()


def test_what_a_person_deleted_stands_in_the_log_with_who_and_so_does_its_return(till):
    cafe, anna = department_at(till, "cafe"), User.objects.create_user("anna")
    rows = observed("cafe", cafe, DAY, {9: "1200.1", 10: "0.3333"})
    bring(till, [DAY], rows)
    delete_day(day(cafe), by=anna)
    gone = dict(Restatement.objects.filter(by=anna, new_total=None).values_list("hour", "old_total"))
    assert gone == {None: Decimal("1200.4333"), 9: Decimal("1200.1"), 10: Decimal("0.3333")}
    assert {row.who for row in Restatement.objects.all()} == {"anna"}
    delete_day(day(cafe), by=anna)  # nothing more is there to take away
    assert Restatement.objects.count() == 3
    bring(till, [DAY], rows)
    back = dict(Restatement.objects.filter(old_total=None).values_list("hour", "new_total"))
    assert back == gone
    assert (day(cafe).state, day(cafe).deleted_by) == (DayState.COMPLETE, None)


def test_authority_changes_hands_on_its_date(till):
    cafe = department_at(till, "cafe")
    other = Connection.objects.create(organisation=till.organisation, name="other", url="http://other.test")
    Authority.objects.create(organisation=till.organisation, department=cafe, connection=other, from_date=NEXT)
    for source, amount in ((till, "100"), (other, "7")):
        bring(source, [DAY, NEXT], observed("x", cafe, DAY, {9: amount}), observed("x", cafe, NEXT, {9: amount}))
    assert (day(cafe).total_sales, day(cafe, NEXT).total_sales) == (100, 7)


def test_sales_of_an_unknown_department_wait_for_it(till):
    bring(till, [DAY], observed("new", None, DAY, {9: "100", 10: "20"}))
    assert not SalesSummary.objects.exists()
    cafe = department_at(till, "new")
    with transaction.atomic():
        adopt(till, ["new"])
    assert day(cafe).total_sales == 120
    assert SalesByHour.objects.filter(department=cafe).count() == 2


def test_a_department_that_changed_its_id_at_the_source_is_the_sum_of_both(till):
    cafe = department_at(till, "old")
    SourceDepartment.objects.create(organisation=till.organisation, connection=till, external_id="new", department=cafe)
    bring(till, [DAY], observed("old", cafe, DAY, {9: "0.1", 10: "5"}), observed("new", cafe, DAY, {9: "0.2"}))
    assert day(cafe).total_sales == Decimal("5.3")
    assert dict(SalesByHour.objects.values_list("hour", "sales_amount")) == {9: Decimal("0.3"), 10: Decimal(5)}


def test_total_sales_follow_the_measure_of_the_connection(till):
    till.measure = "gross"
    till.save()
    cafe = department_at(till, "cafe")
    bring(till, [DAY], StagedDay("cafe", cafe.pk, DAY, DayState.COMPLETE, Decimal(90), Decimal(100), 1, 1, "[]"))
    assert (day(cafe).total_sales, day(cafe).revenue) == (100, 90)


def test_ids_with_tabs_and_backslashes_survive_the_way_into_the_database(till):
    strange = "a\tb\\N\nc"
    cafe = department_at(till, strange)
    bring(till, [DAY], observed(strange, cafe, DAY, {9: "5"}))
    assert ObservedDay.objects.get().external_id == strange


money = st.decimals(min_value=-(10**9), max_value=10**9, places=4)
days = st.dictionaries(st.integers(0, 23), money, min_size=1)


@given(first=days, second=days)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_hours_add_up_to_the_day_to_the_last_place_whatever_replaces_what(till, first, second):
    department = department_at(till, uuid.uuid4().hex)
    external_id = department.name
    for hours in (first, second):
        texts = {hour: str(amount) for hour, amount in hours.items()}
        bring(till, [DAY], observed(external_id, department, DAY, texts), only={external_id})
    published = SalesByHour.objects.filter(department=department)
    assert dict(published.values_list("hour", "sales_amount")) == second
    assert day(department).total_sales == sum(second.values(), Decimal(0))
    assert published.totals(dict.fromkeys([department.pk], "KZT"), "sales_amount")["sums"] == {
        "KZT": sum(second.values(), Decimal(0))
    }
