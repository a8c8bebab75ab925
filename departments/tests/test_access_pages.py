"""API keys and roles on the screen."""

import re

import pytest
from django.test import Client

from accounts.models import ApiKey, Membership, User
from departments.models import Department
from tests.reading import reader, rows, words
from tests.world import World

pytestmark = pytest.mark.django_db
KEYS = "/admin/accounts/apikey/"


def test_the_secret_of_a_new_key_is_shown_once_and_works_within_its_departments(world: World):
    administrator = reader(world, "administrator")
    asked = {"name": "branch tablet", "role": "staff", "departments": [str(world.cafe.pk)]}
    page = administrator.post(f"{KEYS}add/", asked, follow=True)
    secret = re.search(r"shown this once: (\S+)", words(page.content.decode())).group(1)
    key = ApiKey.objects.get(name="branch tablet")
    assert key.organisation == world.organisation and key.user.is_service
    seen = world.api(secret).get("/api/departments/").json()
    assert [row["name"] for row in seen] == ["Cafe on Abay"]
    for path in (KEYS, f"{KEYS}{key.pk}/change/"):
        assert secret not in administrator.get(path).content.decode()


def test_a_key_covers_departments_or_all_of_them(world: World):
    page = reader(world, "administrator").post(f"{KEYS}add/", {"name": "x", "role": "staff"})
    assert "Choose departments, or all of them" in words(page.content.decode())
    assert not ApiKey.objects.filter(name="x").exists()


def test_a_revoked_key_opens_nothing(world: World):
    key = ApiKey.objects.get(name="till")
    reader(world, "administrator").post(KEYS, {"action": "revoke", "_selected_action": [key.pk]})
    assert world.api().get("/api/departments/").status_code == 401


def test_keys_and_people_of_other_chains_are_not_shown(world: World):
    lines = " ".join(rows(reader(world, "administrator").get("/admin/accounts/user/")))
    assert "manager" in lines and "stranger" not in lines and "nobody" not in lines
    lines = rows(reader(world, "stranger").get(KEYS))
    assert not any("till" in line for line in lines)


@pytest.mark.parametrize("path", [KEYS, f"{KEYS}add/", "/admin/accounts/user/", "/admin/accounts/membership/"])
def test_only_administrators_see_access(world: World, path):
    assert reader(world, "administrator").get(path).status_code == 200
    for who in ("manager", "analyst", "staff"):
        assert reader(world, who).get(path).status_code == 403, who


PEOPLE, ROLES = "/admin/accounts/user/", "/admin/accounts/membership/"
SECRET = {"password1": "a rather long secret 7", "password2": "a rather long secret 7", "usable_password": "true"}


def test_the_limits_of_a_key_are_set_with_it_and_changed_later(world: World):
    administrator = reader(world, "administrator")
    asked = {"name": "limited", "role": "staff", "all_departments": "on", "per_minute": "5", "per_day": "1000"}
    administrator.post(f"{KEYS}add/", asked)
    key = ApiKey.objects.get(name="limited")
    assert (key.per_minute, key.per_hour, key.per_day) == (5, None, 1000)
    changed = administrator.post(f"{KEYS}{key.pk}/change/", {"name": "limited", "per_hour": "70"})
    assert changed.status_code == 302
    key.refresh_from_db()
    assert (key.per_minute, key.per_hour) == (None, 70)
    refused = administrator.post(f"{KEYS}{key.pk}/change/", {"name": "limited", "per_hour": "0"})
    assert refused.status_code == 200


def test_an_administrator_adds_a_person_who_sees_what_is_chosen_for_them(world: World):
    administrator = reader(world, "administrator")
    added = administrator.post(f"{PEOPLE}add/", {"username": "anna", "role": "manager", **SECRET})
    assert added.status_code == 302, words(added.content.decode())
    anna = User.objects.get(username="anna")
    membership = anna.memberships.get()
    assert (membership.organisation, membership.role, anna.is_superuser) == (world.organisation, "manager", False)
    assert added.url == f"{ROLES}{membership.pk}/change/"
    assert not Department.objects.visible_to(anna).exists()
    scope = {"scopes-TOTAL_FORMS": "1", "scopes-INITIAL_FORMS": "0", "scopes-0-department": str(world.cafe.pk)}
    assert administrator.post(added.url, {"role": "manager", **scope}).status_code == 302
    assert list(Department.objects.visible_to(User.objects.get(pk=anna.pk))) == [world.cafe]
    signed_in = Client()
    assert signed_in.login(
        username="anna", password=SECRET["password1"], request=signed_in.get("/admin/login/").wsgi_request
    )


def test_nobody_makes_a_superuser_or_touches_one(world: World):
    administrator = reader(world, "administrator")
    root = User.objects.create_superuser("root", password="x")
    Membership.objects.create(user=root, organisation=world.organisation, role="staff")
    assert administrator.post(f"{PEOPLE}{root.pk}/change/", {"username": "mine"}).status_code == 403
    assert administrator.post(f"{PEOPLE}{root.pk}/password/", SECRET).status_code == 403
    asked = {"username": "manager", "is_superuser": "on", "is_active": "on", "is_staff": "on"}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    assert administrator.post(f"{PEOPLE}{world.manager.pk}/change/", asked | inline).status_code == 302
    world.manager.refresh_from_db()
    assert not world.manager.is_superuser


def test_who_belongs_to_another_chain_as_well_is_not_changed(world: World):
    Membership.objects.create(user=world.manager, organisation=world.other_organisation, role="administrator")
    administrator = reader(world, "administrator")
    assert administrator.post(f"{PEOPLE}{world.manager.pk}/password/", SECRET).status_code == 403
    assert administrator.post(f"{PEOPLE}{world.stranger.pk}/password/", SECRET).status_code in (302, 403, 404)
    assert world.stranger.check_password("correct horse battery staple")


def test_nobody_raises_themselves_or_gives_more_than_they_see(world: World):
    own = world.administrator.memberships.get()
    own.all_departments = False
    own.save()
    own.scopes.create(department=world.coffee_company)
    narrow = reader(world, "administrator")
    none = {"scopes-TOTAL_FORMS": "0", "scopes-INITIAL_FORMS": "0"}
    raised = narrow.post(f"{ROLES}{own.pk}/change/", {"role": "administrator", "all_departments": "on", **none})
    assert raised.status_code == 403
    analyst = world.analyst.memberships.get()
    assert narrow.post(f"{ROLES}{analyst.pk}/change/", {"role": "staff", **none}).status_code == 403
    staff = world.staff.memberships.get()
    wider = narrow.post(f"{ROLES}{staff.pk}/change/", {"role": "staff", "all_departments": "on", **none})
    assert "You see some departments only" in words(wider.content.decode())
    scope = {"scopes-TOTAL_FORMS": "1", "scopes-INITIAL_FORMS": "0", "scopes-0-department": str(world.bakery.pk)}
    assert narrow.post(f"{ROLES}{staff.pk}/change/", {"role": "staff", **scope}).status_code == 200
    key = narrow.post(f"{KEYS}add/", {"name": "x", "role": "staff", "all_departments": "on"})
    assert "You see some departments only" in words(key.content.decode())
    assert world.bakery not in Department.objects.visible_to(world.staff)
