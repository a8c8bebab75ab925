"""May a freshly trained version serve?

The first must beat repeating last week. A new recipe must beat the serving one where both are refitted at the same past
origins. A refit of the serving recipe must not be worse on the days after the old cutoff, which neither has seen: the
recipe is fitted once more at the old cutoff for that. All must be sane: every branch and day, numbers, scale, bias,
coverage. The figures of the limits are those of rule 9 in docs/design.md.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.currencies import panel_at_par
from forecasting.engine import api as engine
from forecasting.engine import contest, metrics
from forecasting.engine.contest import Contender, Contest
from forecasting.series import Series

HORIZON = 28
SURE = 0.95  # share of bootstrap draws in which a new recipe must be better
SEGMENT_WORSE = 1.03
SEGMENT_SURE = 0.90  # ... and in which a segment must be worse before it is held against the recipe
REFIT_WORSE = 1.02
MOST_BIAS = 0.02
COVERAGE = (0.77, 0.83)
# A few days of one refit scatter widely: here only what cannot be chance is stopped.
REFIT_BIAS, REFIT_COVERAGE = 0.10, (0.60, 0.97)
FIRST_BIAS = 0.20
MOST_CHANGE = 3.0  # the chain's next four weeks against its last four, either way
MOST_CHANGE_OF_BRANCH = 6.0
BANDS = ((7, "1-7"), (14, "8-14"), (HORIZON, "15-28"))

Tell = Callable[[], None]


@dataclass(frozen=True)
class Verdict:
    passed: bool
    code: str
    params: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"passed": self.passed, "code": self.code, "params": self.params}


def judge_first(series: Series, new: engine.Fit, backtest: dict[str, Any]) -> Verdict:
    """`backtest` is the score of the recipe at refitted rolling origins, beside naive's."""
    if backtest["wape"] >= backtest["snaive_wape"]:
        return _no("worse_than_naive", wape=_percent(backtest["wape"]), naive=_percent(backtest["snaive_wape"]))
    if abs(backtest["bias"]) > FIRST_BIAS:
        return _no("biased", bias=_percent(backtest["bias"]))
    return sane(series, new) or Verdict(
        True, "passed_naive", {"wape": _percent(backtest["wape"]), "naive": _percent(backtest["snaive_wape"])}
    )


def judge_recipe(
    series: Series, new: Contender, old: Contender, origins: Sequence[dt.date], tell: Tell = lambda: None
) -> Verdict:
    """A new way of forecasting against the serving one, both at the same origins. `tell` is called 2 x origins times."""
    frame = contest.forecasts(new, series.panel, origins, HORIZON, tell)
    if code := contest.flaw(frame, series.panel, origins, HORIZON):
        return _no(code)
    serving = contest.forecasts(old, series.panel, origins, HORIZON, tell)
    _panel, frame, serving = panel_at_par(series.panel, frame, serving)
    found = contest.compare(frame, serving, segments(series))
    figures = {"wape": _percent(found.new), "serving": _percent(found.old)}
    if found.new >= found.old:
        return _no("worse_than_serving", **figures)
    if found.better < SURE:
        return _no("not_surely_better", **figures, sure=_percent(found.better))
    if worse := _worse_segments(found):
        return _no("segment_worse", segments=[_segment(series, each) for each in worse[:3]])
    ours, theirs = metrics.score(frame), metrics.score(serving)
    # Where the serving one is off itself, a new one must not be further off.
    if abs(ours["bias"]) > max(MOST_BIAS, abs(theirs["bias"])):
        return _no("biased", bias=_percent(ours["bias"]))
    low, high = COVERAGE
    if not low <= ours["coverage80"] <= high and _off(ours["coverage80"]) >= _off(theirs["coverage80"]):
        return _no("intervals_off", coverage=_percent(ours["coverage80"]))
    return Verdict(True, "passed_recipe", {**figures, "origins": len(origins)})


def judge_refit(series: Series, rehearsal: Contender, old: engine.Fit, tell: Tell = lambda: None) -> Verdict:
    """`rehearsal` is refitted at the old cutoff; both forecast the days after it, up to four weeks."""
    seen = dt.date.fromisoformat(old.trained_through)
    days = min((series.cutoff - seen).days, HORIZON)
    if days < 1:
        return Verdict(True, "passed_again", {})
    frame = contest.forecasts(rehearsal, series.panel, [seen], days, tell)
    if code := contest.flaw(frame, series.panel, [seen], days):
        return _no(code)
    serving = contest.forecasts(contest.of_fit(old), series.panel, [seen], days, tell)
    _panel, frame, serving = panel_at_par(series.panel, frame, serving)
    ours, theirs = metrics.score(frame), metrics.score(serving)
    if "wape" not in ours or "wape" not in theirs:
        return Verdict(True, "passed_again", {})
    figures = {"wape": _percent(ours["wape"]), "serving": _percent(theirs["wape"]), "days": days}
    if ours["wape"] > theirs["wape"] * REFIT_WORSE:
        return _no("worse_than_serving", **figures)
    if abs(ours["bias"]) > max(REFIT_BIAS, abs(theirs["bias"])) * REFIT_WORSE:
        return _no("biased", bias=_percent(ours["bias"]))
    low, high = REFIT_COVERAGE
    if not low <= ours["coverage80"] <= high and _off(ours["coverage80"]) > _off(theirs["coverage80"]) + 0.02:
        return _no("intervals_off", coverage=_percent(ours["coverage80"]))
    return Verdict(True, "passed_refit", figures)


