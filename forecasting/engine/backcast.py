"""What a newcomer would have sold before it opened: the others' days at its own level, with its own weekdays.

The members for grown series look back a year. Without one they take the season, a feast or a promotion of the first
weeks for the branch's nature; given such a past they forecast a newcomer almost like a grown branch.
"""

from dataclasses import replace

import numpy as np

from forecasting.engine.history import SHORT, History
from forecasting.engine.panel import Panel
from forecasting.engine.windows import known

LEAST_SERIES = 5
WEEKS, LEAST_WEEKS = 8, 3  # what weekdays are judged on
OWN_WEEKS = 3.0  # what `own_weeks` is where there are too few series to measure it
BELIEF, LEAST_BELIEF, MOST_BELIEF = 0.5, 0.05, 5.0  # half of what normal errors would ask for was best everywhere
MOST_TIMES = 5.0


def own_weeks(past: History) -> float:
    """Weeks of the own weekday that weigh as much as what all series' weekday says of it.

    That is how much sales of a weekday scatter over how much series' weekdays differ (empirical Bayes): 0.2 weeks where
    each has a steady rhythm of its own, 3 where most of what looks like one is chance.
    """
    recent = past.clean.rows[max(past.cutoff + 1 - 7 * WEEKS, 0) : past.cutoff + 1]
    x = recent[len(recent) % 7 :].reshape(-1, 7, len(past.series))
    x = x[:, :, (~np.isnan(x)).sum(axis=(0, 1)) >= SHORT]
    if x.shape[2] < LEAST_SERIES:
        return OWN_WEEKS
    with np.errstate(invalid="ignore", divide="ignore"):
        x = x / past.pooled_weekday[past.cutoff - 6 : past.cutoff + 1, None]
        for axis in (1, 2):  # the level of the week, what all did that day
            x = x / _mean(x, axis)
    x[~np.isfinite(x)] = np.nan
    times = (~np.isnan(x)).sum(axis=0)
    mean = _mean(x, 0)
    good = times >= LEAST_WEEKS
    if not good.any():
        return OWN_WEEKS
    scatter = (known((x - mean) ** 2).sum(axis=0)[good] / (times[good] - 1)).mean()
    differ = ((mean[0][good] - 1) ** 2).mean() - scatter * (1 / times[good]).mean()
    return float(np.clip(BELIEF * scatter / max(differ, 1e-9), LEAST_BELIEF, MOST_BELIEF))


def pooled_uplift(past: History, o: np.ndarray) -> dict[str, np.ndarray]:
    """[rows] mean log uplift of the grown series by 0/1 covariate, as known at day `o`: a newcomer has seen too little."""
    origins, where = np.unique(o, return_inverse=True)
    at = np.arange(len(past.series))[None], origins[:, None]
    grown = past.records[at] >= SHORT
    n = np.maximum(grown.sum(axis=1), 1)
    return {name: ((past.uplift[name][at] * grown).sum(axis=1) / n)[where] for name in past.state_names}


def backcast(panel: Panel, past: History, who: np.ndarray) -> Panel:
    """The panel, blind after the origins, in which the series `who` have also sold before their first day.

    Nothing is given where fewer than LEAST_SERIES others have a history: what a few did was their own.
    """
    days, everyone = past.cutoff + 1, np.arange(len(past.series))
    level, records = (x[everyone, np.maximum(past.origin, 0)] for x in (past.level, past.records))
    grown = (records >= SHORT) & (level > 0)
    y = np.where(np.arange(days) <= past.origin[:, None], panel.y[:, :days], np.nan)
    effect = np.zeros(y.shape)
    for name, uplift in pooled_uplift(past, np.array([past.cutoff])).items():
        effect += uplift * known(past.numeric[name][:, :days])
    factor = np.exp(effect)
    plain = y / factor
    shape = _mean(np.clip(plain[grown] / level[grown, None], 0, MOST_TIMES), 0)[0]
    weeks, weekday = own_weeks(past), np.arange(days) % 7
    for s in who if grown.sum() >= LEAST_SERIES else ():
        seen = ~np.isnan(plain[s]) & (shape > 0)
        if (seen & ~past.feasts.on[s, :days]).any():
            seen &= ~past.feasts.on[s, :days]
        hoped = shape[seen].sum()
        own = plain[s, seen].sum() / hoped if hoped > 0 else 0.0
        if not own > 0:
            continue
        over = plain[s, seen] / (own * shape[seen])
        times = np.bincount(weekday[seen], minlength=7)
        index = (np.bincount(weekday[seen], over, minlength=7) + weeks) / (times + weeks)
        before = slice(0, past.first[s])
        y[s, before] = own * (shape * index[weekday] * factor[s])[before]
    out = np.full(panel.y.shape, np.nan)
    out[:, :days] = y
    return replace(panel, y=out)


def _mean(x: np.ndarray, axis: int) -> np.ndarray:
    """Mean of the known values along an axis that stays, NaN where there are none."""
    n = (~np.isnan(x)).sum(axis=axis, keepdims=True)
    return np.where(n > 0, known(x).sum(axis=axis, keepdims=True) / np.maximum(n, 1), np.nan)
