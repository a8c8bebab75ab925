"""Clients that push item sales: told when they are silent, told when they are refused again and again, then it is over."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation

from accounts.keys import create_api_key
from accounts.models import Organisation
from accounts.roles import Role
from departments.models import Connection, Department
from departments.timing import organisation_today
from items.models import ItemSource, Product
from operations.alarms import place_of
from operations.watch import watch_all
from runs.models import Alarm

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def at(settings, tmp_path):
    """Sets the local hour of today, or of some days later."""
    settings.CLOCK_FILE = str(tmp_path / "clock")
    settings.ALARM_FREE_PERCENT = 0
    zone = ZoneInfo(Organisation.objects.main().time_zone)

    def set_hour(hour: int, days: int = 0) -> None:
        now = dt.datetime.now(zone)
        moment = now.replace(hour=hour, minute=10) + dt.timedelta(days=days)
        (tmp_path / "clock").write_text(str((moment - now).total_seconds()))

    set_hour(10)
    return set_hour


@pytest.fixture
def push(at):
    organisation = Organisation.objects.main()
    Department.objects.create(organisation=organisation, name="Cafe")
    Product.objects.create(organisation=organisation, code="A", name="Latte")
    _row, key = create_api_key(organisation=organisation, name="mrp", role=Role.INTEGRATOR)

    def send(code="A", days_ago=1, **sales):
        date = str(organisation_today(organisation) - dt.timedelta(days=days_ago))
        data = {"sales_by_product_code": sales or {code: [{"sale_date": date, "quantity_sold": 5}]}}
        return Client(headers={"authorization": f"Api-Key {key}"}).post(
            "/api/sales/bulk-import", json.dumps(data), content_type="application/json"
        )

    send.empty = lambda: Client(headers={"authorization": f"Api-Key {key}"}).post(
        "/api/sales/bulk-import", '{"sales_by_product_code": {}}', content_type="application/json"
    )
    return send


def standing() -> list[str]:
    watch_all()
    codes = Alarm.objects.filter(ended_at=None).values_list("code", flat=True)
    return sorted(code for code in codes if code.startswith("client"))


def test_a_client_nobody_waits_for_may_be_silent(push, at):
    push(days_ago=5)
    assert standing() == []


def test_a_client_is_missed_from_its_hour_until_yesterday_is_there(push, at):
    push(days_ago=2)
    ItemSource.objects.update(expected_by=9)
    at(8)
    assert standing() == []
    at(9)
    assert standing() == ["client_silent"]
    alarm = Alarm.objects.get(code="client_silent")
    yesterday = organisation_today(Organisation.objects.main()) - dt.timedelta(days=1)
    with translation.override("en"):
        assert f"mrp has not delivered the item sales of {yesterday:%d.%m.%Y}" in str(alarm)
    assert place_of(alarm).endswith(f"delivery/?connection__id__exact={ItemSource.objects.get().pk}")
    push()
    assert standing() == []
    at(9, days=1)
    assert standing() == ["client_silent"]


def test_a_night_without_sales_can_be_told(push, at):
    push(days_ago=2)
    ItemSource.objects.update(expected_by=9)
    assert standing() == ["client_silent"]
    push.empty()
    assert standing() == []


def test_a_client_that_was_switched_off_is_not_waited_for(push, at):
    push(days_ago=2)
    ItemSource.objects.update(expected_by=9)
    Connection.objects.update(is_active=False)
    assert standing() == []


def test_refusals_in_a_row_are_told_with_the_reason(push, at):
    for _ in range(2):
        push("GONE")
    assert standing() == []
    push("GONE")
    assert standing() == ["client_refused"]
    with translation.override("en"):
        said = str(Alarm.objects.get(code="client_refused"))
    assert said.startswith("Item sales of mrp were refused 3 times in a row")
    assert said.endswith("GONE: Product code not found.")
    push()
    assert standing() == []
    at(10, days=8)
    assert standing() == []
