"""Departments and their calendar on the screen."""

import pytest
from django.test import Client

from accounts.models import User
from departments.models import Authority, Change, Closure, Connection, Department, Event, Holiday, SourceDepartment
from tests.reading import content, reader, rows, words
from tests.world import World

pytestmark = pytest.mark.django_db
LIST = "/admin/departments/department/"


@pytest.fixture
def till(world: World) -> Connection:
    till = Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")
    SourceDepartment.objects.create(
        organisation=world.organisation, connection=till, external_id="e-1", department=world.cafe, name="CAFE"
    )
    return till


def test_search_and_filters(world: World, till):
    administrator = reader(world, "administrator")
    assert len(rows(administrator.get(LIST))) == 5
    for asked, expected in (
        ({"q": "abay"}, {"Cafe on Abay"}),
        ({"type": "JURPERSON"}, {"Coffee LLP", "Bread LLP"}),
        ({"segment_type__exact": "bar"}, {"Bar 22"}),
        ({"connection": str(till.pk)}, {"Cafe on Abay"}),
        ({"is_active__exact": "0"}, set()),
    ):
        found = rows(administrator.get(LIST, asked), 'id="result_list"')
        assert {
            name
            for name in ("Cafe on Abay", "Bar 22", "Bakery", "Coffee LLP", "Bread LLP")
            if any(row.startswith(f"{name}") for row in found)
        } == expected, asked


def test_what_the_source_says_is_shown_and_what_people_say_is_changed(world: World, till):
    page = reader(world, "administrator").get(f"{LIST}{world.cafe.pk}/change/")
    html = page.content.decode()
    assert 'name="name"' not in html and "e-1" in html
    asked = {
        "organisation": str(world.organisation.pk),
        "segment_type": "restaurant",
        "is_active": "on",
        "sources-TOTAL_FORMS": "0",
        "sources-INITIAL_FORMS": "0",
        "authorities-TOTAL_FORMS": "1",
        "authorities-INITIAL_FORMS": "0",
        "authorities-0-connection": str(till.pk),
        "authorities-0-from_date": "01.01.2026",
        "name": "renamed",
    }
    response = reader(world, "administrator").post(f"{LIST}{world.cafe.pk}/change/", asked)
    assert response.status_code == 302, words(response.content.decode())
    world.cafe.refresh_from_db()
    assert (world.cafe.segment_type, world.cafe.name) == ("restaurant", "Cafe on Abay")
    assert Authority.objects.get(department=world.cafe).organisation == world.organisation


