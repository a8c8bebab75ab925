"""Damaged and foreign model files are refused, and whoever tried to load them lives on."""

import hashlib
import json
import pickle

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from forecasting.engine import api, trial
from forecasting.engine.recipe import RECIPES
from forecasting.engine.tests import world
from forecasting.models import ModelText, ModelVersion
from forecasting.predict import start_forecast
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.versions import Refused, _load_fit, load_fit, roll_back, save_version, serve, serving_version
from runs.choices import State
from runs.ledger import run_now
from runs.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def fitted():
    panel, date = world.panel(series=2, days=150), world.day(149)
    days = pd.date_range(end=date, periods=60)
    hours = pd.MultiIndex.from_product([["0"], days, range(9, 21)], names=["series_id", "date", "hour"])
    hours = hours.to_frame(index=False).assign(y=lambda frame: frame["hour"] + frame["date"].dt.day)
    return api.fit(panel, date, RECIPES["quick"], calibrate=False, hours=hours)


@pytest.fixture
def version(fitted):
    organisation = make_chain(departments=1, days=40)
    return save_version(organisation, fitted, metrics={})


def damaged_texts(text: str) -> list[str]:
    """Sixty ways in which a file breaks."""
    draw = np.random.default_rng(1)
    out = [text[: int(len(text) * share)] for share in np.linspace(0, 0.98, 20)]
    for _number in range(20):
        at = int(draw.integers(0, len(text)))
        out.append(text[:at] + chr((ord(text[at]) + 1) % 128) + text[at + 1 :])
    for _number in range(15):
        first, second = sorted(draw.integers(0, len(text), 2))
        out.append(text[:first] + text[second:])
    out += [
        "",
        "{}",
        json.dumps({"tree": 1}),
        pickle.dumps([1, 2]).decode("latin-1").replace("\x00", ""),
        "tree\n" * 99,
    ]
    return out


def test_sixty_damaged_files_are_refused_before_anything_loads_them(version, monkeypatch):
    row = version.texts.first()
    loaded = []
    monkeypatch.setattr(trial, "survives", lambda *given: loaded.append(given))
    monkeypatch.setattr(lgb, "Booster", lambda **given: loaded.append(given))
    broken = damaged_texts(row.text)
    assert len(broken) == 60
    for text in broken:
        ModelText.objects.filter(pk=row.pk).update(text=text)
        with pytest.raises(Refused) as caught:
            load_fit(version)
        assert caught.value.code == "model_damaged"
    assert loaded == []


@pytest.mark.parametrize("contract", [None, {}, {"contract_hash": "of another time"}])
def test_a_model_of_hours_without_its_contract_is_refused(version, contract):
    ModelVersion.objects.filter(pk=version.pk).update(manifest={**version.manifest, "hours": contract})
    with pytest.raises(Refused):
        load_fit(version)


def test_a_damaged_model_of_hours_dies_in_a_process_of_its_own(version):
    text = foreign_booster()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    assert version.texts.filter(name="hours").update(text=text, sha256=sha256) == 1
    with pytest.raises(Refused) as caught:
        load_fit(version)
    assert caught.value.code == "model_damaged"


def foreign_booster() -> str:
    data = lgb.Dataset(np.random.default_rng(1).normal(size=(200, 2)), np.arange(200))
    return lgb.train({"verbose": -1, "num_leaves": 4}, data, 3).model_to_string()


FOREIGN = {
    "cut in half": lambda text: text[: len(text) // 2],
    "another model": lambda text: foreign_booster(),
    "leaves that are not there": lambda text: text.replace("num_leaves=", "num_leaves=9", 40),
    "children out of range": lambda text: text.replace("left_child=", "left_child=99999 ", 40),
    "no model at all": lambda text: "Not a model",
    "an object": lambda text: json.dumps({"model": 1}),
    "features out of range": lambda text: text.replace("split_feature=", "split_feature=9999 ", 40),
}


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(how, marks=[] if how in ("another model", "children out of range") else pytest.mark.deep)
        for how in FOREIGN
    ],
)
def test_a_foreign_file_with_a_right_hash_dies_in_a_process_of_its_own(version, how):
    for row in version.texts.all():
        text = FOREIGN[how](row.text)
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        ModelText.objects.filter(pk=row.pk).update(text=text, sha256=sha256)
    with pytest.raises(Refused) as caught:
        load_fit(version)
    assert caught.value.code == "model_damaged"


def test_texts_that_come_from_elsewhere_unharmed_are_tried_once(version, monkeypatch):
    ModelVersion.objects.filter(pk=version.pk).update(tried="")
    assert load_fit(version).texts().keys() == {*version.manifest["members"], "hours"}
    _load_fit.cache_clear()
    monkeypatch.setattr(trial, "survives", lambda *given: pytest.fail("tried again"))
    load_fit(version)


def test_a_damaged_version_does_not_serve_and_what_serves_goes_on(version):
    other = save_version(version.organisation, _fit_of(version.organisation), metrics={})
    serve(other)
    version.gate = {"passed": True}
    version.save()
    ModelText.objects.filter(version=version).update(text="broken")
    with pytest.raises(Refused):
        roll_back(version, by=None)
    assert serving_version(version.organisation) == other


def test_a_night_that_cannot_use_its_model_asks_for_a_new_one(version):
    serve(version)
    ModelVersion.objects.filter(pk=version.pk).update(contract="of another time")
    run = run_now(start_forecast(organisation=version.organisation, trigger="schedule")[0])
    assert (run.state, run.errors[0]["code"]) == (State.FAILED, "contract_changed")
    assert Run.objects.get(kind="train").trigger == "schedule"


def _fit_of(organisation):
    series = read_series(organisation, cutoff=CUTOFF, horizon=7)
    return api.fit(series.panel, CUTOFF, RECIPES["quick"], calibrate=False)
