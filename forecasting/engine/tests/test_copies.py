"""Of few records the members are trained by several seeds: what was drawn decides less."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.engine import Fit, fit, predict
from forecasting.engine.members import copies, voice
from forecasting.engine.recipe import RECIPES
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
CUTOFF = world.day(449)
STANDARD = RECIPES["standard"]
NEW = ("n", "n2", "n3")


@pytest.fixture(scope="module")
def panel():
    return world.panel(series=3, days=450)


def trained(panel, *, most: int, seed: int = 7) -> Fit:
    return fit(panel, CUTOFF, replace(world.SMALL, most_copies=most), seed=seed, calibrate=False)


def test_the_fewer_records_the_more_copies_up_to_four():
    assert [copies(STANDARD, records) for records in (0, 365, 10_000, 20_000, 38 * 730, 1_000_000)] == [4, 4, 4, 2, 1, 1]


def test_every_member_has_its_copies_and_the_newcomers_always_three():
    panel = world.panel(series=9, days=450)
    assert set(trained(panel, most=3).boosters) == {"a", "a2", "a3", "b", "b2", "b3", "r", "r2", "r3", *NEW}
    assert set(trained(panel, most=1).boosters) == {"a", "b", "r", *NEW}


def test_the_first_copy_is_what_a_single_model_would_be(panel):
    one, three = trained(panel, most=1).texts(), trained(panel, most=3).texts()
    assert {name: three[name] for name in one} == one
    assert len(set(three.values())) == len(three)


def test_a_member_says_the_mean_of_its_copies(panel):
    boosters = trained(panel, most=3).boosters
    rows = np.random.default_rng(1).normal(size=(50, boosters["a"].num_feature()))
    said = [boosters[name].predict(rows) for name in ("a", "a2", "a3")]
    np.testing.assert_allclose(voice(boosters, "a", rows), np.mean(said, axis=0), rtol=1e-12)
    np.testing.assert_allclose(voice(boosters, "a", rows, split=True).sum(axis=1), np.mean(said, axis=0), rtol=1e-9)


def test_the_mean_of_a_member_counts_as_one_member(panel):
    blended = {"mix", "a", "b", "r"}
    for most in (1, 3):
        blend = trained(panel, most=most).manifest()["blend"]
        assert set(blend) == blended and sum(blend.values()) == pytest.approx(1)


def test_the_seed_moves_forecasts_of_few_records_less(panel):
    def scatter(most: int) -> float:
        made = [predict(trained(panel, most=most, seed=seed), panel, CUTOFF)["yhat"] for seed in (1, 2, 3, 5)]
        return float(np.std(made, axis=0).mean())

    assert scatter(4) < 0.7 * scatter(1)  # the mean of four scatters half as much
