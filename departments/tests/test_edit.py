"""Departments written through the API: by whom, within what they see, and never against the source by mistake."""

import pytest

from departments.models import Change, Connection, Department, SourceDepartment
from departments.sync import store_departments
from sources.iiko.types import RemoteDepartment
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LIST = "/api/departments/"
JSON = "application/json"


@pytest.fixture
def till(world: World) -> Connection:
    till = Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    SourceDepartment.objects.create(
        organisation=world.organisation, connection=till, external_id=str(world.cafe.pk), department=world.cafe
    )
    return till


def codes(response, status):
    assert response.status_code == status, response.content
    return [(error["attr"], error["code"]) for error in response.json()["errors"]]


def test_a_department_is_added_changed_and_deleted(world: World):
    administrator = world.client("administrator")
    body = {
        "name": "Kiosk", "parent_id": str(world.coffee_company.pk), "segment_type": "coffeehouse", "code_tco": "17",
        "season_start_date": "2026-05-01", "season_end_date": "2026-09-30", "time_zone": "Asia/Aqtau", "currency": "EUR",
        "opened_on": "2026-05-01",
    }  # fmt: skip
    made = administrator.post(LIST, body, JSON)
    assert made.status_code == 201, made.content
    address = made["Location"]
    assert made.json().items() >= body.items()
    assert administrator.get(address).json() == made.json()
    patched = administrator.patch(address, {"segment_type": "bakery", "is_active": False}, JSON).json()
    assert (patched["segment_type"], patched["is_active"], patched["currency"]) == ("bakery", False, "EUR")
    put = administrator.put(address, {"name": "Kiosk 2"}, JSON).json()
    assert (put["name"], put["parent_id"], put["segment_type"], put["currency"]) == ("Kiosk 2", None, "restaurant", "")
    gone = administrator.delete(address)
    assert (gone.status_code, gone.json()["status"]) == (200, "deleted")
    assert administrator.get(address).status_code == 404
    history = list(Change.objects.order_by("id").values_list("what", "name", "by__username"))
    assert history == [
        ("added", "Kiosk", "administrator"),
        ("changed", "Kiosk", "administrator"),
        ("changed", "Kiosk 2", "administrator"),
        ("deleted", "Kiosk 2", "administrator"),
    ]
    assert Change.objects.order_by("id")[1].after == {"segment_type": "bakery", "is_active": False}


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({}, "name", "required"),
        ({"name": ""}, "name", "blank"),
        ({"name": "x", "segment_type": "pub"}, "segment_type", "invalid_choice"),
        ({"name": "x", "time_zone": "Almaty"}, "time_zone", "time_zone"),
        ({"name": "x", "currency": "eur"}, "currency", "currency"),
        ({"name": "x", "opened_on": "2026-02-02", "closed_on": "2026-02-01"}, "closed_on", "reversed"),
        ({"name": "x", "season_start_date": "2026-02-02", "season_end_date": "2026-02-01"}, "season_end_date", "reversed"),
        ({"name": "x", "parent_id": "00000000-0000-0000-0000-000000000001"}, "parent_id", "does_not_exist"),
        ({"name": "x", "opened_on": "01.02.2026"}, "opened_on", "invalid"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(world: World, body, attr, code):
    assert codes(world.client("administrator").post(LIST, body, JSON), 400) == [(attr, code)]
    assert Department.objects.count() == 6


def test_the_tree_does_not_bite_its_tail(world: World):
    administrator = world.client("administrator")
    for child in (world.coffee_company, world.cafe):
        answer = administrator.patch(f"{LIST}{world.coffee_company.pk}", {"parent_id": str(child.pk)}, JSON)
        assert codes(answer, 400) == [("parent_id", "cycle")]


def test_what_a_source_says_is_overwritten_only_by_who_says_so(world: World, till):
    administrator, address = world.client("administrator"), f"{LIST}{world.cafe.pk}"
    assert codes(administrator.patch(address, {"name": "Ours"}, JSON), 400) == [("name", "owned_by_source")]
    assert administrator.patch(address, {"name": "Cafe on Abay", "code_tco": "5"}, JSON).status_code == 200
    assert administrator.patch(address, {"name": "Ours", "overridden": ["name"]}, JSON).json()["name"] == "Ours"
    remote = RemoteDepartment(
        external_id=str(world.cafe.pk), parent_id=None, name="CAFE", type="DEPARTMENT", code="9", taxpayer_id="77"
    )
    store_departments(till, [remote])
    world.cafe.refresh_from_db()
    assert (world.cafe.name, world.cafe.code) == ("Ours", "9")
    assert administrator.patch(address, {"overridden": []}, JSON).status_code == 200
    store_departments(till, [remote])
    world.cafe.refresh_from_db()
    assert world.cafe.name == "CAFE"


def test_a_department_with_sales_or_a_source_or_others_below_it_is_kept(world: World, till):
    administrator = world.client("administrator")
    empty = Department.objects.create(organisation=world.organisation, name="Empty")
    SourceDepartment.objects.create(organisation=world.organisation, connection=till, external_id="e", department=empty)
    for department, code, word in (
        (world.bakery, "department_has_rows", "daily sales"),
        (empty, "department_at_source", "till 1"),
        (world.coffee_company, "department_has_children", "2"),
    ):
        answer = administrator.delete(f"{LIST}{department.pk}")
        assert codes(answer, 409) == [(None, code)]
        answer = world.client("administrator").delete(f"{LIST}{department.pk}", headers={"accept-language": "en"})
        assert word in answer.json()["errors"][0]["detail"]
        assert Department.objects.filter(pk=department.pk).exists()


def test_only_within_what_one_sees(world: World):
    world.administrator.memberships.update(all_departments=False)
    world.administrator.memberships.get().scopes.create(department=world.coffee_company)
    narrow = world.client("administrator")
    assert codes(narrow.post(LIST, {"name": "x"}, JSON), 400) == [("parent_id", "required")]
    below = {"name": "x", "parent_id": str(world.bread_company.pk)}
    assert codes(narrow.post(LIST, below, JSON), 400) == [("parent_id", "does_not_exist")]
    assert narrow.post(LIST, {"name": "x", "parent_id": str(world.coffee_company.pk)}, JSON).status_code == 201
    for method in (narrow.put, narrow.patch):
        assert method(f"{LIST}{world.bakery.pk}", {"name": "x"}, JSON).status_code == 404
    assert narrow.delete(f"{LIST}{world.foreign.pk}").status_code == 404


def test_types_and_segments_are_counted_of_what_one_sees(world: World):
    counted = world.client("manager").get(f"{LIST}statistics", headers={"accept-language": "en"}).json()
    assert (counted["departments"], counted["selling"]) == (2, 2)
    assert counted["types"] == [{"type": "DEPARTMENT", "title": "branch", "departments": 2, "active": 2}]
    assert [(row["segment_type"], row["departments"]) for row in counted["segments"]] == [
        ("bar", 1),
        ("coffeehouse", 1),
    ]
    assert world.client("analyst").get(f"{LIST}statistics").json()["departments"] == 5
