"""API keys and roles on the screen."""

import re

import pytest

from accounts.models import ApiKey
from tests.reading import reader, rows, words
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
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
