"""Every Sunday the model is trained again, whoever is dead; a training that brings nothing better is told of."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from forecasting.engine import api as engine
from forecasting.engine.recipe import RECIPES
from forecasting.gate import Verdict
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.versions import save_version, serve, serving_version
from operations.schedules import setup_schedules
from operations.tasks import start_trainings
from operations.training import keep_training
from runs.choices import State
from runs.ledger import execute, open_run, run_now
from runs.models import Alarm, Run

pytestmark = pytest.mark.django_db
SUNDAY = dt.date(2026, 4, 5)


@pytest.fixture
def chain():
    """A chain whose model was trained a week ago."""
    organisation = make_chain(departments=2, days=150)
    before = CUTOFF - dt.timedelta(days=7)
    series = read_series(organisation, cutoff=before, horizon=7)
    serve(save_version(organisation, engine.fit(series.panel, before, RECIPES["quick"]), metrics={}))
    setup_schedules()
    return organisation


@pytest.fixture
def at(monkeypatch):
    def set_time(date: dt.date, hour: int) -> None:
        now = dt.datetime.combine(date, dt.time(hour, 40), ZoneInfo("Asia/Almaty"))
        monkeypatch.setattr("operations.training.clock.now", lambda: now)

    return set_time


def test_the_week_brings_a_refit_by_the_recipe_that_serves(chain):
    start_trainings()
    assert start_trainings() == []
    run = run_now(Run.objects.get(kind="train"))
    assert run.state == State.DONE, run.errors
    assert run.counts["gate"]["code"] == "passed_refit"
    version = serving_version(chain)
    assert (version.number, version.recipe, version.trained_through) == (2, "quick", CUTOFF)


def test_it_waits_for_the_sales_of_the_night(chain):
    open_run("nightly", organisation=chain)
    start_trainings()
    run = Run.objects.get(kind="train")
    assert execute(run.pk) == State.QUEUED
    run.refresh_from_db()
    assert run.not_before is not None and run.attempts == 0
    assert serving_version(chain).number == 1


def test_the_keeper_begins_it_on_a_sunday_when_beat_is_dead(chain, at):
    for date, hour in ((SUNDAY - dt.timedelta(days=1), 12), (SUNDAY, 2), (SUNDAY, 3)):
        at(date, hour)
        keep_training()
    assert not Run.objects.filter(kind="train").exists()
    at(SUNDAY, 5)
    keep_training()
    keep_training()
    assert Run.objects.get(kind="train").night == SUNDAY


def test_a_refused_training_is_an_alarm_until_one_passes(chain, monkeypatch):
    refused = Verdict(False, "biased", {"bias": "9.9"})
    with monkeypatch.context() as patch:
        patch.setattr("forecasting.train.judge", lambda *given: refused)
        start_trainings()
        assert run_now(Run.objects.get(kind="train")).state == State.FAILED
    alarm = Alarm.objects.get()
    assert alarm.code == "training_refused" and "9,9 %" in str(alarm)
    Run.objects.filter(kind="train").delete()
    start_trainings()
    assert run_now(Run.objects.get(kind="train")).state == State.DONE
    alarm.refresh_from_db()
    assert alarm.ended_at
