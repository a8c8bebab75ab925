"""Two ways of forecasting at the same past origins: who is better, and is anybody worse off.

A contender is any function (panel, origin, horizon) -> frame as `api.predict` gives it. It is shown a panel without a
single sale after the origin, so that one which looks ahead has nothing to look at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from forecasting.engine import api, metrics
from forecasting.engine.panel import Panel
from forecasting.engine.recipe import Recipe

Contender = Callable[[Panel, date, int], pd.DataFrame]
NUMBERS = ["yhat", "lo80", "hi80", "lo95", "hi95"]
DRAWS = 2000
LEAST_ROWS = 56  # a segment with fewer says nothing


@dataclass(frozen=True)
class Segment:
    """`ratio`: the new contender's summed error over the old one's. `surely`: share of draws in which it is above 1."""

    kind: str
    key: str
    ratio: float
    surely: float


@dataclass(frozen=True)
class Contest:
    """`better`: share of paired bootstrap draws in which the new contender's error is the smaller one."""

    new: float
    old: float
    better: float
    segments: list[Segment]


def blind(panel: Panel, origin: date | str | pd.Timestamp) -> Panel:
    """The panel with all sales after `origin` unknown."""
    y = panel.y.copy()
    y[:, max(panel.index(origin) + 1, 0) :] = np.nan
    return replace(panel, y=y)


def of_recipe(recipe: Recipe, *, threads: int = 1, seed: int = 7) -> Contender:
    """Refits `recipe` at every origin; the intervals' calibration also serves the thirteen weeks after it."""
    kept: list[tuple[pd.Timestamp, api.Calibration]] = []

    def forecast(panel: Panel, origin: date, horizon: int) -> pd.DataFrame:
        at = pd.Timestamp(origin)
        known = next((c for since, c in kept if pd.Timedelta(0) <= at - since < api.RECALIBRATE), None)
        fitted = api.fit(panel, origin, recipe, seed=seed, threads=threads, calibration=known, lasting=False)
        if known is None:
            kept.append((at, fitted.calibration))
        return api.predict(fitted, panel, origin, horizon)

    return forecast


def of_fit(fitted: api.Fit) -> Contender:
    """A fit as it is; honest only at origins it has not learned from."""
    return lambda panel, origin, horizon: api.predict(fitted, panel, origin, horizon)


def forecasts(
    contender: Contender, panel: Panel, origins: Sequence[date], horizon: int, tell: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """The contender's frames of all origins, oldest first, with the actual `y`. `tell` is called after each origin."""
    parts = []
    for origin in sorted(origins):
        part = contender(blind(panel, origin), origin, horizon)
        parts.append(part.assign(cutoff=pd.Timestamp(origin)))
        tell()
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(y=metrics.actuals(panel, frame))


def flaw(frame: pd.DataFrame, panel: Panel, origins: Sequence[date], horizon: int) -> str:
    """What makes the frame unusable whatever its error: `incomplete`, `not_numbers`, `bounds_crossed`; else empty."""
    wanted = len(panel.series) * len(origins) * horizon
    found = frame[["series_id", "cutoff", "date"]].drop_duplicates()
    if set(frame["series_id"]) != set(panel.series) or len(found) != wanted or len(frame) != wanted:
        return "incomplete"
    numbers = frame[NUMBERS].to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        return "not_numbers"
    yhat, lo80, hi80, lo95, hi95 = numbers.T
    slack = 1e-6 * np.abs(yhat) + 1e-6
    crossed = (lo80 > yhat + slack) | (yhat > hi80 + slack) | (lo95 > lo80 + slack) | (hi80 > hi95 + slack)
    return "bounds_crossed" if crossed.any() else ""


def compare(
    new: pd.DataFrame, old: pd.DataFrame, kinds: Mapping[str, Callable[[pd.DataFrame], np.ndarray]], seed: int = 7
) -> Contest:
    """Both frames on the rows both have with an actual; `kinds` give the label of each row by kind of segment.

    The bootstrap draws weeks of origins, all series of a week together: their errors are not independent.
    """
    key = ["series_id", "cutoff", "date"]
    rows = new.merge(old[[*key, "yhat"]], on=key, suffixes=("", "_old")).dropna(subset=["y", "yhat", "yhat_old"])
    ours = np.abs(rows["y"] - rows["yhat"]).to_numpy()
    theirs = np.abs(rows["y"] - rows["yhat_old"]).to_numpy()
    sold = float(np.abs(rows["y"]).sum())
    week = ((rows["date"] - rows["cutoff"]).dt.days - 1) // 7
    block = pd.factorize(pd.MultiIndex.from_arrays([rows["cutoff"], week]))[0]
    count = int(block.max()) + 1 if len(rows) else 0
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / max(count, 1)), size=DRAWS)

    def drawn(errors: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
        sums = np.zeros((count, groups))
        np.add.at(sums, (block, codes), errors)
        return weights @ sums

    one = np.zeros(len(rows), dtype=int)
    better = float((drawn(ours, one, 1) < drawn(theirs, one, 1)).mean()) if len(rows) else 0.0
    segments = []
    for kind, label in kinds.items():
        codes, names = pd.factorize(label(rows).astype(str))
        size = np.bincount(codes, minlength=len(names))
        mine, other = (np.bincount(codes, weights=e, minlength=len(names)) for e in (ours, theirs))
        surely = (drawn(ours, codes, len(names)) > drawn(theirs, codes, len(names))).mean(axis=0)
        segments += [
            Segment(kind, str(name), float(mine[i] / other[i]) if other[i] > 0 else 1.0, float(surely[i]))
            for i, name in enumerate(names)
            if size[i] >= LEAST_ROWS
        ]
    whole = max(sold, 1e-9)
    return Contest(float(ours.sum()) / whole, float(theirs.sum()) / whole, better, segments)
