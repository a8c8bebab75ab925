"""What intervals are calibrated on, and around what."""

import numpy as np
import pytest

from forecasting.engine import api, fit, intervals
from forecasting.engine.history import History
from forecasting.engine.tests import world

pytestmark = pytest.mark.unit
NONE_SHORT = (np.array([], dtype=int), np.array([], dtype=int), np.array([]))


def calibrated(factor: float, season: float = 1.0, grows: float = 0.0, then=None) -> intervals.Calibration:
    """On forecasts that are what was sold times `factor`, and noise that grows with each day ahead."""
    panel = world.panel(series=6, days=300)
    history = History(panel, world.day(299))
    s, o, h = (x.reshape(-1) for x in np.meshgrid(np.arange(6), np.arange(230, 272, 3), np.arange(1, 29)))
    noise = np.exp(np.random.default_rng(2).normal(0, 0.1, len(s)) * (1 + grows * h))
    return intervals.calibrate(history, s, o, h, panel.y[s, o + h] * factor * noise, NONE_SHORT, 0.15, season, then)


def test_weeks_that_all_came_out_high_do_not_push_intervals_up():
    right, low = calibrated(1.0), calibrated(0.85)
    for plain, pushed in zip(right.quantiles, low.quantiles, strict=True):
        assert -1.4 < pushed["lo80"] / pushed["hi80"] < -0.7
        assert pushed["hi80"] - pushed["lo80"] > 0.95 * (plain["hi80"] - plain["lo80"])


def season(scatter_a_year_ago: float, days: int = 60) -> float:
    """What errors are multiplied by where they scattered so much more on `days` days a year ago."""
    panel = world.panel(series=6, days=500)
    history, draw = History(panel, world.day(499)), np.random.default_rng(2)

    def errors(first: int, count: int, scatter: float) -> tuple[np.ndarray, ...]:
        s, o, h = (x.reshape(-1) for x in np.meshgrid(np.arange(6), np.arange(first, first + count), np.arange(1, 15)))
        return s, o, h, panel.y[s, o + h] * (1 + draw.normal(0, 0.03 * scatter, len(s)))

    return intervals.season_ahead(history, errors(420, 60, 1.0), errors(80, days, scatter_a_year_ago))


@pytest.mark.parametrize("scatter", [0.3, 1.0, 3.0])
def test_a_season_that_was_harder_or_calmer_a_year_ago_is_believed_half(scatter):
    assert season(scatter) == pytest.approx(np.sqrt(scatter), rel=0.1)


def test_no_season_more_than_doubles_or_halves_intervals():
    assert (season(0.1), season(9.0)) == (1 / intervals.MOST_SEASON, intervals.MOST_SEASON)


def test_of_a_season_hardly_seen_nothing_is_said():
    assert season(3.0, days=3) == 1.0


def test_intervals_are_as_wide_as_the_season_says():
    plain, harder = calibrated(1.0), calibrated(1.0, season=1.4)
    for one, other in zip(plain.quantiles, harder.quantiles, strict=True):
        assert other == pytest.approx({k: 1.4 * v for k, v in one.items()})
    assert harder.feast == plain.feast and harder.together == pytest.approx(plain.together)


def test_intervals_widen_along_a_line_with_the_days_ahead():
    first, second, third, _ = (q["hi80"] - q["lo80"] for q in calibrated(1.0, grows=0.03).quantiles)
    assert second / first == pytest.approx(1.33 / 1.12, rel=0.06)
    assert third / first == pytest.approx(1.65 / 1.12, rel=0.08)


def test_intervals_never_narrow_with_the_days_ahead():
    ends = [q["hi80"] for q in calibrated(1.0, grows=-0.02).quantiles]
    assert ends == sorted(ends)
    assert ends[2] < 1.1 * ends[0]  # but for what all get wrong together


def test_how_far_all_err_alike_is_told_by_a_year_ago_as_much_as_by_now():
    panel = world.panel(series=6, days=300)
    draw = np.random.default_rng(4)
    s, o, h = (x.reshape(-1) for x in np.meshgrid(np.arange(6), np.arange(60, 110), np.arange(1, 15)))
    one_for_all = panel.y[s, o + h] * (1 + 0.1 * draw.normal(size=300)[o + h])
    alone, both = calibrated(1.0), calibrated(1.0, then=(s, o, h, one_for_all))
    assert both.together["series"] == pytest.approx((alone.together["series"] + 1.0) / 2, abs=0.1)
    assert both.quantiles == alone.quantiles
    hardly = tuple(x[:200] for x in (s, o, h, one_for_all))
    assert calibrated(1.0, then=hardly).together == alone.together


def targets(days: int, monkeypatch) -> np.ndarray:
    """The days, counted back from the cutoff, of the errors that intervals are made of."""
    seen = []

    def spy(history, s, o, h, *rest):
        seen.append(history.cutoff - (o + h))
        return intervals.Calibration([])

    monkeypatch.setattr(api.intervals, "calibrate", spy)
    fit(world.panel(series=2, days=days), world.day(days - 1), world.SMALL)
    (back,) = seen
    return np.unique(back)


@pytest.mark.parametrize(("days", "held_back"), [(120, 35), (250, 50), (500, 70), (750, 70)])
def test_of_a_short_past_few_days_are_held_back(days, held_back, monkeypatch):
    back = targets(days, monkeypatch)
    assert back.min() == 0 and back.max() == held_back - 1


def test_the_season_ahead_is_told_by_the_same_days_a_year_ago(monkeypatch):
    asked, given = [], []

    def spy(history, now, then):
        asked.extend([history.cutoff - (now[1] + now[2]), history.cutoff - (then[1] + then[2])])
        return 1.23

    monkeypatch.setattr(api.intervals, "season_ahead", spy)
    monkeypatch.setattr(api.intervals, "calibrate", lambda *args: given.append(args[-2]) or intervals.Calibration([]))
    fit(world.panel(series=2, days=750), world.day(749), world.SMALL, calibrate=False)
    now, then = asked
    assert (now.min(), now.max()) == (0, 69)
    assert (then.min(), then.max()) == (364 - 41, 364 + 14)
    assert given == [1.23]
