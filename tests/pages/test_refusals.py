"""What nobody may see or nobody can show is told in words, with the status and a way on."""

import re

import pytest
from django.test import Client

from accounts.backends import RoleBackend
from runs.models import Run
from tests.reading import content, reader, words
from tests.world import World

pytestmark = pytest.mark.django_db
SAID = {
    403: "This page is not open to you",
    404: "There is no such page",
    500: "Something went wrong inside the program",
}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("status", "path"), [(403, "/admin/accounts/user/"), (404, "/admin/nothing/"), (404, "/nothing/"), (500, "/")]
)
def test_a_refusal_says_its_status_and_leads_on(world: World, monkeypatch, language, status, path):
    manager = reader(world, "manager", language)
    if status == 500:
        monkeypatch.setattr(RoleBackend, "has_perm", lambda *_args, **_kwargs: 1 / 0)
        manager.raise_request_exception = False
    answer = manager.get(path)
    html = answer.content.decode()
    assert (answer.status_code, f'<html lang="{language}"' in html) == (status, True)
    text = words(html.split("<body>")[1])
    assert text.startswith(f"{status} {SAID[status] if language == 'en' else ''}")
    assert re.search(r'<a href="/">', html)


def test_a_form_that_was_open_for_too_long_is_not_sent(world: World):
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(world.administrator, backend="accounts.backends.RoleBackend")
    answer = client.post("/admin/forecasting/modelversion/train/")
    assert (answer.status_code, "open for too long" in answer.content.decode()) == (403, True)
    assert not Run.objects.exists()


def test_a_list_says_how_many_rows_it_has_in_words_that_fit(world: World):
    administrator = reader(world, "administrator")
    listed = "/admin/sales/salessummary/"
    assert "21 rows" in content(administrator.get(listed))
    assert "1 row " in content(
        administrator.get(f"{listed}?date_from={world.days[0]}&date_to={world.days[0]}&q=Bakery")
    )
