"""Accuracy measures and the two baselines every forecast must beat. Formulas: Hyndman & Athanasopoulos, FPP3, ch. 5.8-5.9."""

from datetime import date
from typing import TypeAlias

import numpy as np
import pandas as pd

from forecasting.engine.errors import EngineError
from forecasting.engine.panel import Panel

Values: TypeAlias = np.ndarray | pd.Series


def wape(y: Values, yhat: Values) -> float:
    """Sum of absolute errors over the sum of absolute actuals; NaN when nothing was sold."""
    return _over(np.abs(_known(y, yhat)).sum(), np.abs(_array(y)[_both(y, yhat)]).sum())


def bias(y: Values, yhat: Values) -> float:
    """Sum of (forecast - actual) over the sum of actuals: positive = too high."""
    return _over(-_known(y, yhat).sum(), _array(y)[_both(y, yhat)].sum())


def mase(y: Values, yhat: Values, scale: float) -> float:
    """Mean absolute error over `scale`, the in-sample mean absolute error of the same weekday a week before."""
    errors = np.abs(_known(y, yhat))
    return _over(errors.mean() if len(errors) else np.nan, scale)


def mase_scale(panel: Panel, cutoff: date | str | pd.Timestamp, days: int = 730) -> np.ndarray:
    """[series] mean absolute difference to the same weekday a week before, over the last `days` days."""
    end = panel.index(cutoff) + 1
    y = panel.y[:, max(end - days, 0) : end]
    change = np.abs(y[:, 7:] - y[:, :-7])
    n = (~np.isnan(change)).sum(axis=1)
    return np.where(n > 0, np.nansum(change, axis=1) / np.maximum(n, 1), np.nan)


def pinball(y: Values, quantile: Values, level: float) -> float:
    """Mean quantile loss of a forecast of the `level` quantile."""
    error = _known(y, quantile)
    return float(np.maximum(level * error, (level - 1) * error).mean()) if len(error) else float("nan")


def coverage(y: Values, lo: Values, hi: Values) -> float:
    """Share of actuals inside the interval."""
    good = _both(y, lo)
    a = _array(y)[good]
    return float(((a >= _array(lo)[good]) & (a <= _array(hi)[good])).mean()) if good.any() else float("nan")


def width(y: Values, lo: Values, hi: Values) -> float:
    """Width of the intervals over the sum of actuals."""
    good = _both(y, lo)
    return _over((_array(hi) - _array(lo))[good].sum(), np.abs(_array(y)[good]).sum())


def score(frame: pd.DataFrame) -> dict[str, float]:
    """All measures of a frame [y, yhat, lo80?, hi80?, lo95?, hi95?, snaive?, mean4?]: JSON-able, unknown ones left out.

    Rows without an actual, a forecast or a baseline's value are left out of all measures, so that all compare.
    """
    baselines = [name for name in ("snaive", "mean4") if name in frame]
    frame = frame.dropna(subset=["y", "yhat", *baselines])
    y, out = frame["y"], {"n": float(len(frame)), "wape": wape(frame["y"], frame["yhat"])}
    out["bias"] = bias(y, frame["yhat"])
    for share in ("80", "95"):
        if f"lo{share}" in frame:
            tail = (1 - int(share) / 100) / 2
            lo, hi = frame[f"lo{share}"], frame[f"hi{share}"]
            out[f"coverage{share}"], out[f"width{share}"] = coverage(y, lo, hi), width(y, lo, hi)
            out[f"pinball{share}"] = (pinball(y, lo, tail) + pinball(y, hi, 1 - tail)) / 2
    for name in baselines:
        out[f"{name}_wape"] = wape(y, frame[name])
    return {k: v for k, v in out.items() if np.isfinite(v)}


def score_backtest(panel: Panel, frame: pd.DataFrame, horizon: int = 28) -> dict[str, float]:
    """`score` of a backtest frame beside both baselines at its own cutoffs; `wape_1_7` are the first seven days.

    Raises EngineError nothing_to_score when no forecast has an actual.
    """
    frame = frame.assign(y=actuals(panel, frame))
    for name, baseline in (("snaive", seasonal_naive), ("mean4", mean4)):
        made = pd.concat([baseline(panel, cutoff, horizon) for cutoff in frame["cutoff"].unique()])
        frame = frame.merge(made.rename(columns={"yhat": name}), on=["series_id", "cutoff", "date"], how="left")
    out = score(frame)
    if "wape" not in out or "snaive_wape" not in out:
        raise EngineError("nothing_to_score")
    first = score(frame[frame["h"] <= 7])
    return {**out, **({"wape_1_7": first["wape"]} if "wape" in first else {})}


def actuals(panel: Panel, frame: pd.DataFrame) -> np.ndarray:
    """[rows] what the panel records for the (series_id, date) of a frame, NaN where nothing."""
    row = pd.Index(panel.series).get_indexer(frame["series_id"].astype(str))
    day = (pd.to_datetime(frame["date"]) - panel.dates[0]).dt.days.to_numpy()
    inside = (row >= 0) & (day >= 0) & (day < len(panel.dates))
    out = np.full(len(frame), np.nan)
    out[inside] = panel.y[row[inside], day[inside]]
    return out


def seasonal_naive(panel: Panel, cutoff: date | str | pd.Timestamp, horizon: int = 28) -> pd.DataFrame:
    """[series_id, cutoff, date, yhat]: the last recorded value of the same weekday."""
    return _weekday_baseline(panel, cutoff, horizon, 1)


def mean4(panel: Panel, cutoff: date | str | pd.Timestamp, horizon: int = 28) -> pd.DataFrame:
    """[series_id, cutoff, date, yhat]: the mean of the last four recorded values of the same weekday."""
    return _weekday_baseline(panel, cutoff, horizon, 4)


def _weekday_baseline(panel: Panel, cutoff: date | str | pd.Timestamp, horizon: int, values: int) -> pd.DataFrame:
    end = panel.index(cutoff) + 1
    y = panel.y[:, :end]
    y = np.concatenate([np.full((len(y), -end % 7), np.nan), y], axis=1).reshape(len(y), -1, 7)[:, ::-1]
    rank = np.cumsum(~np.isnan(y), axis=1)
    used = ~np.isnan(y) & (rank <= values)
    n = used.sum(axis=1)
    mean = np.where(
        n > 0, np.where(used, y, 0).sum(axis=1) / np.maximum(n, 1), np.nan
    )  # column 6 = the cutoff's weekday
    days = pd.date_range(pd.Timestamp(cutoff) + pd.Timedelta(days=1), periods=horizon)
    return pd.DataFrame({
        "series_id": np.repeat(np.array(panel.series, dtype=object), horizon), "cutoff": pd.Timestamp(cutoff),
        "date": np.tile(days, len(panel.series)), "yhat": mean[:, np.arange(horizon) % 7].reshape(-1),
    })  # fmt: skip


def _array(x: Values) -> np.ndarray:
    return np.asarray(x, dtype=np.float64)


def _both(a: Values, b: Values) -> np.ndarray:
    return ~np.isnan(_array(a)) & ~np.isnan(_array(b))


def _known(y: Values, yhat: Values) -> np.ndarray:
    good = _both(y, yhat)
    return _array(y)[good] - _array(yhat)[good]


def _over(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom else float("nan")
