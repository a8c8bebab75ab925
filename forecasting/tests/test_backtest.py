"""The long backtest runs after the version serves, in the open, and its figures stay with the version."""

import datetime as dt

import pytest

from departments.models import Department
from forecasting.backtest import backtest_version, rolling_origins, start_backtest
from forecasting.choices import LEAST_DAYS
from forecasting.models import ModelVersion
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.train import start_training
from forecasting.versions import serving_version
from runs.choices import State
from runs.ledger import cancel, run_now
from runs.models import Run

pytestmark = pytest.mark.django_db


def train(organisation, **options) -> Run:
    return run_now(start_training(organisation=organisation, trigger="command", origins=1, **options)[0])


def test_training_serves_first_and_then_asks_for_a_year_of_origins():
    organisation = make_chain(departments=2, days=200)
    assert train(organisation).state == State.DONE
    version = serving_version(organisation)
    assert (version.metrics["origins"], version.backtest) == (1, {})
    run = Run.objects.get(kind="backtest")
    assert (run.state, run.unit, run.trigger) == (State.QUEUED, "v1", "run")
    done = run_now(run)
    assert done.state == State.DONE, done.errors
    version.refresh_from_db()
    # 200 days leave room for four origins with eight weeks before them and four after.
    assert version.metrics["origins"] == done.counts["origins"] == 4
    assert version.backtest["days_ahead"].keys() == {"1-7", "8-14", "15-28"}
    assert version.backtest["branch"].keys() == {str(pk) for pk in Department.objects.values_list("pk", flat=True)}
    assert set(version.backtest["weekday"]) == set("1234567")
    total = sum(score["n"] for score in version.backtest["days_ahead"].values())
    assert total == version.metrics["n"]
    assert all(score["snaive_wape"] > 0 for score in version.backtest["segment"].values())


def test_twelve_origins_reach_over_a_year():
    organisation = make_chain(departments=1, days=500)
    series = read_series(organisation, cutoff=CUTOFF, horizon=28)
    origins = rolling_origins(series, 12, 30)
    assert len(origins) == 12 and origins == sorted(origins)
    assert origins[-1] == CUTOFF - dt.timedelta(days=28)
    assert (CUTOFF - origins[0]).days >= 350


@pytest.mark.parametrize(("days", "origins"), [(LEAST_DAYS, 1), (LEAST_DAYS - 1, 0)])
def test_the_least_history_people_are_told_of_is_what_measuring_needs(days, origins):
    series = read_series(make_chain(departments=1, days=days), cutoff=CUTOFF, horizon=28)
    assert len(rolling_origins(series, 4)) == origins


def test_it_is_seen_and_stopped_like_any_other_work(monkeypatch):
    organisation = make_chain(departments=1, days=200)
    train(organisation)
    run = Run.objects.get(kind="backtest")
    told = []

    def stopped(version, progress):
        def tell(done: int, total: int) -> None:
            told.append((done, total))
            cancel(Run.objects.get(pk=run.pk))
            progress(done, total)

        return backtest_version(version, tell)

    monkeypatch.setattr("forecasting.work.backtest_version", stopped)
    assert run_now(run).state == State.CANCELLED
    assert told == [(0, 4)]
    assert serving_version(organisation).backtest == {}


def test_a_recipe_that_does_not_exist_is_one_sentence():
    organisation = make_chain(departments=1, days=100)
    run = train(organisation, recipe="miracle")
    assert (run.errors[0]["code"], run.errors[0]["params"]["recipe"]) == ("unknown_recipe", "miracle")
    assert not ModelVersion.objects.exists()


def test_another_recipe_competes_with_the_serving_one_at_the_same_origins():
    organisation = make_chain(departments=2, days=250)
    assert train(organisation, recipe="quick").state == State.DONE
    run = train(organisation, recipe="standard")
    said = run.counts["gate"]
    assert said["code"] in ("worse_than_serving", "not_surely_better", "passed_recipe", "segment_worse", "biased")
    assert serving_version(organisation).recipe == ("standard" if said["passed"] else "quick")


def test_a_version_whose_recipe_this_code_lacks_is_not_measured(monkeypatch):
    organisation = make_chain(departments=1, days=100)
    train(organisation)
    version = serving_version(organisation)
    Run.objects.filter(kind="backtest").delete()
    ModelVersion.objects.filter(pk=version.pk).update(recipe="gone")
    run = run_now(start_backtest(version, trigger="command")[0])
    assert run.errors[0]["code"] == "contract_changed"
