"""What a newcomer would have sold before it opened: the days of the others, most of those that were like it since, at its
own level, with its own weekdays.

The members for grown series look back a year. Without one they take the season, a feast or a promotion of the first
weeks for the branch's nature; given such a past they forecast a newcomer almost like a grown branch.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from forecasting.engine.history import SHORT, History
from forecasting.engine.panel import Panel
from forecasting.engine.windows import known

LEAST_SERIES = 5
WEEKS, LEAST_WEEKS = 26, 3  # what weekdays are judged on
BELIEF = 0.75  # of the chance that differences are measured against; from 0.5 (calm sales) to 1.5 (restless) all do
LEAST_INDEX = 0.02  # of a weekday over the usual
YOUNG = 392  # days without the same season a year ago
LEAST_GIVEN = 28  # days that the others sold before a series' first
RESTLESS, FIRST_SHARE, DAILY_SHARE = 0.5, 0.25, 0.0075
AT_ONCE = 2048  # rows whose weeks are solved for near the processor
MOST_TIMES = 2.0  # one day counts for so many usual ones at most
MOST_SHARE_SEEN, LEAST_ALIKE = 3.0, 0.01  # of a day in who is alike, and of the others in a past
LEAST_COMMON = 0.6  # of a newcomer's days on which another has sold as well
SOFT, SOFT_DAYS, SOFTEST, HARDEST = 0.33, 21, 1.0, 0.2  # a likeness of more days is believed sooner, as chance goes
RIDGE = 3.0  # what weekdays tell by being sold on is believed as if so many branches more differed and nothing came of it


@dataclass(frozen=True)
class Rhythm:
    """How series' weekdays go, each over its series' level and over all series' weekday.

    `differ` [7, 7] is the covariance of two weekdays over the series, by number of the day % 7: who sells much on Saturdays
    does on Sundays. `scatter` is the variance of a weekday's sales around its own mean. `told` [7, 7] is how much more a
    weekday (second) sells where one (first) is always sold on than where it never is: who rests on Sundays lives by offices.
    """

    differ: np.ndarray
    scatter: float
    told: np.ndarray = field(default_factory=lambda: np.zeros((7, 7)))

    def expected(self, times: np.ndarray, mean: np.ndarray, hoped: np.ndarray | float = 1.0) -> np.ndarray:
        """[rows, 7] what each weekday sells, from the `mean` of the `times` [rows, 7] it was seen (or their weights) and what
        was `hoped` for before; all in any order that is that of `differ`, which may be [rows, 7, 7].

        The mean of normal sales whose weekdays have that covariance, the level itself being unknown (empirical Bayes).
        """
        hoped = np.broadcast_to(hoped, times.shape)
        out = np.empty(times.shape)
        for begin in range(0, len(times), AT_ONCE):
            some = slice(begin, begin + AT_ONCE)
            spread = (self.differ[some] if self.differ.ndim == 3 else self.differ) + 1.0
            evidence = times[some] / (BELIEF * self.scatter)
            told = evidence * np.where(times[some] > 0, mean[some] - hoped[some], 0.0)
            given = np.eye(7) + spread * evidence[:, None]
            out[some] = hoped[some] + np.linalg.solve(given, (spread @ told[..., None]))[..., 0]
        return out


# Where there are too few series to measure it: two weeks of the own weekday weigh as much as what all say of it.
BELIEVED = Rhythm(0.05 * np.eye(7), 0.1 / BELIEF)


def rhythm(past: History) -> Rhythm:
    """That of the grown series in the last half year; what scatters by chance does not count as a difference."""
    begin = max(past.cutoff + 1 - 7 * WEEKS, (past.cutoff + 1) % 7)
    recent = past.clean.rows[begin : past.cutoff + 1]
    x = recent.reshape(-1, 7, len(past.series))
    grown = (~np.isnan(x)).sum(axis=(0, 1)) >= SHORT
    x = x[:, :, grown]
    if x.shape[2] < LEAST_SERIES:
        return BELIEVED
    with np.errstate(invalid="ignore", divide="ignore"):
        x = x / past.pooled_weekday[past.cutoff - 6 : past.cutoff + 1, None]
        for axis in (1, 2):  # the level of the week, what all did that day
            x = x / _mean(x, axis)
    x[~np.isfinite(x)] = np.nan
    times, mean = (~np.isnan(x)).sum(axis=0), _mean(x, 0)
    good = times >= LEAST_WEEKS
    if not good.any():
        return BELIEVED
    scatter = float((known((x - mean) ** 2).sum(axis=0)[good] / (times[good] - 1)).mean())
    over, both = np.where(good, mean[0] - 1, 0.0), good.astype(np.float64) @ good.T
    chance = np.where(good, scatter / np.maximum(times, 1), 0.0).sum(axis=1) / np.maximum(good.sum(axis=1), 1)
    size, way = np.linalg.eigh(over @ over.T / np.maximum(both, 1) - np.diag(chance))
    differ = (way * np.fmax(size, 0.0)) @ way.T
    # That two weekdays go together may be chance where series are few.
    sure = x.shape[2] / (x.shape[2] + 7)
    differ = sure * differ + (1 - sure) * np.diag(np.diag(differ))
    order = np.argsort((begin + np.arange(7)) % 7)
    sold = openings(past, grown)[grown]
    sold = sold - sold.mean(axis=0)
    told = np.linalg.solve(sold.T @ sold + RIDGE * np.eye(7), sold.T @ over[order].T)
    return Rhythm(differ[np.ix_(order, order)], max(scatter, 1e-6), told)


def openings(past: History, grown: np.ndarray) -> np.ndarray:
    """[series, 7] on what share of its ordinary days of the last half year a series sold, by number of the day % 7.

    As if it had been due once more and sold as often as the `grown` do: one day off is no rule.
    """
    days = np.arange(max(past.cutoff + 1 - 7 * WEEKS, 0), past.cutoff + 1)
    due = (days >= past.first[:, None]) & (days <= past.origin[:, None])
    due &= ~past.feasts.on[:, days] & ~past.closed[:, days]
    weekday = np.eye(7)[days % 7]
    sold, times = (due & past.recorded[:, days]) @ weekday, due @ weekday
    usual = sold[grown].sum(axis=0) / np.maximum(times[grown].sum(axis=0), 1)
    return (sold + usual) / (times + 1)


def grown_levels(past: History) -> np.ndarray:
    """Logs of the grown series' levels."""
    at = np.arange(len(past.series)), np.maximum(past.origin, 0)
    level = past.level[at]
    return np.log(level[(past.records[at] >= SHORT) & (level > 0)])


