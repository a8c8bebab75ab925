"""The 1C service as a source: a connection by environment, a list that is kept and never wipes, work that says why."""

import json

import pytest
from django.utils import translation

from accounts.models import Organisation
from departments.books import OBJECT, store_objects
from departments.choices import Kind
from departments.connect import add_connection, connection_of_environment
from departments.models import Authority, Connection, Department, SourceDepartment
from departments.sync import start_sync
from runs.choices import State
from runs.ledger import RunFailed, run_now
from runs.sentences import of_errors
from sources.onec.types import OnecObject
from sources.simulator import IikoServer
from sources.simulator.onec import OnecServer
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.demo_onec import demo_objects
from sources.simulator.worlds.static import StaticWorld
from tests.test_commands import run

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

CAFE = OnecObject("000000102", "Кафе Абая", "000000010", "ТОО Пример", "123456789012")
FIRM = OnecObject("000000010", "ТОО Пример", None, "ТОО Пример", "123456789012")
NODES = [Node("5a1b0f5e-1111-4222-8333-444455556666", None, "Кафе Абая", "DEPARTMENT")]


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SOURCE_PATIENCE = 0


@pytest.fixture
def service():
    with OnecServer(demo_objects(14), key="demo") as running:
        yield running


@pytest.fixture
def books(service):
    return add_connection(Organisation.objects.main(), kind=Kind.ONEC, name="books", url=service.url, api_key="demo")[0]


def synchronised(**only):
    return run_now(start_sync(organisation=Organisation.objects.main(), trigger="command", **only)[0])


def test_the_objects_are_kept_beside_the_departments_and_make_none(books, service):
    done = synchronised()
    assert (done.state, done.counts["objects"]) == (State.DONE, len(service.objects))
    assert SourceDepartment.objects.filter(connection=books, type=OBJECT).count() == len(service.objects)
    assert not Department.objects.exists() and not Authority.objects.exists()


def test_the_same_list_twice_adds_nothing_and_a_new_name_arrives(books):
    store_objects(books, [CAFE, FIRM])
    store_objects(books, [FIRM, OnecObject("000000102", "Кафе на Абая", None, "", "")])
    rows = SourceDepartment.objects.filter(connection=books)
    assert sorted(rows.values_list("external_id", "name", "external_parent_id")) == [
        ("000000010", "ТОО Пример", ""),
        ("000000102", "Кафе на Абая", ""),
    ]


def test_an_empty_list_changes_nothing_and_is_no_success(books, service):
    synchronised()
    before = list(SourceDepartment.objects.order_by("pk").values())
    service.objects = []
    failed = synchronised()
    assert failed.state == State.FAILED and "empty list" in of_errors(failed.errors)[0]
    assert list(SourceDepartment.objects.order_by("pk").values()) == before
    with pytest.raises(RunFailed):
        store_objects(books, [])


def test_books_that_fail_leave_the_tills_synchronised_and_are_named(books, service):
    service.faults.plan("objects", "html_200", count=None)
    with IikoServer(StaticWorld([], NODES), login="api", password="secret") as till:
        add_connection(books.organisation, kind=Kind.IIKO, name="till", url=till.url, login="api", password="secret")
        done = synchronised()
    assert (done.state, done.counts["created"]) == (State.PARTIAL, 1)
    assert "books" in of_errors(done.errors)[0]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("not_found", "up to the version"),
        ("not_json", "1C exchange service"),
        ("redirect", "final address"),
        ("error_500", "Connection reset"),
    ],
)
def test_each_failure_says_what_to_do(books, service, fault, says):
    service.faults.plan("objects", fault, count=None)
    assert says in of_errors(synchronised().errors)[0]


def test_the_environment_makes_a_connection_by_itself_and_changes_its_key(service, settings):
    settings.API_BASE_URL, settings.API_KEY = service.url, "old"
    assert "header X-API-Key" in of_errors(synchronised().errors)[0]
    settings.API_KEY = "demo"
    assert synchronised().state == State.DONE
    made = Connection.objects.get()
    assert (made.kind, made.name, made.api_key) == (Kind.ONEC, "1C", "demo")


def test_a_connection_switched_off_by_a_person_stays_off(service, settings):
    settings.API_BASE_URL, settings.API_KEY = service.url, "demo"
    organisation = Organisation.objects.main()
    Connection.objects.filter(pk=connection_of_environment(organisation).pk).update(is_active=False, name="ours")
    assert connection_of_environment(organisation).is_active is False
    assert Connection.objects.count() == 1 and synchronised().state == State.FAILED


def test_another_chain_does_not_get_the_environments_connection(settings):
    settings.API_BASE_URL, settings.API_KEY = "http://books.example/v1", "demo"
    main = Organisation.objects.main()
    assert connection_of_environment(Organisation.objects.create(name="Another")) is None
    settings.API_KEY = ""
    assert connection_of_environment(main) is None
    assert not Connection.objects.exists()


def test_from_the_command_line(service):
    run("add_connection", "--kind", "onec", "--name", "books", "--url", service.url, "--api-key", "no")
    assert "refused the API key" in run("check_connection", "books", code=1)
    run("add_connection", "--kind", "onec", "--name", "books", "--url", service.url, "--api-key", "demo")
    assert f"{len(service.objects)} objects of 2 companies" in run("check_connection", "books")
    assert json.loads(run("check_connection", "books", "--json"))["orphans"] == 1
    assert f"objects {len(service.objects)}" in run("sync_departments", "--connection", "books")
    run("check_connection", "books", "--sales", code=2)
    service.objects = []
    assert "empty list" in run("check_connection", "books", code=1)
