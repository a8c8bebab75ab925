"""Daily and hourly sales on the screen: filters, exact totals, nothing that is not the reader's."""

import datetime as dt
from decimal import Decimal

import pytest

from accounts.formats import amount, exact
from sales.models import SalesByHour, SalesSummary
from tests.reading import content, reader, rows, words
from tests.world import World, sell

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
DAYS = "/admin/sales/salessummary/"
HOURS = "/admin/sales/salesbyhour/"


def total(rows_of: object, measure: str) -> Decimal:
    return sum((value for value in rows_of.values_list(measure, flat=True) if value is not None), Decimal(0))


@pytest.mark.parametrize(
    ("path", "model", "measure"), [(DAYS, SalesSummary, "total_sales"), (HOURS, SalesByHour, "sales_amount")]
)
def test_the_total_is_the_exact_sum_of_the_selection(world: World, path, model, measure):
    mine = model.objects.filter(department__in=world.departments)
    text = content(reader(world, "analyst").get(path))
    assert f"Sum of the selection, KZT {words(exact(total(mine, measure)))} Rows {mine.count()}" in text
    one = f"{world.days[2]:%d.%m.%Y}"
    text = content(reader(world, "analyst").get(path, {"date_from": one, "date_to": one}))
    day = mine.filter(date=world.days[2])
    assert f"Sum of the selection, KZT {words(exact(total(day, measure)))} Rows {day.count()}" in text


def test_a_date_may_be_written_as_the_language_writes_it_or_as_iso(world: World):
    for written in (f"{world.days[5]:%d.%m.%Y}", world.days[5].isoformat()):
        found = rows(reader(world, "analyst", "ru").get(DAYS, {"date_from": written}))
        assert {row.split()[0] for row in found} == {f"{day:%d.%m.%Y}" for day in world.days[5:]}


def test_a_date_that_is_none_shows_nothing_and_says_so(world: World):
    page = reader(world, "analyst").get(DAYS, {"date_from": "31.02.2026"})
    assert "Enter a valid date" in words(page.content.decode())
    assert "Rows 0" in content(page)


def test_filters_by_department_segment_and_state(world: World):
    analyst = reader(world, "analyst")
    only_bar = rows(analyst.get(DAYS, {"department__id__exact": str(world.bar.pk)}))
    assert len(only_bar) == 7 and all("Bar 22" in row for row in only_bar)
    assert all("Bakery" in row for row in rows(analyst.get(DAYS, {"department__segment_type__exact": "bakery"})))
    (suspicious,) = rows(analyst.get(DAYS, {"state__exact": "suspicious"}))
    assert "Bar 22" in suspicious and "suspicious" in suspicious
    assert all("13:00" in row for row in rows(analyst.get(HOURS, {"hour": "13"})))


def test_amounts_are_rounded_grouped_and_without_a_currency_sign(world: World):
    day = SalesSummary.objects.get(department=world.cafe, date=world.days[0])
    page = reader(world, "analyst").get(DAYS, {"department__id__exact": str(world.cafe.pk)})
    (row,) = [row for row in rows(page) if f"{world.days[0]:%d.%m.%Y}" in row]
    assert words(amount(day.total_sales)) in row and "KZT" not in row and "₸" not in row
    assert exact(day.total_sales) in page.content.decode()


def test_an_unknown_amount_is_a_dash_and_never_a_zero(world: World):
    (row,) = rows(reader(world, "analyst").get(DAYS, {"state__exact": "missing"}))
    assert "—" in row and " 0 " not in row


@pytest.mark.parametrize("path", [DAYS, HOURS])
def test_a_manager_sees_own_departments_in_rows_totals_and_filters(world: World, path):
    text = content(reader(world, "manager").get(path))
    assert "Cafe on Abay" in text and "Bakery" not in text and "Foreign cafe" not in text
    page = reader(world, "manager").get(path, {"department__id__exact": str(world.bakery.pk)})
    assert "Rows 0" in content(page)
    offered = reader(world, "manager").get(
        "/admin/autocomplete/", {"app_label": "sales", "model_name": "salessummary", "field_name": "department"}
    )
    assert {row["text"] for row in offered.json()["results"]} == {"Cafe on Abay", "Bar 22"}


@pytest.mark.parametrize("path", [DAYS, HOURS])
def test_staff_reads_and_changes_nothing(world: World, path):
    staff = reader(world, "staff")
    model = SalesSummary if path == DAYS else SalesByHour
    row = model.objects.filter(department=world.cafe).first()
    assert staff.get(f"{path}add/").status_code == 403
    assert staff.post(f"{path}{row.pk}/change/", {"state": "complete"}).status_code == 403
    assert staff.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    staff.post(path, {"action": "delete_figures", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert getattr(row, "total_sales", None) or getattr(row, "sales_amount", None)


def test_an_administrator_takes_a_day_away_with_its_hours(world: World):
    day = SalesSummary.objects.get(department=world.cafe, date=world.days[0])
    reader(world, "administrator").post(DAYS, {"action": "delete_figures", "_selected_action": [day.pk]})
    day.refresh_from_db()
    assert (day.state, day.total_sales, day.deleted_by) == ("missing", None, world.administrator)
    assert not SalesByHour.objects.filter(department=world.cafe, date=world.days[0]).exists()


def test_large_tables_are_not_counted_a_second_time(world: World, django_assert_max_num_queries):
    analyst = reader(world, "analyst")
    analyst.get(DAYS)
    with django_assert_max_num_queries(16):
        analyst.get(DAYS)


def test_hours_open_on_the_newest_two_weeks_and_older_ones_are_asked_for(world: World):
    old = world.today - dt.timedelta(days=60)
    sell(world.cafe, [old])
    analyst = reader(world, "analyst")
    opened = analyst.get(HOURS)
    assert f"{old:%d.%m.%Y}" not in content(opened) and f"{world.days[0]:%d.%m.%Y}" in content(opened)
    assert f'value="{world.today - dt.timedelta(days=14):%d.%m.%Y}"' in opened.content.decode()
    assert len(rows(analyst.get(HOURS, {"date_to": f"{old:%d.%m.%Y}"}))) == 3


def test_an_empty_list_offers_nothing_that_its_reader_may_not_do(world: World):
    SalesSummary.objects.all().delete()
    text = content(reader(world, "analyst").get(DAYS))
    assert "Nothing yet." in text and "new item" not in text and "Add " not in text
    filtered = content(reader(world, "analyst").get(DAYS, {"state__exact": "complete"}))
    assert "Nothing fits the filters." in filtered and "Show all" in filtered
