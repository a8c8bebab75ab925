"""Alarms on the start page and in their list: the chain's for who sees the chain, a branch's for who sees it."""

import datetime as dt

import pytest
from django.conf import settings
from django.utils import timezone

from departments.models import Connection
from operations.alarms import place_of
from runs.alarms import end_alarm, raise_alarm
from runs.heartbeat import beat
from runs.models import Alarm, Heartbeat, Outbox
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = "/admin/runs/alarm/"


@pytest.fixture
def alarms(world: World):
    Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
    for branch in (world.cafe, world.bakery):
        params = {"department": branch.name, "dates": "01.02.2003", "day": "2003-02-01"}
        key = f"suspicious:{branch.pk}"
        raise_alarm(world.organisation, "suspicious_days", key, params=params, department=branch.pk)
    raise_alarm(world.organisation, "disk_nearly_full", "disk", params={"free": "<i>0.3</i>"}, severity="critical")


def seen(client, user, url: str) -> str:
    client.force_login(user, backend="accounts.backends.RoleBackend")
    response = client.get(url)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


@pytest.mark.parametrize("url", ["/", LIST])
def test_who_sees_the_chain_sees_every_alarm_the_worst_first(client, world: World, alarms, url):
    page = seen(client, world.administrator, url)
    assert page.count("01.02.2003") == 2
    assert "&lt;i&gt;0.3&lt;/i&gt;" in page


@pytest.mark.parametrize("url", ["/", LIST])
def test_who_sees_one_branch_sees_its_alarms_only(client, world: World, alarms, url):
    page = seen(client, world.manager, url)
    visible = set(type(world.cafe).objects.visible_to(world.manager).values_list("pk", flat=True))
    mine = [branch for branch in (world.cafe, world.bakery) if branch.pk in visible]
    assert len(mine) == 1
    assert page.count("01.02.2003") == 1
    assert "0.3" not in page


def test_who_belongs_elsewhere_sees_none(client, world: World, alarms):
    assert "01.02.2003" not in seen(client, world.stranger, "/")


def test_an_alarm_that_is_over_leaves_the_start_page_and_stays_in_the_list(client, world: World, alarms):
    end_alarm(world.organisation, "disk")
    assert "0.3" not in seen(client, world.administrator, "/")
    assert "0.3" in seen(client, world.administrator, LIST)


def test_each_alarm_leads_to_where_something_can_be_done(client, world: World, alarms):
    page = seen(client, world.administrator, "/")
    assert f"/admin/sales/salessummary/day/{world.cafe.pk}/2003-02-01/" in page
    for state, run in ((None, 7), ("suspicious", None)):
        params = {"state": state} if state else {"run": run}
        alarm = Alarm(pk=1, params=params)
        assert place_of(alarm).endswith("?state__exact=suspicious" if state else "/admin/runs/run/7/change/")


def test_its_own_page_says_how_it_went_out(client, world: World, settings):
    settings.ALARM_CHANNELS = ["webhook"]
    raise_alarm(world.organisation, "disk_nearly_full", "disk", params={"free": "0.3"}, severity="critical")
    Outbox.objects.update(status="failed", error="HTTP 404 <b>")
    page = seen(client, world.administrator, f"{LIST}{Alarm.objects.get().pk}/change/")
    assert "HTTP 404 &lt;b&gt;" in page
    assert "(&#x27;critical" not in page


def note(client, world: World, who: str, alarm: Alarm) -> int:
    client.force_login(getattr(world, who), backend="accounts.backends.RoleBackend")
    return client.post(f"{LIST}{alarm.pk}/seen/").status_code


def test_somebody_has_seen_it_and_the_first_who_did_is_remembered(client, world: World, alarms):
    chosen = Alarm.objects.get(key="disk")
    assert note(client, world, "administrator", chosen) == 302
    chosen.refresh_from_db()
    first = chosen.seen_at
    assert (chosen.seen_by, chosen.ended_at, first is None) == (world.administrator, None, False)
    assert str(world.administrator) in seen(client, world.administrator, LIST)
    client.post(LIST, {"action": "note_all_seen", "_selected_action": [chosen.pk]})
    chosen.refresh_from_db()
    assert chosen.seen_at == first
    assert end_alarm(world.organisation, "disk")


def test_only_who_sees_an_alarm_and_may_act_can_note_it(client, world: World, alarms):
    chain, branch = Alarm.objects.get(key="disk"), Alarm.objects.get(key=f"suspicious:{world.cafe.pk}")
    assert note(client, world, "manager", chain) == 404
    assert note(client, world, "analyst", branch) == 403
    assert note(client, world, "stranger", branch) == 404
    client.force_login(world.administrator, backend="accounts.backends.RoleBackend")
    assert client.get(f"{LIST}{chain.pk}/seen/").status_code == 405
    assert not Alarm.objects.exclude(seen_by=None).exists()


def test_without_a_worker_the_start_page_says_so_itself(client, world: World, alarms):
    words = "No worker is alive"
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert words in seen(client, world.administrator, "/")
    beat("keeper")
    assert words not in seen(client, world.administrator, "/")
    Heartbeat.objects.update(at=timezone.now() - dt.timedelta(hours=1))
    assert words in seen(client, world.administrator, "/")
    assert words not in seen(client, world.staff, "/")
