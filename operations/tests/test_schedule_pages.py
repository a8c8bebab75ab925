"""When the night begins is an administrator's to say; what it does is not."""

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from forecasting.models import ForecastIssue, ModelVersion
from operations.schedules import setup_schedules
from tests.reading import content, reader
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
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


def test_neither_both_nor_none(world: World, night, one_chain):
    page = reader(world, "administrator").post(f"{LIST}{night.pk}/change/", {"enabled": "on"})
    assert "Choose either an interval or hours of the clock" in content(page)


def test_in_a_house_of_several_chains_one_does_not_move_the_others(world: World, night):
    administrator = reader(world, "administrator")
    assert administrator.get(f"{LIST}{night.pk}/change/").status_code == 200
    assert administrator.post(f"{LIST}{night.pk}/change/", {"enabled": ""}).status_code == 403
    assert administrator.get(f"{LIST}add/").status_code == 403
    assert reader(world, "manager").get(LIST).status_code == 403
