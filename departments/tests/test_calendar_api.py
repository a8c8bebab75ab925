"""The calendar over HTTP: what the pages can do, by the same rights, and never of a branch one does not see."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.keys import create_api_key
from accounts.models import Membership
from accounts.roles import Role
from departments.models import Change, Closure, Event, Holiday
from departments.scopes import limit_to
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
CALENDAR = "/api/calendar"


@pytest.fixture
def administrator(world: World):
    return Asking(world.client("administrator"))


@pytest.fixture
def some(world: World):
    """An administrator's key that sees the café and the bar only."""
    row, key = create_api_key(
        organisation=world.organisation, name="some", role=Role.ADMINISTRATOR, all_departments=False
    )
    limit_to(Membership.objects.get(user=row.user), [world.cafe, world.bar])
    return Asking(world.api(key))


class Asking:
    def __init__(self, client):
        self.client = client

    def __call__(self, method, path, **body):
        more = {"data": json.dumps(body), "content_type": "application/json"} if body else {}
        return self.client.generic(method, f"{CALENDAR}/{path}", headers={"accept-language": "en"}, **more)

    def file(self, text: str):
        upload = SimpleUploadedFile("calendar.csv", text.encode(), "text/csv")
        return self.client.post(f"{CALENDAR}/import", {"file": upload}, headers={"accept-language": "en"})


def test_a_holiday_from_its_first_day_to_its_last(world: World, administrator):
    made = administrator("POST", "holidays", date="2026-03-21", name="Nauryz")
    assert made.status_code == 201 and made["Location"] == f"{CALENDAR}/holidays/{made.json()['id']}"
    assert made.json() | {"id": 0} == {
        "id": 0, "date": "2026-03-21", "key": "Nauryz", "name": "Nauryz", "effect": "feast", "known_from": None,
    }  # fmt: skip
    path = f"holidays/{made.json()['id']}"
    assert administrator("PATCH", path, effect="day_off", known_from="2026-03-01").json()["effect"] == "day_off"
    assert administrator("GET", path).json()["known_from"] == "2026-03-01"
    replaced = administrator("PUT", path, date="2026-03-22", name="Nauryz").json()
    assert (replaced["date"], replaced["effect"], replaced["known_from"]) == ("2026-03-22", "feast", "2026-03-01")
    assert administrator("DELETE", path).json()["status"] == "deleted"
    assert not Holiday.objects.exists()
    kinds = list(Change.objects.order_by("id").values_list("kind", "what", "by"))
    assert kinds == [("holiday", what, world.administrator.pk) for what in ("added", "changed", "changed", "deleted")]


def test_the_same_feast_twice_is_refused(administrator):
    administrator("POST", "holidays", date="2026-03-21", name="Nauryz")
    answer = administrator("POST", "holidays", date="2026-03-21", name="Nauryz")
    assert (answer.status_code, Holiday.objects.count()) == (400, 1)


def test_closures_and_events_touch_the_days_asked_for(world: World, administrator):
    cafe = {"department_id": str(world.cafe.pk)}
    administrator("POST", "closures", first="2026-03-01", last="2026-03-05", reason="repairs", **cafe)
    administrator("POST", "closures", first="2026-04-01", **cafe)
    administrator("POST", "events", first="2026-03-05", last="2026-03-06", name="Coffee week")
    days = "from_date=2026-03-05&to_date=2026-03-31"
    assert [row["reason"] for row in administrator("GET", f"closures?{days}").json()] == ["repairs"]
    assert len(administrator("GET", "closures?from_date=2030-01-01").json()) == 1  # until further notice
    assert [row["department_id"] for row in administrator("GET", f"events?{days}").json()] == [None]
    assert len(administrator("GET", f"events?{days}&department_id={world.bar.pk}").json()) == 1
    assert administrator("GET", f"closures?department_id={world.bar.pk}").json() == []


@pytest.mark.parametrize(
    ("path", "body", "attr"),
    [
        ("holidays", {"name": "x"}, "date"),
        ("holidays", {"date": "21.03.2026", "name": "x"}, "date"),
        ("holidays", {"date": "2026-03-21", "name": "x", "effect": "sad"}, "effect"),
        ("closures", {"first": "2026-03-02"}, "department_id"),
        ("events", {"name": "x", "first": "2026-03-02", "last": "2026-03-01"}, "non_field_errors"),
        ("events", {"name": "x", "first": "2026-03-02", "last": "2026-03-03", "strength": -1}, "strength"),
    ],
)
def test_nonsense_is_refused(administrator, path, body, attr):
    answer = administrator("POST", path, **body)
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, attr)


def test_who_sees_some_branches_changes_theirs_and_nothing_of_the_chain(world: World, administrator, some):
    theirs = administrator("POST", "closures", first="2026-03-01", department_id=str(world.bakery.pk)).json()["id"]
    whole = administrator("POST", "events", first="2026-03-01", last="2026-03-02", name="all").json()["id"]
    mine = some("POST", "closures", first="2026-03-01", department_id=str(world.cafe.pk))
    assert mine.status_code == 201
    assert [row["id"] for row in some("GET", "closures").json()] == [mine.json()["id"]]
    for method in ("GET", "PATCH", "DELETE"):
        body = {"reason": "x"} if method == "PATCH" else {}
        assert some(method, f"closures/{theirs}", **body).status_code == 404
    for department in (world.bakery, world.foreign):
        answer = some("POST", "closures", first="2026-03-01", department_id=str(department.pk))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "does_not_exist")
    assert some("GET", f"events/{whole}").status_code == 200
    assert some("DELETE", f"events/{whole}").status_code == 403
    answer = some("POST", "events", first="2026-03-01", last="2026-03-02", name="mine")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "department_id")
    assert some("POST", "holidays", date="2026-03-01", name="x").status_code == 403
    assert (Closure.objects.count(), Event.objects.count(), Holiday.objects.count()) == (2, 1, 0)


def test_rows_of_another_chain_are_not_there(world: World, administrator):
    row = Holiday.objects.create(organisation=world.other_organisation, date="2026-03-01", key="x", name="x")
    assert administrator("GET", "holidays").json() == []
    assert administrator("DELETE", f"holidays/{row.pk}").status_code == 404


def test_a_file_goes_in_whole_and_comes_out_the_same(world: World, administrator, some):
    text = f"kind,first,last,name,department\nholiday,2026-03-21,2026-03-23,Nauryz,\nclosure,2026-03-01,,repairs,{world.cafe.pk}\n"
    assert administrator.file(text).json() == {"added": 4, "changed": 0, "unchanged": 0}
    assert administrator.file(text).json() == {"added": 0, "changed": 0, "unchanged": 4}
    out = administrator("GET", "export/csv").getvalue().decode("utf-8-sig")
    assert administrator.file(out).json() == {"added": 0, "changed": 0, "unchanged": 4}
    wrong = administrator.file(text + "party,2026-03-01,,x,\nholiday,never,,x,\n")
    assert wrong.status_code == 400
    assert [error["detail"].split(":")[0] for error in wrong.json()["errors"]] == ["Line 4", "Line 5"]
    assert some.file(text.replace(str(world.cafe.pk), str(world.bakery.pk))).status_code == 400
    assert Holiday.objects.count() == 3
