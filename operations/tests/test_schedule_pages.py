"""When the night begins is an administrator's to say; what it does is not."""

import re

import pytest
from django.utils import translation
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from forecasting.models import ForecastIssue, ModelVersion
from operations.schedules import setup_schedules, when_of
from tests.reading import content, reader, rows, words
from tests.world import World

pytestmark = pytest.mark.django_db
LIST = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def night(world: World) -> PeriodicTask:
    setup_schedules()
    return PeriodicTask.objects.get(task="operations.start_nights")


@pytest.fixture
def one_chain(world: World) -> None:
    for model in (ForecastIssue, ModelVersion):
        model.objects.filter(organisation=world.other_organisation).delete()
    world.other_organisation.delete()


def test_the_hour_is_changed_and_nothing_else(world: World, night, one_chain):
    hour, _ = CrontabSchedule.objects.get_or_create(hour="4", minute="15", timezone="Asia/Almaty")
    asked = {
        "enabled": "on",
        "crontab": str(hour.pk),
        "interval": "",
        "task": "runs.sweep",
        "name": "mine",
        "args": "[1]",
    }
    answer = reader(world, "administrator").post(f"{LIST}{night.pk}/change/", asked)
    assert answer.status_code == 302, content(answer)
    night.refresh_from_db()
    assert (night.crontab.hour, night.task, night.name, night.args) == (
        "4",
        "operations.start_nights",
        "Nightly chain",
        "[]",
    )


def test_the_page_of_a_schedule_is_called_by_its_name(world: World, night, one_chain):
    html = reader(world, "administrator", "ru").get(f"{LIST}{night.pk}/change/").content.decode()
    with translation.override("ru"):
        assert translation.gettext(night.name) in words(html.split('id="content"')[0])
    assert "m/h/dM" not in html.split('id="content"')[0]


def test_neither_both_nor_none(world: World, night, one_chain):
    page = reader(world, "administrator").post(f"{LIST}{night.pk}/change/", {"enabled": "on"})
    assert "Choose either an interval or hours of the clock" in content(page)


def test_in_a_house_of_several_chains_one_does_not_move_the_others(world: World, night):
    administrator = reader(world, "administrator")
    assert administrator.get(f"{LIST}{night.pk}/change/").status_code == 200
    assert administrator.post(f"{LIST}{night.pk}/change/", {"enabled": ""}).status_code == 403
    assert administrator.get(f"{LIST}add/").status_code == 403
    assert reader(world, "manager").get(LIST).status_code == 403


def test_the_list_says_in_words_when_what_is_done_and_when_next(world: World, night):
    shown = rows(reader(world, "administrator").get(LIST))
    assert [row.split(" every ")[0] for row in shown] == [
        "Sweep the ledger", "Weekly training", "Sample compared with the sources", "Nightly chain",
    ]  # fmt: skip
    assert "every 20 seconds" in shown[0]
    assert re.search(r"every week: sunday, 03:30, Asia/Almaty \d\d\.\d\d\.\d{4} 03:30", shown[1])
    PeriodicTask.objects.filter(pk=night.pk).update(enabled=False)
    assert "02:00, Asia/Almaty —" in rows(reader(world, "administrator").get(LIST))[3]


@pytest.mark.parametrize(
    ("weekday", "words"),
    [("0", "sunday"), ("1", "monday"), ("6", "saturday"), ("7", "sunday"), ("*", "every day at 04:15, Asia/Almaty")],
)
def test_a_weekday_of_crontab_is_named(world: World, night, weekday, words):
    night.crontab = CrontabSchedule.objects.create(hour="4", minute="15", day_of_week=weekday, timezone="Asia/Almaty")
    with translation.override("en"):
        assert words in when_of(night)
