"""The measures of a backtest as a whole and by group, beside both baselines at its own origins."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from forecasting.engine import metrics
from forecasting.engine.panel import Panel


def table(
    panel: Panel, frame: pd.DataFrame, kinds: Mapping[str, Callable[[pd.DataFrame], np.ndarray]], horizon: int = 28
) -> dict[str, dict[str, dict[str, float]]]:
    """{kind: {group: `metrics.score`}} of a backtest frame [series_id, cutoff, date, y, yhat, bounds]."""
    for name, baseline in (("snaive", metrics.seasonal_naive), ("mean4", metrics.mean4)):
        made = pd.concat([baseline(panel, cutoff, horizon) for cutoff in frame["cutoff"].unique()])
        frame = frame.merge(made.rename(columns={"yhat": name}), on=["series_id", "cutoff", "date"], how="left")
    return {
        kind: {str(group): metrics.score(rows) for group, rows in frame.groupby(label(frame).astype(str))}
        for kind, label in kinds.items()
    }
