"""Which branches have sales, and which have none."""

import pytest

from departments.models import Department
from sales.models import SalesSummary
from tests.reading import reader, rows
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PATH = "/api/sales/coverage"


@pytest.fixture
def kiosk(world: World) -> Department:
    """Opened, and nothing was ever loaded."""
    return Department.objects.create(organisation=world.organisation, parent=world.coffee_company, name="Kiosk")


def test_from_when_to_when_there_are_figures(world: World, kiosk):
    SalesSummary.objects.filter(department=world.bakery, date=world.days[-1]).update(total_sales=None)
    answer = {row["name"]: row for row in world.client("analyst").get(PATH).json()}
    assert set(answer) == {"Cafe on Abay", "Bar 22", "Bakery", "Kiosk"}
    assert (answer["Cafe on Abay"]["first_date"], answer["Cafe on Abay"]["last_date"]) == (
        str(world.days[0]),
        str(world.days[-1]),
    )
    assert answer["Bakery"]["last_date"] == str(world.days[-2])
    assert (answer["Kiosk"]["has_data"], answer["Kiosk"]["first_date"]) == (False, None)


def test_with_and_without(world: World, kiosk):
    analyst = world.client("analyst")
    assert [row["name"] for row in analyst.get(f"{PATH}?has_data=false").json()] == ["Kiosk"]
    assert len(analyst.get(f"{PATH}?has_data=true&page_size=2").json()["results"]) == 2
    assert [row["name"] for row in world.client("staff").get(PATH).json()] == ["Cafe on Abay"]


def test_the_list_of_departments_is_narrowed_to_them(world: World, kiosk):
    administrator = reader(world, "administrator")
    for asked, found in (("1", 3), ("0", 1), ("x", 6)):
        assert len(rows(administrator.get("/admin/departments/department/", {"sales": asked}))) == found, asked
