"""The command that makes an API key: the key alone on the last line, stored only as a hash."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import ApiKey
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def make(*options: str) -> str:
    out = io.StringIO()
    call_command("create_api_key", "--name", "push", "--organisation", "Morning Coffee", *options, stdout=out)
    return out.getvalue().splitlines()[-1]


def test_the_last_line_is_a_key_that_works(world: World):
    key = make()
    assert len(world.api(key).get("/api/departments/").json()) == 5
    row = ApiKey.objects.get_from_key(key)
    assert (row.name, row.user.is_service, row.user.has_usable_password()) == ("push", True, False)
    assert key not in str(ApiKey.objects.filter(pk=row.pk).values().get())


def test_a_key_for_some_departments_sees_no_others(world: World):
    key = make("--role", "manager", "--departments", str(world.cafe.pk), "Bakery")
    names = {row["name"] for row in world.api(key).get("/api/departments/").json()}
    assert names == {"Cafe on Abay", "Bakery"}


@pytest.mark.parametrize(
    "options", [["--departments", "Nowhere"], ["--departments", "Foreign cafe"], ["--organisation", "Nobody"]]
)
def test_wrong_usage_makes_no_key(world: World, options):
    before = ApiKey.objects.count()
    with pytest.raises(CommandError) as wrong:
        make(*options)
    assert wrong.value.returncode == 2
    assert ApiKey.objects.count() == before


def test_two_keys_of_one_name_are_two_users(world: World):
    first, second = make(), make()
    assert ApiKey.objects.get_from_key(first).user != ApiKey.objects.get_from_key(second).user
