"""A check is a run: it tells what it asks and what it has found, can be stopped, and is never about old credentials."""

import pytest
from django.utils import translation

from accounts.models import Organisation
from departments.check import start_check, told
from departments.connect import add_connection
from departments.models import Connection, SourceSession
from runs.choices import State, Trigger
from runs.ledger import run_now
from runs.models import Run
from runs.pages import message_of
from runs.sentences import of_errors
from sources.simulator import IikoServer
from sources.simulator.onec import OnecServer
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.static import StaticWorld
from tests.reading import reader, words
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
NODES = [Node("5a1b0f5e-1111-4222-8333-444455556666", None, "Cafe", "DEPARTMENT")]
LOGIN_ACCEPTED = "Login and password were accepted."


class WatchedWorld(StaticWorld):
    """Calls `asked` when somebody asks for the departments, or for the columns, before they are told."""

    def __init__(self) -> None:
        super().__init__([], NODES)
        self.asked = lambda: None

    def departments(self) -> list[Node]:
        self.asked()
        return super().departments()


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SOURCE_PATIENCE = 0
    with translation.override("en"):
        yield


@pytest.fixture
def till():
    with IikoServer(WatchedWorld(), login="api", password="secret") as server:
        yield server


def checked(url: str, **more: str) -> Run:
    fields = {"kind": "iiko", "login": "api", "password": "secret", "api_key": "demo"} | more
    connection = add_connection(Organisation.objects.main(), name="till 1", url=url, **fields)[0]
    return run_now(start_check(connection, trigger=Trigger.PAGE)[0])


def lines(run: Run) -> str:
    return " ".join(text for _tone, text in told(run, WhoSeesConnections()).lines)


class WhoSeesConnections:
    def has_perm(self, name: str) -> bool:
        return True


def test_it_says_what_it_is_asking_and_what_it_has_found(till):
    seen = []

    def look() -> None:
        run = Run.objects.get()
        with translation.override("en"):
            seen.append((message_of(run), lines(run), round(6 * run.progress)))

    till.world.asked = look
    run = checked(till.url)
    assert seen == [
        ("Asking till 1 for its departments", LOGIN_ACCEPTED, 1),
        ("Asking till 1 for the columns of its sales report", f"{LOGIN_ACCEPTED} It names 1 department.", 2),
    ]
    assert run.state == State.DONE and "1 department." in lines(run) and "every column" in lines(run)
    connection = Connection.objects.get()
    assert connection.checked_at and connection.facts == run.counts


def test_who_asks_it_to_stop_is_heard_and_the_licence_slot_is_free_again(till):
    till.world.asked = lambda: Run.objects.update(cancel_asked=True)
    run = checked(till.url)
    assert run.state == State.CANCELLED
    assert lines(run) == f"{LOGIN_ACCEPTED} It names 1 department."
    assert Connection.objects.get().checked_at is None
    assert not SourceSession.objects.exclude(token=None).exists() and not SourceSession.objects.exclude(locked_by="")
    assert not till.live_tokens()


def test_what_was_found_before_it_failed_stays_beside_the_reason(till):
    till.faults.plan("departments", "no_right", count=None)
    run = checked(till.url)
    assert run.state == State.FAILED and lines(run) == LOGIN_ACCEPTED
    assert "lacks a right" in of_errors(run.errors)[0]
    assert Connection.objects.get().facts == {}


@pytest.mark.parametrize(
    ("part", "fault", "sentence"),
    [
        ("login", "unauthorised", "Enter them again"),
        ("login", "no_licence", "Close an unused iikoOffice session"),
        ("login", "blocked", "Ask your iiko partner"),
        ("departments", "too_many", "Check again in some minutes"),
        ("departments", "unauthorised", "Check again in a minute"),
        ("departments", "html_502", "show it to your iiko partner"),
        ("departments", "redirect", "Enter the final address"),
    ],
)
def test_a_refusal_says_what_a_person_can_do(till, part, fault, sentence):
    till.faults.plan(part, fault, count=None)
    run = checked(till.url)
    assert run.state == State.FAILED
    said = " ".join(of_errors(run.errors))
    assert sentence in said and "It will be asked again" not in said


def test_what_makes_loading_impossible_is_no_success(till):
    till.faults.missing_fields = ["GuestNum"]
    run = checked(till.url)
    assert run.state == State.PARTIAL and "GuestNum" in lines(run)


def test_a_connection_changed_meanwhile_is_asked_anew(till):
    calls = []

    def change_it_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            Connection.objects.update(url=f"{till.url}/resto")

    till.world.asked = change_it_once
    assert checked(till.url).state == State.DONE
    assert len(calls) == 2 * 2


def test_one_check_of_a_connection_at_a_time(till):
    connection = add_connection(
        Organisation.objects.main(), kind="iiko", name="till 1", url=till.url, login="api", password="secret"
    )[0]
    first, created = start_check(connection, trigger=Trigger.PAGE)
    assert created and start_check(connection, trigger=Trigger.API) == (first, False)
    connection.delete()
    run = run_now(first)
    assert (run.state, of_errors(run.errors)) == (State.FAILED, ["The connection was deleted meanwhile."])


def test_the_books_are_checked_too():
    with OnecServer([]) as service:
        run = checked(service.url, kind="onec")
    assert run.state == State.PARTIAL and "The list of objects is empty" in lines(run)


def test_its_box_leads_to_the_connection_for_those_who_may_see_it(world: World):
    connection = Connection.objects.create(organisation=world.organisation, name="till <1>", url="http://till.example")
    run, _ = start_check(connection, trigger=Trigger.PAGE, started_by=world.administrator)
    Run.objects.filter(pk=run.pk).update(counts={"departments": 0})
    box = f"/admin/runs/run/{run.pk}/box/"
    page = reader(world, "administrator").get(box).content.decode()
    assert f'href="/admin/departments/connection/{connection.pk}/change/"' in page
    assert "till <1>" in words(page) and "It names no departments" in words(page)
    assert "/admin/departments/connection/" not in reader(world, "analyst").get(box).content.decode()
    assert reader(world, "stranger").get(box).status_code == 404
