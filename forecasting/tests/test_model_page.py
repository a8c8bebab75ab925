"""The model on the screen: what serves, how well it was measured, training, rolling back."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from forecasting.choices import VersionState
from forecasting.models import ModelVersion
from operations.schedules import setup_schedules
from runs.models import Run
from tests.reading import content, reader, rows, words
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/admin/forecasting/modelversion/model/"
TRAIN = "/admin/forecasting/modelversion/train/"


def older(world: World, state: str = VersionState.RETIRED, number: int = 2, **fields: object) -> ModelVersion:
    return ModelVersion.objects.create(
        organisation=world.organisation,
        number=number,
        recipe="gone",
        code_version="1",
        contract="0" * 64,
        trained_through=world.today,
        state=state,
        **fields,
    )


def test_the_serving_version_is_described_in_words_beside_what_anybody_could_do(world: World):
    text = content(reader(world, "analyst").get(PAGE))
    assert "Model v1 makes the forecasts" in text
    assert "on 4 past dates, 28 days ahead" in text
    assert "was off by 11.0 % on average" in text and "Repeating last week would have been off by 17.0 %" in text


def test_before_the_first_model_the_page_says_what_to_do(world: World):
    world.issue.delete()
    world.version.delete()
    assert "No model serves yet" in content(reader(world, "manager").get(PAGE))


def test_each_version_says_why_it_was_let_in_or_refused(world: World):
    gate = {"passed": False, "code": "worse_than_naive", "params": {"wape": "19.1", "naive": "17.0"}}
    older(world, VersionState.REFUSED, gate=gate, metrics={"wape": 0.191, "snaive_wape": 0.17})
    refused = rows(reader(world, "analyst").get(PAGE))[0]
    assert "v2" in refused and "refused" in refused and "19.1 %" in refused
    assert "no better than repeating last week" in refused


def test_training_is_started_by_post_and_shown_where_it_was_started(world: World):
    manager = reader(world, "manager")
    assert manager.get(TRAIN).status_code == 405
    response = manager.post(TRAIN)
    run = Run.objects.get(kind="train")
    assert response.url == f"{PAGE}?run={run.pk}" and run.started_by == world.manager
    assert "Waiting for a worker" in content(manager.get(response.url))
    # Whoever opens the page meanwhile sees it too, and cannot start another.
    assert f"run-{run.pk}" in reader(world, "analyst").get(PAGE).content.decode()
    manager.post(TRAIN)
    assert Run.objects.filter(kind="train").count() == 1


def test_the_list_of_versions_trains_too(world: World):
    path = "/admin/forecasting/modelversion/"
    asked = {"action": "retrain", "_selected_action": [world.version.pk]}
    reader(world, "analyst").post(path, asked)
    assert not Run.objects.exists()
    reader(world, "manager").post(path, asked)
    assert Run.objects.get().kind == "train"


def test_an_analyst_looks_but_neither_trains_nor_rolls_back(world: World):
    version = older(world)
    analyst = reader(world, "analyst")
    page = analyst.get(PAGE).content.decode()
    assert "Train now" not in page and "roll back" not in page.lower()
    assert analyst.post(TRAIN).status_code == 403
    assert analyst.post(f"/admin/forecasting/modelversion/{version.pk}/serve/").status_code == 403
    assert reader(world, "manager").post(f"/admin/forecasting/modelversion/{version.pk}/serve/").status_code == 403


def test_a_version_that_this_code_cannot_use_is_not_served_and_says_why(world: World):
    version = older(world, activated_at=timezone.now(), gate={"passed": True, "code": "passed_naive", "params": {}})
    administrator = reader(world, "administrator")
    assert "Yes, roll back" in content(administrator.get(PAGE))
    page = administrator.post(f"/admin/forecasting/modelversion/{version.pk}/serve/", follow=True)
    assert "was made by another version of the program" in words(page.content.decode())
    assert ModelVersion.objects.filter(organisation=world.organisation).serving().get() == world.version


def test_a_version_that_serves_again_makes_forecasts_at_once(world: World, monkeypatch):
    """Until the night the newest ones would be those of the version that was not wanted."""
    version = older(world, activated_at=timezone.now(), gate={"passed": True, "code": "passed_naive", "params": {}})
    monkeypatch.setattr("forecasting.versions.load_fit", lambda version: None)
    administrator = reader(world, "administrator")
    response = administrator.post(f"/admin/forecasting/modelversion/{version.pk}/serve/")
    assert ModelVersion.objects.filter(organisation=world.organisation).serving().get() == version
    run = Run.objects.get(kind="forecast")
    assert response.url == f"{PAGE}?run={run.pk}" and run.started_by == world.administrator
    text = words(administrator.get(response.url).content.decode())
    assert "Model v2 serves again." in text and "Waiting for a worker" in text


def test_a_version_is_read_in_words(world: World):
    text = content(reader(world, "analyst").get(f"/admin/forecasting/modelversion/{world.version.pk}/change/"))
    assert "State serving Recipe" in text


def test_models_of_another_chain_do_not_exist(world: World):
    foreign = ModelVersion.objects.get(organisation=world.other_organisation)
    assert (
        reader(world, "administrator").post(f"/admin/forecasting/modelversion/{foreign.pk}/serve/").status_code == 404
    )
    assert reader(world, "staff").get(PAGE).status_code == 403


def test_the_long_backtest_is_shown_by_group_in_words(world: World):
    score = {"n": 336.0, "wape": 0.1, "snaive_wape": 0.2, "bias": -0.01, "coverage80": 0.79}
    ModelVersion.objects.filter(pk=world.version.pk).update(
        backtest={"days_ahead": {"15-28": score, "1-7": score}, "day": {"holiday": score}, "weekday": {"1": score}}
    )
    page = reader(world, "analyst").get(PAGE)
    assert "Backtest in detail, 4 past dates over a year" in content(page)
    lines = [line.split(" 336 ")[0] for line in rows(page) if " 336 " in line]
    assert lines == ["1-7", "15-28", "Monday", "Holidays"]


def test_what_changed_since_the_version_that_served_before(world: World):
    week_ago = timezone.now() - dt.timedelta(days=7)
    metrics = {"wape": 0.1234, "wape_1_7": 0.11, "bias": 0.005, "coverage80": 0.78}
    before = older(world, activated_at=week_ago, metrics=metrics)
    older(world, number=3, activated_at=week_ago - dt.timedelta(days=7), metrics={"wape": 0.9})
    older(world, VersionState.REFUSED, number=4, metrics={"wape": 0.8})
    ModelVersion.objects.filter(pk=world.version.pk).update(
        metrics=metrics | {"wape": 0.11, "wape_1_7": 0.11, "bias": -0.02, "coverage80": 0.83}
    )
    page = reader(world, "analyst").get(PAGE)
    assert rows(page, 'id="changes"') == [
        "Mean miss (WAPE) 12.3 % 11.0 % better",
        "First seven days 11.0 % 11.0 % the same",
        "Bias +0.5 % −2.0 % worse",
        "80 % intervals held 78.0 % 83.0 % worse",
    ]
    text = content(page)
    assert f"Against {before}, which served before" in text
    assert "In sum it promises 2.0 % too little." in text and "it held 83.0 % of them" in text


def test_the_next_training_by_itself_and_how_long_the_last_one_took(world: World):
    analyst = reader(world, "analyst")
    assert "Training by itself is switched off." in content(analyst.get(PAGE))
    setup_schedules()
    assert re.search(r"trains next on Sun, \d\d\.\d\d\.\d{4} at 03:30, Asia/Almaty", content(analyst.get(PAGE)))
    assert "/periodictask/" not in analyst.get(PAGE).content.decode()
    begun = timezone.now()
    done = {"started_at": begun, "finished_at": begun + dt.timedelta(seconds=84)}
    Run.objects.create(organisation=world.organisation, kind="train", state="done", **done)
    assert "The last training took 1:24" in content(reader(world, "manager").get(PAGE))