def test_a_department_with_a_history_at_a_source_is_deleted_by_nobody(world: World, till):
    root = Client()
    root.force_login(User.objects.create_superuser("root", password="x"), backend="accounts.backends.RoleBackend")
    for client in (root, reader(world, "administrator")):
        assert client.post(f"{LIST}{world.cafe.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(LIST, {"action": "delete_selected", "_selected_action": [str(world.cafe.pk)], "post": "yes"})
    assert Department.objects.filter(pk=world.cafe.pk).exists()


def test_a_manager_looks_at_own_departments_and_changes_none(world: World, till):
    manager = reader(world, "manager")
    assert len(rows(manager.get(LIST), 'id="result_list"')) == 2
    assert manager.get(f"{LIST}{world.bakery.pk}/change/").status_code == 302
    assert manager.post(f"{LIST}{world.cafe.pk}/change/", {"segment_type": "bar"}).status_code == 403


def test_holidays_closures_and_events_are_kept_by_administrators(world: World):
    administrator = reader(world, "administrator")
    common = {"organisation": str(world.organisation.pk), "known_from": "01.01.2026"}
    administrator.post(
        "/admin/departments/holiday/add/",
        {**common, "date": "22.03.2027", "key": "Nowruz", "name": "Наурыз", "effect": "feast"},
    )
    administrator.post(
        "/admin/departments/closure/add/",
        {**common, "department": str(world.cafe.pk), "first": "01.12.2026", "reason": "repairs"},
    )
    administrator.post(
        "/admin/departments/event/add/",
        {**common, "kind": "promo", "name": "2 for 1", "first": "01.12.2026", "last": "03.12.2026", "strength": "1"},
    )
    assert Holiday.objects.get().organisation == world.organisation
    assert Closure.objects.get().department == world.cafe
    assert Event.objects.get().created_by == world.administrator
    again = {**common, "date": "22.03.2027", "key": "Nowruz", "name": "twice", "effect": "feast"}
    assert "already exists" in words(administrator.post("/admin/departments/holiday/add/", again).content.decode())
    foreign = {**common, "department": str(world.foreign.pk), "first": "01.12.2026"}
    assert administrator.post("/admin/departments/closure/add/", foreign).status_code == 200
    assert Closure.objects.count() == 1
    assert reader(world, "analyst").get("/admin/departments/holiday/").status_code == 200
    assert reader(world, "analyst").get("/admin/departments/holiday/add/").status_code == 403
    assert "Наурыз" not in reader(world, "stranger").get("/admin/departments/holiday/").content.decode()


def test_the_tree_shows_what_one_sees_below_what_one_sees(world: World):
    tree = content(reader(world, "administrator").get(f"{LIST}tree/"))
    assert (
        tree.index("Bread LLP")
        < tree.index("Bakery branch, bakery")
        < tree.index("Coffee LLP legal entity, 2 branches")
    )
    manager = content(reader(world, "manager").get(f"{LIST}tree/"))
    assert "Cafe on Abay" in manager and "Bar 22" in manager
    assert "Bakery" not in manager and "LLP" not in manager


def test_types_are_counted_above_the_list(world: World):
    assert "legal entity 2" in content(reader(world, "administrator").get(LIST))
    assert "legal entity" not in content(reader(world, "manager").get(LIST))


def test_a_name_kept_by_hand_is_written_on_the_page(world: World, till):
    administrator, address = reader(world, "administrator"), f"{LIST}{world.cafe.pk}/change/"
    asked = {
        "organisation": str(world.organisation.pk),
        "segment_type": "coffeehouse",
        "is_active": "on",
        "sources-TOTAL_FORMS": "0",
        "sources-INITIAL_FORMS": "0",
        "authorities-TOTAL_FORMS": "0",
        "authorities-INITIAL_FORMS": "0",
        "overridden": ["name"],
    }
    assert administrator.post(address, asked).status_code == 302
    page = administrator.get(address).content.decode()
    assert 'name="name"' in page and 'name="code"' not in page
    assert administrator.post(address, asked | {"name": "Ours"}).status_code == 302
    assert Department.objects.get(pk=world.cafe.pk).name == "Ours"
    history = content(administrator.get("/admin/departments/change/"))
    assert "Cafe on Abay → Ours" in history and "administrator" in history


def test_who_changed_what_of_the_calendar_is_kept(world: World):
    administrator = reader(world, "administrator")
    asked = {
        "organisation": str(world.organisation.pk), "date": "22.03.2027", "key": "Nowruz", "name": "<b>Nauryz</b>",
        "effect": "feast", "known_from": "01.01.2026",
    }  # fmt: skip
    administrator.post("/admin/departments/holiday/add/", asked)
    pk = Holiday.objects.get().pk
    administrator.post(f"/admin/departments/holiday/{pk}/change/", asked | {"date": "23.03.2027"})
    administrator.post(f"/admin/departments/holiday/{pk}/delete/", {"post": "yes"})
    page = administrator.get("/admin/departments/change/")
    assert "22.03.2027 → 23.03.2027" in content(page) and b"<b>Nauryz" not in page.content
    assert [change.what for change in Change.objects.order_by("id")] == ["added", "changed", "deleted"]
    assert reader(world, "analyst").get("/admin/departments/change/").status_code == 403
    assert "Nauryz" not in content(reader(world, "stranger").get("/admin/departments/change/"))


def test_only_a_connection_of_ones_own_is_given_authority(world: World):
    foreign = Connection.objects.create(organisation=world.other_organisation, name="theirs", url="http://x.example")
    asked = {
        "organisation": str(world.organisation.pk),
        "segment_type": "coffeehouse",
        "name": "Cafe on Abay",
        "type": "DEPARTMENT",
        "sources-TOTAL_FORMS": "0",
        "sources-INITIAL_FORMS": "0",
        "authorities-TOTAL_FORMS": "1",
        "authorities-INITIAL_FORMS": "0",
        "authorities-0-connection": str(foreign.pk),
        "authorities-0-from_date": "01.01.2026",
    }
    page = reader(world, "administrator").post(f"{LIST}{world.cafe.pk}/change/", asked)
    assert page.status_code == 200 and not Authority.objects.exists()
    assert "theirs" not in content(page)