def sane(series: Series, new: engine.Fit) -> Verdict | None:
    """What speaks against the forecasts a fit would make tomorrow, None if nothing does."""
    if new.trained_through != series.cutoff.isoformat():
        return _no("stale", trained=new.trained_through, cutoff=series.cutoff.isoformat())
    if empty := [name for name, values in series.panel.numeric.items() if np.isnan(values).all()]:
        return _no("empty_column", columns=", ".join(empty))
    return sane_frame(series, engine.predict(new, series.panel, series.cutoff, HORIZON, cutoffs=series.cutoffs))


def sane_frame(series: Series, ahead: pd.DataFrame) -> Verdict | None:
    """As `sane`, of the forecasts of the next four weeks themselves."""
    frame = ahead.assign(cutoff=pd.Timestamp(series.cutoff))
    if code := contest.flaw(frame, series.panel, [series.cutoff], HORIZON):
        return _no(code)
    panel, frame = panel_at_par(series.panel, frame)
    end = panel.index(series.cutoff) + 1
    recent = panel.y[:, max(end - HORIZON, 0) : end]
    known = ~np.isnan(recent)
    before = np.where(known.any(axis=1), np.nansum(recent, axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)
    shown = frame[frame["p_open"] >= 0.5].groupby("series_id")["yhat"].mean().reindex(panel.series).to_numpy()
    both = (before > 0) & ~np.isnan(shown)
    if not both.any():
        return None
    ratio = float(shown[both].sum() / before[both].sum())
    if not 1 / MOST_CHANGE <= ratio <= MOST_CHANGE:
        return _no("out_of_scale", ratio=f"{ratio:.2f}")
    each = shown[both] / before[both]
    far = np.flatnonzero((each > MOST_CHANGE_OF_BRANCH) | (each < 1 / MOST_CHANGE_OF_BRANCH))
    if len(far):
        key = np.array(panel.series, dtype=object)[both][far[0]]
        return _no("branch_out_of_scale", department=series.departments[key].name, ratio=f"{each[far[0]]:.2f}")
    return None


def segments(series: Series) -> dict[str, Callable[[pd.DataFrame], np.ndarray]]:
    """The segments none of which a new recipe may make worse."""
    (panel,) = panel_at_par(series.panel)
    level = np.nan_to_num(np.nanmean(np.where(np.isnan(panel.y), 0, panel.y), axis=1))
    third = np.digitize(level, np.quantile(level, [1 / 3, 2 / 3])) if len(level) else level
    row = {name: number for number, name in enumerate(panel.series)}

    def size(rows: pd.DataFrame) -> np.ndarray:
        names = np.array(["small", "middle", "large"])
        return np.asarray(names[third[rows["series_id"].map(row).to_numpy()]])

    def band(rows: pd.DataFrame) -> np.ndarray:
        ahead = (rows["date"] - rows["cutoff"]).dt.days.to_numpy()
        return np.select([ahead <= last for last, _name in BANDS], [name for _last, name in BANDS], "later")

    def holiday(rows: pd.DataFrame) -> np.ndarray:
        at = (rows["date"] - panel.dates[0]).dt.days.to_numpy()
        feast = panel.holiday[rows["series_id"].map(row).to_numpy(), at] > 0
        return np.where(feast, "holiday", "ordinary")

    return {"size": size, "days_ahead": band, "day": holiday, "branch": lambda rows: rows["series_id"].to_numpy()}


def _worse_segments(found: Contest) -> list[contest.Segment]:
    worse = [each for each in found.segments if each.ratio > SEGMENT_WORSE and each.surely >= SEGMENT_SURE]
    return sorted(worse, key=lambda each: -each.ratio)


def _segment(series: Series, each: contest.Segment) -> dict[str, Any]:
    """A part of a sentence: who is worse off by how much."""
    name: Any = {"code": f"group_{each.key}"}
    if each.kind == "branch":
        name = series.departments[each.key].name
    elif each.kind == "days_ahead":
        name = each.key
    return {"code": "group_worse", "params": {"name": name, "worse": _percent(each.ratio - 1)}}


def _off(coverage: float) -> float:
    return abs(coverage - 0.80)


def _no(code: str, **params: Any) -> Verdict:
    return Verdict(False, code, params)


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"
