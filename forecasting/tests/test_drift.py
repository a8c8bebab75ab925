"""A model that no longer fits is told of; an ordinary one is left in peace."""

import datetime as dt
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from django.utils import timezone

from forecasting.choices import Origin
from forecasting.drift import drifts, watch_drift
from forecasting.models import Accuracy
from runs.models import Alarm, Run
from runs.sentences import sentence
from tests.world import World

BRANCHES = [uuid4() for _number in range(6)]
NAMES = {pk: f"Branch {number}" for number, pk in enumerate(BRANCHES)}


def promises(seed: int = 1, weeks: int = 13) -> pd.DataFrame:
    """Thirteen weeks of six branches, forecast with an error of a tenth and intervals that fit it."""
    draw = np.random.default_rng(seed)
    rows = len(BRANCHES) * weeks * 7
    y = draw.uniform(500, 1500, rows)
    yhat = y * draw.normal(1, 0.1, rows)
    frame = pd.DataFrame({"department": np.repeat(np.array(BRANCHES, dtype=object), weeks * 7), "y": y, "yhat": yhat})
    frame["weeks_ago"] = np.tile(np.arange(weeks * 7) // 7, len(BRANCHES))
    return frame.assign(inside=(yhat - y).__abs__() < 0.128 * y)


def codes(frame: pd.DataFrame) -> list[str]:
    return [drift.code for drift in drifts(frame, NAMES)]


@pytest.mark.unit
class TestRules:
    @pytest.mark.parametrize("seed", range(20))
    def test_ordinary_weeks_are_quiet(self, seed):
        assert codes(promises(seed)) == []

    def test_an_error_beyond_its_own_band(self):
        frame = promises()
        newest = frame["weeks_ago"] == 0
        frame.loc[newest, "yhat"] = frame["y"] + 2 * (frame["yhat"] - frame["y"])
        assert codes(frame) == ["error_beyond_band"]
        few = frame[frame["weeks_ago"] < 5]  # no band to speak of yet
        assert codes(few) == []

    def test_intervals_that_hold_too_little_or_too_much(self):
        for share in (0.5, 1.0):
            frame = promises()
            frame["inside"] = np.random.default_rng(1).random(len(frame)) < share
            assert codes(frame) == ["intervals_drift"]

    def test_a_bias_of_the_chain_that_stays_for_four_weeks(self):
        frame = promises()
        late = frame["weeks_ago"] < 4
        frame.loc[late, "yhat"] *= 1.08  # too little for any single branch to stand out
        assert codes(frame) == ["bias_persists"]
        frame.loc[frame["weeks_ago"] == 2, "yhat"] /= 1.12  # one week the other way
        assert codes(frame) == []

    def test_a_branch_that_goes_its_own_way_is_named(self):
        frame = promises()
        frame.loc[(frame["department"] == BRANCHES[2]) & (frame["weeks_ago"] < 4), "yhat"] *= 0.75
        (drift,) = [drift for drift in drifts(frame, NAMES) if drift.code == "branch_bias_persists"]
        assert (drift.department, drift.params["department"]) == (BRANCHES[2], "Branch 2")

    def test_many_branches_are_one_alarm(self):
        frame = promises()
        for number, pk in enumerate(BRANCHES[:4]):
            late = (frame["department"] == pk) & (frame["weeks_ago"] < 4)
            frame.loc[late, "yhat"] *= 0.75 if number % 2 else 1.25
        assert "branches_bias" in codes(frame) and "branch_bias_persists" not in codes(frame)


def logged(world: World, factor: float) -> None:
    """Five weeks of the cafe, each day promised `factor` times what was sold."""
    Accuracy.objects.all().delete()
    Accuracy.objects.bulk_create(
        Accuracy(
            organisation=world.organisation, department=department, date=world.today - dt.timedelta(days=back), horizon=1,
            version=world.version, origin=Origin.NIGHTLY, rule="model", cutoff=world.today, actual=1000,
            predicted_sales=1000 * factor + back % 2, lower_80=900, upper_80=1100 if back % 5 else 999, lower_95=0, upper_95=2000,
            state="complete", is_settled=True, measured_at=timezone.now(),
        )
        for back in range(1, 36) for department in world.departments
    )  # fmt: skip


@pytest.mark.integration
@pytest.mark.django_db
class TestAlarms:
    def test_an_alarm_begins_asks_for_a_training_once_and_ends(self, world: World):
        logged(world, 1.2)
        watch_drift(world.organisation)
        alarm = Alarm.objects.get()
        assert alarm.code == "bias_persists" and "20,1 %" in sentence(alarm.code, alarm.params)
        run = Run.objects.get(kind="train")
        assert run.trigger == "schedule"
        run.state = "done"
        run.save()
        watch_drift(world.organisation)
        assert Alarm.objects.count() == Run.objects.count() == 1
        logged(world, 1.0)
        watch_drift(world.organisation)
        assert Alarm.objects.get().ended_at

    def test_without_any_promise_there_is_nothing_to_say(self, world: World):
        assert watch_drift(world.organisation) == []
