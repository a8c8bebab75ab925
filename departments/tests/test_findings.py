"""A check tells what it found and what to do about it."""

import pytest
from django.utils import translation

from accounts.models import Organisation
from departments.clients import check_connection
from departments.connect import add_connection
from departments.findings import findings
from sources.simulator import IikoServer
from sources.simulator.onec import OnecServer
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.demo_onec import demo_objects
from sources.simulator.worlds.static import StaticWorld

pytestmark = [pytest.mark.django_db(transaction=True)]
NODES = [Node("5a1b0f5e-1111-4222-8333-444455556666", None, "Cafe", "DEPARTMENT")]


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SOURCE_PATIENCE = 0
    with translation.override("en"):
        yield


def found(kind, url):
    connection = add_connection(
        Organisation.objects.main(), kind=kind, name="x", url=url, login="api", password="secret", api_key="demo"
    )[0]
    assert findings(connection) == []
    check_connection(connection)
    return {tone: " ".join(text for one, text in findings(connection) if one == tone) for tone in TONES}


TONES = ("success", "warning", "danger")


def test_a_good_server_has_nothing_to_complain_about():
    with IikoServer(StaticWorld([], NODES), login="api", password="secret") as till:
        told = found("iiko", till.url)
    assert told["warning"] == told["danger"] == ""
    assert "iiko 8.9.7041.0" in told["success"] and "1 department." in told["success"]


def test_what_a_server_lacks_comes_with_what_to_do():
    with IikoServer(StaticWorld([], []), login="api", password="secret") as till:
        till.faults.missing_fields = ["GuestNum"]
        till.faults.slots = 1
        till.faults.plan("shifts", "no_right", count=None)
        told = found("iiko", till.url)
    assert "no departments" in told["danger"] and "GuestNum" in told["danger"]
    assert "may not see cash shifts" in told["warning"] and "one more slot" in told["warning"]


def test_a_trouble_with_a_nicety_is_no_trouble_of_the_check():
    with IikoServer(StaticWorld([], NODES), login="api", password="secret") as till:
        till.faults.plan("shifts", "error_500", count=None)
        told = found("iiko", till.url)
    assert "ash shifts" not in " ".join(told.values())


def test_books_tell_what_matching_will_lack():
    with OnecServer(demo_objects(14)) as service:
        told = found("onec", service.url)
        assert "17 objects" in told["success"] and "2 objects have no BIN" in told["warning"]
        service.objects = []
        assert "empty" in found_again("onec", service.url)


def found_again(kind, url):
    connection = Organisation.objects.main().connections.get()
    check_connection(connection)
    return " ".join(text for _tone, text in findings(connection))
