"""Connections on the screen: secrets go in and never come out, a check tells what the server said."""

import datetime as dt

import pytest
from django.test import Client

from accounts.models import User
from departments.models import Connection, Department, SourceDepartment
from runs import clock
from runs.ledger import run_now
from runs.models import Run
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.static import StaticWorld
from tests.reading import reader, words
from tests.world import World

pytestmark = pytest.mark.django_db
LIST = "/admin/departments/connection/"
SECRET = "s3cret-of-the-till"
NODES = [Node("5a1b0f5e-1111-4222-8333-444455556666", None, "New branch", "DEPARTMENT")]


@pytest.fixture
def till(world: World) -> Connection:
    return Connection.objects.create(
        organisation=world.organisation,
        name="till 1",
        url="http://till.example",
        login="api",
        password=SECRET,
        api_key="k3y",
    )


def form(world: World, **more: object) -> dict[str, object]:
    return {
        "organisation": str(world.organisation.pk),
        "kind": "iiko",
        "name": "till 1",
        "url": "http://till.example",
        "login": "api",
        "password": "",
        "api_key": "",
        "auth_header": "X-API-Key",
        "measure": "revenue",
        "include_returns": "on",
        "is_active": "on",
        "time_zone": "",
        "source_departments-TOTAL_FORMS": "0",
        "source_departments-INITIAL_FORMS": "0",
        **more,
    }


def change(world: World, till: Connection, **more: object):
    return reader(world, "administrator").post(f"{LIST}{till.pk}/change/", form(world, **more), follow=True)


def test_secrets_are_never_shown_and_stay_when_nothing_is_entered(world: World, till):
    administrator = reader(world, "administrator")
    for path in (LIST, f"{LIST}{till.pk}/change/", f"{LIST}{till.pk}/history/"):
        page = administrator.get(path)
        assert page.status_code == 200 and SECRET.encode() not in page.content and b"k3y" not in page.content
    change(world, till, name="till one")
    till.refresh_from_db()
    assert (till.name, till.password, till.api_key) == ("till one", SECRET, "k3y")
    change(world, till, password="another")
    till.refresh_from_db()
    assert till.password == "another"


def test_an_address_without_a_scheme_is_asked_over_https(world: World, till):
    change(world, till, url="elsewhere.example", password="new", api_key="new")
    till.refresh_from_db()
    assert till.url == "https://elsewhere.example"


def test_a_stored_secret_is_not_sent_to_another_address(world: World, till):
    page = change(world, till, url="http://elsewhere.example")
    assert "enter this again" in words(page.content.decode())
    till.refresh_from_db()
    assert till.url == "http://till.example"
    change(world, till, url="http://elsewhere.example", password="new", api_key="new")
    till.refresh_from_db()
    assert (till.url, till.password) == ("http://elsewhere.example", "new")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"url": "ftp://till.example", "password": "x", "api_key": "x"}, "must look like"),
        ({"login": ""}, "needs a login and a password"),
        ({"name": "till 2"}, "already exists"),
    ],
)
def test_nonsense_is_refused_in_the_form(world: World, till, more, sentence):
    Connection.objects.create(organisation=world.organisation, name="till 2", url="http://other.example")
    page = change(world, till, **more)
    assert sentence in words(page.content.decode())


def test_a_check_tells_what_the_server_said(world: World, settings):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(StaticWorld([], NODES), login="api", password="right") as server:
        till = Connection.objects.create(
            organisation=world.organisation, name="till 1", url=server.url, login="api", password="right"
        )
        page = change(world, till, url=server.url, departments_connection_save_and_check="")
        assert page.redirect_chain[-1][0] == f"{LIST}{till.pk}/change/"
        run = Run.objects.get()
        assert f"run-{run.pk}" in page.content.decode() and run.started_by == world.administrator
        run_now(run)
        page = reader(world, "administrator").get(f"{LIST}{till.pk}/change/")
        assert "Synchronise departments The next step" in words(page.content.decode())
        till.refresh_from_db()
        assert till.checked_at and till.facts["departments"] == 1
        shown = words(reader(world, "administrator").get(f"{LIST}{till.pk}/change/").content.decode())
        for finding in ("iiko 8.9.7041.0", "every column", "Cash shifts can be seen", "Free licence slots"):
            assert shown.count(finding) == 1, finding
        Run.objects.update(finished_at=clock.now() - dt.timedelta(hours=1))
        later = words(reader(world, "administrator").get(f"{LIST}{till.pk}/change/").content.decode())
        assert "Last check" in later and "every column" in later
        Connection.objects.filter(pk=till.pk).update(password="wrong", facts={})
        chosen = {"action": "check_chosen", "_selected_action": [till.pk]}
        reader(world, "administrator").post(LIST, chosen)
        run_now(Run.objects.latest("id"))
        page = reader(world, "administrator").get(LIST)
        assert "refused login and password" in words(page.content.decode())


