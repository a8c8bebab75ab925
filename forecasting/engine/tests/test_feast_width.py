"""How much wider intervals are on feasts: measured by day, believed before."""

import numpy as np
import pytest

from forecasting.engine import fit, predict
from forecasting.engine.intervals import FEAST_WIDER, _feast_widths
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit


def widths(feasts: int, scatter: float) -> dict[str, float]:
    """Of 40 series on 100 days; on the first `feasts` of each ten days errors scatter by `scatter`, on the next as usual."""
    draw, t = np.random.default_rng(1), np.repeat(np.arange(100), 40)
    on = np.isin(t, np.arange(feasts) * 10)
    beside = np.isin(t, np.arange(feasts) * 10 + 1)
    return _feast_widths(draw.normal(size=len(t)) * np.where(on, scatter, 1.0), t, on, on | beside)


def test_what_was_measured_on_many_feasts_counts_and_their_eves_are_another_matter():
    found = widths(10, 3.0)
    assert found["on"] == pytest.approx((10 * 3.0 + 3 * FEAST_WIDER["on"]) / 13, rel=0.1)
    assert found["beside"] == pytest.approx((10 + 3 * FEAST_WIDER["beside"]) / 13, rel=0.1)


def test_one_feast_of_many_series_is_little_evidence_and_none_is_belief():
    assert FEAST_WIDER["on"] < widths(1, 4.0)["on"] < 2.5
    assert widths(0, 1.0) == FEAST_WIDER


def test_a_calm_feast_is_never_narrower_than_an_ordinary_day():
    assert min(widths(10, 0.2).values()) == 1.0


def test_a_feast_ahead_is_wider_than_the_days_beside_it():
    panel, cutoff = world.panel(series=5, days=430), world.day(429)  # 6 March 2024; the eighth is a feast
    out = predict(fit(panel, cutoff, world.SMALL, calibrate=False), panel, cutoff, 10)
    relative = ((out["hi80"] - out["lo80"]) / np.sqrt(out["yhat"])).groupby(out["date"]).mean()
    assert relative["2024-03-08"] > 1.15 * relative["2024-03-07"]
