"""All restatements on one page: filters, coloured differences, and only of one's own branches."""

from decimal import Decimal

import pytest

from runs.models import Run
from sales.models import Restatement
from tests.reading import content, reader, rows
from tests.world import World, restate

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LIST = "/admin/sales/restatement/"


@pytest.fixture
def log(world: World) -> None:
    """The cafe sold 1.7 % more than told, the bar a half less, the bakery something in an hour of its own."""
    run = Run.objects.create(organisation=world.organisation, kind="load_connection", started_by=world.manager)
    restate(world.cafe, world.days[1], by=Decimal("1000.50"), run=run)
    restate(world.bar, world.days[2], by=Decimal("-60001.25"), run=run)
    restate(world.bakery, world.days[3], by=Decimal("0.01"), run=run)
    restate(world.foreign, world.days[3], by=Decimal(7))


def test_days_newest_change_first_with_the_way_to_the_day(world: World, log):
    page = reader(world, "analyst").get(LIST)
    bakery, bar, cafe = rows(page)
    assert "Bakery" in bakery and "Bar 22" in bar
    assert f"{world.days[1]:%d.%m.%Y} Cafe on Abay day 60 000.75 61 001.25 +1 000.50 manager" in cafe
    assert f"/admin/sales/salessummary/day/{world.cafe.pk}/{world.days[1]}/" in page.content.decode()
    assert page.content.decode().count("sf-figure sf-down") == 1


def test_hours_are_shown_on_demand(world: World, log):
    assert len(rows(reader(world, "analyst").get(LIST, {"hours": "shown"}))) == 6
    assert "13:00" in content(reader(world, "analyst").get(LIST, {"hours": "shown"}))


@pytest.mark.parametrize(("size", "found"), [("1", {"cafe", "bar"}), ("5", {"bar"}), ("50", {"bar"}), ("x", None)])
def test_by_size_of_the_change(world: World, log, size, found):
    lines = rows(reader(world, "analyst").get(LIST, {"size": size}))
    names = {"cafe": "Cafe on Abay", "bar": "Bar 22", "bakery": "Bakery"}
    assert {key for key, name in names.items() if any(name in line for line in lines)} == (found or set(names))


def test_what_appeared_or_vanished_is_large_and_what_stayed_is_not(world: World, log):
    Restatement.objects.filter(department=world.bakery).update(old_total=None)
    Restatement.objects.filter(department=world.cafe).update(new_total=0, old_total=0)
    lines = " ".join(rows(reader(world, "analyst").get(LIST, {"size": "50"})))
    assert "Bakery" in lines and "Cafe" not in lines


def test_by_department_and_date(world: World, log):
    analyst = reader(world, "analyst")
    (line,) = rows(analyst.get(LIST, {"department__id__exact": str(world.bar.pk)}))
    assert "Bar 22" in line
    (line,) = rows(analyst.get(LIST, {"date_from": str(world.days[3]), "date_to": str(world.days[3])}))
    assert "Bakery" in line


def test_a_person_sees_nothing_of_other_branches(world: World, log):
    lines = " ".join(rows(reader(world, "manager").get(LIST, {"hours": "shown"})))
    assert "Cafe" in lines and "Bar 22" in lines and "Bakery" not in lines and "Foreign" not in lines
    assert "Cafe" in content(reader(world, "staff").get(LIST)) and "Bar 22" not in content(
        reader(world, "staff").get(LIST)
    )
    theirs = Restatement.objects.filter(department=world.bakery).first()
    assert reader(world, "manager").get(f"{LIST}{theirs.pk}/change/").status_code == 404
    world.staff.memberships.all().delete()
    assert reader(world, "staff").get(LIST).status_code == 403


def test_nobody_changes_the_log(world: World, log):
    row = Restatement.objects.filter(department=world.cafe).first()
    administrator = reader(world, "administrator")
    assert administrator.get(f"{LIST}add/").status_code == 403
    assert administrator.post(f"{LIST}{row.pk}/change/", {}).status_code == 403
    assert administrator.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_more_rows_are_no_more_queries(world: World, log, django_assert_max_num_queries):
    for day in world.days[4:]:
        restate(world.cafe, day, by=Decimal(1), run=Run.objects.first())
    analyst = reader(world, "analyst")
    analyst.get(LIST)
    with django_assert_max_num_queries(14):
        analyst.get(LIST)
