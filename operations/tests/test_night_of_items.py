"""At night products are forecast once their branches are, and only where any are known."""

import datetime as dt

import pytest
import time_machine

from forecasting.tests.bakery import open_bakery
from forecasting.tests.chain import CUTOFF
from items.models import ItemDay
from operations.night import _forecasts, start_night
from runs.choices import State
from runs.ledger import claim
from runs.models import Run
from runs.registry import Wait
from tests.world import forecast

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NIGHT = dt.datetime.combine(CUTOFF, dt.time(21), dt.UTC)


@pytest.fixture
def bakery():
    with time_machine.travel(NIGHT, tick=False):
        yield open_bakery(days=2, departments=1)


def steps(organisation) -> list[list[str]]:
    """The kinds of runs that each call of the night's last part opens, until it is done."""
    work = claim(start_night(organisation)[0].pk)
    found = []
    while isinstance(_forecasts(work, work.run.params.get("step", "forecast")), Wait):
        opened = Run.objects.filter(parent=work.run, state=State.QUEUED).order_by("id")
        found.append([run.kind for run in opened])
        opened.update(state=State.DONE)
        work.run.refresh_from_db()
    return found


def test_products_come_after_the_forecasts_of_their_branches(bakery):
    forecast(bakery.departments, made_on=CUTOFF, last=CUTOFF + dt.timedelta(days=3))
    assert steps(bakery.organisation) == [["forecast", "measure"], ["forecast_items"]]


def test_products_need_no_model_of_the_branches(bakery):
    assert steps(bakery.organisation) == [["forecast_items"]]


def test_where_no_products_are_known_none_are_forecast(bakery):
    forecast(bakery.departments, made_on=CUTOFF, last=CUTOFF + dt.timedelta(days=3))
    ItemDay.objects.filter(date=CUTOFF).delete()
    ItemDay.objects.update(date=CUTOFF - dt.timedelta(days=20))
    assert steps(bakery.organisation) == [["forecast", "measure"]]
