"""What the second member corrects: the level, as the weekday usually is to it."""

import numpy as np
import pandas as pd
import pytest

from forecasting.engine import members
from forecasting.engine.history import History
from forecasting.engine.panel import build_panel
from forecasting.engine.tests.world import START, day

pytestmark = pytest.mark.unit
WEEK = np.array([80.0, 90, 100, 110, 130, 140, 50])
DAYS, AHEAD = 7 * 60, np.arange(1, 29)


def base(y: np.ndarray) -> np.ndarray:
    """[28] of the days after `y`."""
    sales = pd.DataFrame({"series_id": "b", "date": pd.date_range(START, periods=len(y)), "y": y})
    history = History(build_panel(sales).until(day(len(y) + 28)), day(len(y) - 1))
    at = np.zeros(len(AHEAD), dtype=np.int64)
    return members.base(history, at, at + len(y) - 1, AHEAD)


@pytest.mark.parametrize("days", [DAYS, DAYS - 1, DAYS - 3])
def test_of_weeks_that_are_all_alike_it_is_the_week(days):
    y = np.tile(WEEK, 60)[:days]
    assert base(y) == pytest.approx(WEEK[(days + AHEAD - 1) % 7] * y[-28:].mean() / WEEK.mean(), rel=1e-3)


def test_it_follows_the_level_at_once():
    y = np.tile(WEEK, 60)
    y[-28:] *= 2
    assert base(y) == pytest.approx(np.tile(2 * WEEK, 4), rel=1e-3)


def test_a_few_odd_weekdays_move_it_little():
    y = np.tile(WEEK, 60)
    y[-21::7] *= 2  # the last three Mondays
    monday = base(y)[0] / (y[-28:].mean() / WEEK.mean())
    assert WEEK[0] < monday < 1.15 * WEEK[0]


def test_it_is_at_least_a_quarter_of_the_level_and_the_level_on_a_weekday_that_has_not_been_seen():
    y = np.tile(WEEK, 60)
    y[6::7], y[0::7] = 1.0, np.nan
    level = np.nanmean(y[-28:])
    assert base(y)[6] == pytest.approx(level / 4)
    assert base(y)[0] == pytest.approx(level)
