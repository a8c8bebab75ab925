"""One alarm per trouble, one message when it begins and one when it is over, whatever the order of things."""

import threading

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Organisation
from runs.alarms import end_alarm, raise_alarm
from runs.models import Alarm, Outbox

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def channels(settings):
    settings.ALARM_CHANNELS = ["email", "webhook"]


@pytest.fixture
def organisation():
    return Organisation.objects.create(name="Chain")


def test_a_trouble_is_told_once_by_each_channel_and_once_when_it_is_over(organisation):
    assert raise_alarm(organisation, "disk_nearly_full", "disk", params={"free": "0.3"})
    assert not raise_alarm(organisation, "disk_nearly_full", "disk", params={"free": "0.2"})
    assert Alarm.objects.get().params == {"free": "0.2"}
    assert end_alarm(organisation, "disk")
    assert not end_alarm(organisation, "disk")
    told = sorted(Outbox.objects.values_list("channel", "event"))
    assert told == [("email", "began"), ("email", "ended"), ("webhook", "began"), ("webhook", "ended")]


def test_a_trouble_that_comes_back_is_a_new_alarm(organisation):
    for _ in range(2):
        raise_alarm(organisation, "disk_nearly_full", "disk")
        end_alarm(organisation, "disk")
    assert Alarm.objects.count() == 2


@given(steps=st.lists(st.sets(st.sampled_from(["a", "b", "c"])), max_size=12))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_stands_is_what_was_last_seen_and_messages_come_in_pairs(organisation, steps):
    Alarm.objects.all().delete()
    for standing in steps:
        for key in sorted(standing):
            raise_alarm(organisation, "beat_silent", key)
        for key in {"a", "b", "c"} - standing:
            end_alarm(organisation, key)
    assert set(Alarm.objects.filter(ended_at=None).values_list("key", flat=True)) == (steps[-1] if steps else set())
    for alarm in Alarm.objects.all():
        events = sorted(alarm.messages.filter(channel="email").values_list("event", flat=True))
        assert events == (["began", "ended"] if alarm.ended_at else ["began"])


@pytest.mark.postgres
def test_eight_watchers_at_once_raise_one_alarm(organisation):
    new: list[bool] = []

    def raise_it() -> None:
        new.append(raise_alarm(organisation, "beat_silent", "beat"))
        connection.close()

    threads = [threading.Thread(target=raise_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [False] * 7 + [True]
    assert Outbox.objects.count() == 2
