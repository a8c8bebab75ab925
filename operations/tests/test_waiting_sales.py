"""Money of a department nobody knows is never quiet: the load is partial, the morning says how much, a person says whose."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.roles import Role
from departments.models import Authority, Connection, Department
from operations.watch import watch
from runs.choices import State
from runs.ledger import run_now
from runs.models import Alarm
from sales.models import ObservedDay, SalesByHour, SalesSummary
from sales.sync import start_sync
from sales.waiting import waiting
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell, Node
from sources.simulator.worlds.static import StaticWorld
from tests.reading import content

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

DAY = timezone.localdate() - dt.timedelta(days=3)
NEXT = DAY + dt.timedelta(days=1)
CAFE, NEW = (str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("cafe", "new"))


def cell(department: str | None, date: dt.date, revenue: str) -> Cell:
    return Cell(department, date, 12, Decimal(revenue), Decimal(revenue), 3, 5)


@pytest.fixture
def connection(settings):
    """A till whose café is known, with a branch that it sells for and does not name, and sales of none at all."""
    settings.SOURCE_PATIENCE = 0
    rows = [cell(CAFE, date, "10") for date in (DAY, NEXT)] + [cell(NEW, date, "90.25") for date in (DAY, NEXT)]
    world = StaticWorld([*rows, cell(None, NEXT, "5")], [Node(CAFE, None, "Cafe", "DEPARTMENT")])
    with IikoServer(world, login="api", password="secret") as server:
        yield Connection.objects.create(
            organisation=Organisation.objects.main(), name="till", url=server.url, login="api", password="secret"
        )


def load(connection):
    run, _created = start_sync(organisation=connection.organisation, from_date=DAY, to_date=NEXT, trigger="command")
    return run_now(run)


@pytest.fixture
def root(client):
    user = User.objects.create_superuser("root")
    client.force_login(user, backend="accounts.backends.RoleBackend")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def give(client, external_id=NEW, **who):
    connection = Connection.objects.get(name="till")
    return client.post(
        reverse("admin:sales_waiting"), {"connection": connection.pk, "id": external_id, **who}, follow=True
    )


def test_the_load_is_partial_and_the_morning_says_how_much_waits(connection, root):
    run = load(connection)
    assert run.state == State.PARTIAL
    assert {error["code"] for error in run.errors} == {"unknown_department", "no_department"}
    assert not any(error.get("transient") for error in run.errors)  # asking again would bring nothing
    watch(connection.organisation)
    page = content(root.get("/"))
    assert (
        f"till: sales of 180.50 ({DAY:%d.%m.%Y} – {NEXT:%d.%m.%Y}) wait under a department nobody knows: {NEW}" in page
    )
    assert "Say whose they are" in page
    assert f'href="{reverse("admin:sales_waiting")}"' in root.get("/").content.decode()
    assert [(line.external_id, line.revenue, line.days) for line in waiting(connection.organisation)] == [
        (NEW, Decimal("180.50"), 2),
        ("", Decimal(5), 1),
    ]


def test_a_branch_is_made_of_it_and_all_that_waited_is_published(connection, root):
    load(connection)
    assert "are those of Kiosk now" in give(root, name="Kiosk").content.decode()
    kiosk = Department.objects.get(name="Kiosk")
    days = dict(SalesSummary.objects.filter(department=kiosk).values_list("date", "total_sales"))
    assert days == {DAY: Decimal("90.25"), NEXT: Decimal("90.25")}
    assert SalesByHour.objects.filter(department=kiosk).count() == 2
    assert kiosk.sales_cutoff.date == NEXT
    give(root, "", department=kiosk.pk)
    assert load(connection).state == State.DONE
    assert SalesSummary.objects.get(department=kiosk, date=NEXT).total_sales == Decimal("95.25")
    watch(connection.organisation)
    assert not Alarm.objects.filter(code__startswith="unknown", ended_at=None).exists()
    assert "No sales wait" in content(root.get(reverse("admin:sales_waiting")))


def test_it_is_given_to_a_branch_that_is_there(connection, root):
    load(connection)
    give(root, department=CAFE)
    assert SalesSummary.objects.get(department=CAFE, date=DAY).total_sales == Decimal("100.25")
    assert not ObservedDay.objects.filter(external_id=NEW, department=None).exists()


def test_not_to_one_of_which_another_source_has_the_say(connection, root):
    load(connection)
    other = Connection.objects.create(organisation=connection.organisation, name="other", url="http://other.test")
    Authority.objects.filter(department=CAFE).update(connection=other)
    assert "comes from other" in give(root, department=CAFE).content.decode()
    assert "Choose a department" in give(root, department="x").content.decode()
    assert len(waiting(connection.organisation)) == 2


def test_many_unknown_ids_are_one_alarm_of_their_source(connection):
    load(connection)
    row = ObservedDay.objects.get(external_id=NEW, date=DAY)
    for number in range(3):
        row.external_id = f"lost {number}"
        ObservedDay.objects.bulk_create([row])
    watch(connection.organisation)
    [alarm] = Alarm.objects.filter(code__startswith="unknown")
    assert (alarm.code, alarm.params["ids"], alarm.params["sum"]) == ("unknown_sales_source", 5, "456.25")


@pytest.mark.django_db
def test_only_who_sees_the_chain_sees_what_is_nobodys_and_only_administrators_give_it(world):
    till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
    ObservedDay.objects.create(
        organisation=world.organisation, connection=till, external_id="lost", date=world.days[0],
        revenue=Decimal("77.10"), gross=Decimal(80), observed_at=timezone.now(),
    )  # fmt: skip
    for name, seen in (("administrator", True), ("analyst", True), ("manager", False)):
        page = content(world.client(name).get(reverse("admin:sales_waiting"), headers={"accept-language": "en"}))
        assert ("77.10" in page) == seen, name
        if name != Role.ADMINISTRATOR:
            assert give(world.client(name), "lost", name="Mine").status_code == 403
            assert "These are its sales" not in page
    assert world.client("staff").get(reverse("admin:sales_waiting")).status_code == 403
