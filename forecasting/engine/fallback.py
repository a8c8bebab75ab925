"""A branch that has not sold a day yet: the middle of what the others sell, in the shape their forecasts have."""

import numpy as np

from forecasting.engine.history import History
from forecasting.engine.intervals import LEVELS

LATELY = 28
ANALOGUES = 5  # with fewer others what a new one may be like is a guess
GUESS = {"lo80": 0.4, "hi80": 2.2, "lo95": 0.2, "hi95": 3.5}
PROBABILITIES = np.linspace(0.05, 0.95, 10)


def without_history(
    history: History, yhat: np.ndarray, bounds: dict[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """[days] forecast and bounds of any series without sales, from the others' forecasts [series, days].

    The level is the median of all days sold lately (it makes the least absolute error there is), the shape the others'
    median one; the bounds are those of one of the others drawn by lot. Zero where nobody sells.
    """
    if not len(yhat):
        nothing = np.zeros(yhat.shape[1])
        return nothing, dict.fromkeys(LEVELS, nothing)
    days = np.arange(max(history.cutoff + 1 - LATELY, 0), history.cutoff + 1)
    recent = history.y[np.arange(len(history.series))[:, None], days]
    recent = recent[~np.isnan(recent)]
    scale = yhat.mean(axis=1)
    shapes = yhat[scale > 0] / scale[scale > 0, None]
    shape = np.median(shapes, axis=0) if len(shapes) else np.ones(yhat.shape[1])
    level = float(np.median(recent)) if len(recent) else float(np.median(scale))
    middle = max(level, 0.0) * shape

    nodes = {**LEVELS, "yhat": 0.5}
    by = sorted(nodes, key=nodes.__getitem__)
    values = np.stack([{**bounds, "yhat": yhat}[name] for name in by])  # [5, series, days]
    weights = np.stack([np.interp(PROBABILITIES, [nodes[name] for name in by], unit) for unit in np.eye(len(by))])
    drawn = np.einsum("np,nsd->psd", weights, values).reshape(-1, yhat.shape[1])
    out = {name: np.quantile(drawn, level, axis=0) for name, level in LEVELS.items()}
    if len(yhat) < ANALOGUES:
        narrow = {name: middle * factor for name, factor in GUESS.items()}
        out = {k: np.fmin(v, narrow[k]) if k.startswith("lo") else np.fmax(v, narrow[k]) for k, v in out.items()}
    return middle, out
