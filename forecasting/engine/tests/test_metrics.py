import numpy as np
import pandas as pd
import pytest

from forecasting.engine import build_panel, metrics
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
Y, YHAT = np.array([10.0, 20.0, np.nan, 70.0]), np.array([12.0, 15.0, 9.0, 80.0])


def test_measures_by_hand():
    assert metrics.wape(Y, YHAT) == pytest.approx(17 / 100)
    assert metrics.bias(Y, YHAT) == pytest.approx(7 / 100)
    assert metrics.mase(Y, YHAT, 2.0) == pytest.approx(17 / 3 / 2)
    assert metrics.pinball(Y, YHAT, 0.9) == pytest.approx((0.1 * 2 + 0.9 * 5 + 0.1 * 10) / 3)
    assert metrics.coverage(Y, YHAT - 3, YHAT + 3) == pytest.approx(1 / 3)
    assert metrics.width(Y, YHAT - 3, YHAT + 3) == pytest.approx(18 / 100)


def test_nothing_sold_has_no_relative_error():
    assert np.isnan(metrics.wape(np.zeros(3), np.ones(3)))


def rows() -> pd.DataFrame:
    """Five weeks of one series worth 1, 2, 3 ... by day; the third Wednesday is not recorded."""
    days = pd.date_range("2026-01-05", periods=35)
    return pd.DataFrame({"series_id": "a", "date": days, "y": np.arange(1.0, 36)}).drop(index=16)


def test_baselines_by_hand():
    panel = build_panel(rows(), horizon_end="2026-03-01")
    naive = metrics.seasonal_naive(panel, "2026-01-25", 14).set_index("date")["yhat"]
    assert naive["2026-01-26"] == 15 and naive["2026-01-28"] == 10 and naive["2026-02-08"] == 21
    four = metrics.mean4(panel, "2026-02-08", 7).set_index("date")["yhat"]
    assert four["2026-02-09"] == np.mean([29, 22, 15, 8])
    assert four["2026-02-11"] == np.mean([31, 24, 10, 3])


def test_a_backtest_is_scored_beside_both_baselines():
    panel, cutoff = world.panel(series=2, days=200), world.day(160)
    naive, four = (baseline(panel, cutoff, 14) for baseline in (metrics.seasonal_naive, metrics.mean4))
    score = metrics.score_backtest(panel, naive.assign(h=list(range(1, 15)) * 2), 14)
    assert score["n"] == 28
    assert score["wape"] == score["snaive_wape"] > 0
    assert score["mean4_wape"] == pytest.approx(metrics.wape(metrics.actuals(panel, four), four["yhat"]))
    week = naive[naive["date"] <= world.day(167)]
    assert score["wape_1_7"] == pytest.approx(metrics.wape(metrics.actuals(panel, week), week["yhat"]))


def test_the_scale_of_mase_is_the_weekly_change():
    assert metrics.mase_scale(build_panel(rows()), "2026-02-08")[0] == 7