def pull(own: np.ndarray | float, records: np.ndarray, scatter: float, others: np.ndarray) -> np.ndarray:
    """What a level `own` that so many `records` tell is multiplied by, the logs of the `others`' being known.

    Who begins far above the others has been lucky in part: the geometric mean of both, as sure as each is.
    """
    luck = scatter / records
    return np.exp((others.mean() - np.log(own)) * luck / (luck + others.var()))


def pooled_uplift(past: History, o: np.ndarray) -> dict[str, np.ndarray]:
    """[rows] mean log uplift of the grown series by 0/1 covariate, as known at day `o`: a newcomer has seen too little."""
    origins, where = np.unique(o, return_inverse=True)
    at = np.arange(len(past.series))[None], origins[:, None]
    grown = past.records[at] >= SHORT
    n = np.maximum(grown.sum(axis=1), 1)
    return {name: ((past.uplift[name][at] * grown).sum(axis=1) / n)[where] for name in past.state_names}


def own_share(past: History) -> np.ndarray:
    """[series] how much the own days count beside those with a past that is given; 1 for who needs none.

    Where sales scatter nothing given is near the truth, and the own days count the more the longer a branch is open, after
    three months alone; where they are calm a given season, promotion and feast are worth more than a few own months.
    """
    age, noise = past.origin - past.first + 1, past.pooled_noise[past.cutoff]
    share = min(noise / RESTLESS, 1) ** 3 * np.minimum(FIRST_SHARE + DAILY_SHARE * age, 1)
    first = np.sort(past.first)
    since = first[min(LEAST_SERIES, len(first)) - 1]
    young = (age > 0) & (age < YOUNG) & (past.first - since >= LEAST_GIVEN)
    return np.where(young, share, 1.0)