def test_a_new_connection_is_checked_at_once_on_its_own_page(world: World):
    page = reader(world, "administrator").post(f"{LIST}add/", form(world, name="till 2", password="x"), follow=True)
    added = Connection.objects.get(name="till 2")
    assert page.redirect_chain[-1][0] == f"{LIST}{added.pk}/change/"
    run = Run.objects.get()
    assert (run.kind, run.unit) == ("check_connection", str(added.pk))
    assert f"run-{run.pk}" in page.content.decode()


def test_a_push_client_is_not_asked(world: World):
    reader(world, "administrator").post(f"{LIST}add/", form(world, kind="push", name="shop", url="", login=""))
    shop = Connection.objects.get(name="shop")
    page = reader(world, "administrator").post(f"{LIST}{shop.pk}/check/", follow=True)
    assert "a push client comes by itself" in words(page.content.decode()) and not Run.objects.exists()


def test_a_check_is_started_by_those_who_may_change_the_connection(world: World, till):
    path = f"{LIST}{till.pk}/check/"
    for who in ("manager", "analyst", "staff", "stranger"):
        assert reader(world, who).post(path).status_code in (403, 404), who
    assert reader(world, "administrator").get(path).status_code == 405
    assert not Run.objects.exists()
    for sent_from, leads_to in (
        ("/", "/"),
        ("https://evil.example/", f"{LIST}{till.pk}/change/"),
        ("//evil.example", f"{LIST}{till.pk}/change/"),
    ):
        assert reader(world, "administrator").post(path, {"next": sent_from}).url == leads_to
    assert Run.objects.get().started_by == world.administrator


def test_synchronising_starts_a_run_that_stands_above_the_departments(world: World, till):
    page = reader(world, "administrator").post(
        LIST, {"action": "synchronise_chosen", "_selected_action": [till.pk]}, follow=True
    )
    run = Run.objects.get(kind="sync_departments")
    assert run.params["connections"] == [till.pk] and run.started_by == world.administrator
    assert f"run-{run.pk}" in page.content.decode()


def test_the_list_of_departments_synchronises_for_those_who_may(world: World, till):
    path = "/admin/departments/department/synchronise/"
    assert reader(world, "staff").post(path).status_code == 403
    assert reader(world, "manager").get(path).status_code == 405
    reader(world, "manager").post(path)
    assert Run.objects.get().kind == "sync_departments"
    assert "Synchronise" not in words(
        reader(world, "staff").get("/admin/departments/department/").content.decode().split('id="content"')[1]
    )


def test_a_connection_that_has_said_something_is_switched_off_rather_than_deleted(world: World, till):
    root = Client()
    root.force_login(User.objects.create_superuser("root", password="x"), backend="accounts.backends.RoleBackend")
    seen = SourceDepartment.objects.create(organisation=world.organisation, connection=till, external_id="e-1")
    assert root.post(f"{LIST}{till.pk}/delete/", {"post": "yes"}).status_code == 403
    seen.delete()
    root.post(f"{LIST}{till.pk}/delete/", {"post": "yes"})
    assert not Connection.objects.filter(pk=till.pk).exists()


def test_only_administrators_see_connections(world: World, till):
    for who in ("manager", "analyst", "staff", "stranger"):
        answer = reader(world, who).get(f"{LIST}{till.pk}/change/")
        assert answer.status_code in (302, 403), who  # a stranger's own list has no such row
    assert not Department.objects.filter(name="New branch").exists()
