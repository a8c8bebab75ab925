"""May a freshly trained version serve? The first must beat naive; a refit must not be worse, and be sane."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.engine import api as engine
from forecasting.engine import metrics
from forecasting.series import Series

TOLERANCE = 1.02
MOST_BIAS = 0.20
MOST_CHANGE = 3.0  # the next four weeks against the last four, either way


@dataclass(frozen=True)
class Verdict:
    passed: bool
    code: str
    params: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"passed": self.passed, "code": self.code, "params": self.params}


def judge(series: Series, new: engine.Fit, backtest: dict[str, Any], old: engine.Fit | None) -> Verdict:
    """`backtest` is the score of the recipe at refitted rolling origins, beside naive's."""
    if backtest["wape"] >= backtest["snaive_wape"]:
        return _no("worse_than_naive", wape=_percent(backtest["wape"]), naive=_percent(backtest["snaive_wape"]))
    if abs(backtest["bias"]) > MOST_BIAS:
        return _no("biased", bias=_percent(backtest["bias"]))
    ahead = engine.predict(new, series.panel, series.cutoff, 28, cutoffs=series.cutoffs)
    if ahead["yhat"].isna().any() or set(ahead["series_id"]) != set(series.departments):
        return _no("incomplete")
    end = series.panel.index(series.cutoff) + 1
    before = float(np.nansum(series.panel.y[:, max(end - 28, 0) : end]))
    after = float((ahead["yhat"] * (ahead["p_open"] >= 0.5)).sum())
    if before > 0 and not before / MOST_CHANGE <= after <= before * MOST_CHANGE:
        return _no("out_of_scale", ratio=f"{after / before:.2f}")
    seen = None if old is None else dt.date.fromisoformat(old.trained_through)
    if old is None or seen is None or seen >= series.cutoff or set(old.covariates) - set(series.panel.numeric):
        return Verdict(
            True, "passed_naive", {"wape": _percent(backtest["wape"]), "naive": _percent(backtest["snaive_wape"])}
        )
    days = min((series.cutoff - seen).days, 28)
    ours, theirs = (_wape_after(series, fit, seen, days) for fit in (new, old))
    if ours > theirs * TOLERANCE:
        return _no("worse_than_serving", wape=_percent(ours), serving=_percent(theirs))
    return Verdict(True, "passed_refit", {"wape": _percent(ours), "serving": _percent(theirs)})


def _wape_after(series: Series, fit: engine.Fit, origin: dt.date, days: int) -> float:
    frame = engine.predict(fit, series.panel, origin, days)
    y = metrics.actuals(series.panel, frame)
    return metrics.wape(y, frame["yhat"].to_numpy())


def _no(code: str, **params: Any) -> Verdict:
    return Verdict(False, code, params)


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"