def backcast(panel: Panel, past: History, who: np.ndarray) -> Panel:
    """The panel, blind after the origins, in which the series `who` have also sold before their first day.

    Nothing is given where fewer than LEAST_SERIES others have a history: what a few did was their own.
    """
    days, everyone = past.cutoff + 1, np.arange(len(past.series))
    level, records = (x[everyone, np.maximum(past.origin, 0)] for x in (past.level, past.records))
    grown = (records >= SHORT) & (level > 0)
    y = past.y.copy()  # blind after the origins
    numeric = _lent(past, panel.numeric, who, np.setdiff1d(np.flatnonzero(grown), who), level)
    effect = np.zeros(y.shape)
    for name, uplift in pooled_uplift(past, np.array([past.cutoff])).items():
        effect += uplift * known(numeric[name][:, :days])
    factor = np.exp(effect)
    plain = y / factor
    over_level = np.clip(plain[grown] / level[grown, None], 0, MOST_TIMES)
    shape, those = _mean(over_level, 0)[0], np.flatnonzero(grown)
    usual, weekday, others = rhythm(past), np.arange(days) % 7, grown_levels(past)
    sold = openings(past, grown)
    weekdays = 1 + (sold - sold[grown].sum(axis=0) / max(grown.sum(), 1)) @ usual.told
    days_of: dict[int, np.ndarray] = {}
    like = np.zeros((len(who), len(those)))
    for s in who if grown.sum() >= LEAST_SERIES else ():
        seen = ~np.isnan(plain[s]) & (shape > 0)
        if (seen & ~past.feasts.on[s, :days]).any():
            seen &= ~past.feasts.on[s, :days]
        if plain[s, seen].sum() > 0:
            other = those != s
            like[len(days_of), other] = alike(plain[s, seen], plain[np.ix_(those[other], seen)])
            days_of[s] = seen
    like = like[: len(days_of)]
    weight = like @ (~np.isnan(over_level)).astype(np.float64)
    shapes = np.where(weight > 0, like @ known(over_level) / np.where(weight > 0, weight, 1.0), shape)
    for (s, seen), shape in zip(days_of.items(), shapes, strict=True):
        seen = seen & (shape > 0)
        hoped = shape[seen].sum()
        own = plain[s, seen].sum() / hoped if hoped > 0 else 0.0
        if not own > 0:
            continue
        over = np.clip(plain[s, seen] / (own * shape[seen]), 0, MOST_TIMES)
        times = np.bincount(weekday[seen], minlength=7)
        mean = np.bincount(weekday[seen], over, minlength=7) / np.maximum(times, 1)
        index = np.fmax(usual.expected(times[None], mean[None], weekdays[s : s + 1])[0], LEAST_INDEX)
        own *= pull(own, seen.sum(), usual.scatter, others)
        before = slice(0, past.first[s])
        y[s, before] = own * (shape * index[weekday] * factor[s])[before]
    out = np.full(panel.y.shape, np.nan)
    out[:, :days] = y
    return replace(panel, y=out, numeric=numeric, currency=None)  # its history's y are at par


def alike(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[series] how much each of the `others` [series, days] counts in the past of who sold `own` [days], 1 for who is most alike.

    Both over their means on these days: who had good and bad days on the same ones (weekdays, weather, a fair) had a like
    season, too. The median one counts the less, the more days tell; who was shut on many of them, hardly.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mine, theirs = own / own.mean(), others / _mean(others, 1)
    apart = np.abs(np.clip(theirs, 0, MOST_SHARE_SEEN) - np.clip(mine, 0, MOST_SHARE_SEEN))
    common = (~np.isnan(apart)).mean(axis=1) >= LEAST_COMMON
    if not common.any():
        return np.ones(len(others))
    apart = _mean(apart, 1)[:, 0]
    apart -= apart[common].min()
    soft = np.clip(SOFT * np.sqrt(SOFT_DAYS / len(own)), HARDEST, SOFTEST)
    likeness = np.exp(-apart / max(soft * np.median(apart[common]), 1e-9))
    return np.where(common, np.fmax(likeness, LEAST_ALIKE), LEAST_ALIKE)


def _lent(
    past: History, numeric: dict[str, np.ndarray], who: np.ndarray, others: np.ndarray, level: np.ndarray
) -> dict[str, np.ndarray]:
    """The covariates, in which the series `who` had the promotions before their first day of that of the `others` whose
    level is nearest, where they have none there: what a promotion does is read from days that had one."""
    out = dict(numeric)
    for name in past.state_names:
        out[name] = numeric[name].copy()
        for s in who if len(others) else ():
            near = others[np.abs(np.log(level[others] / known(level[s : s + 1]).clip(1e-9))).argmin()]
            before = slice(0, past.first[s])
            if not (out[name][s, before] == 1).any():
                out[name][s, before] = numeric[name][near, before]
    return out


def _mean(x: np.ndarray, axis: int) -> np.ndarray:
    """Mean of the known values along an axis that stays, NaN where there are none."""
    n = (~np.isnan(x)).sum(axis=axis, keepdims=True)
    return np.where(n > 0, known(x).sum(axis=axis, keepdims=True) / np.maximum(n, 1), np.nan)
