"""The one feature function: training, backtest and serving all build their rows here."""

import numpy as np

from forecasting.engine import calendar
from forecasting.engine.columns import Columns, Runs
from forecasting.engine.history import HALF_LIVES, MEANS, SURPRISES, History
from forecasting.engine.windows import take

CALENDAR = (
    "weekday", "day", "days_to_month_end", "month", "day_of_year", "easter", "ramadan",
    "feast", "feast_side", "until_feast", "since_feast", "free_run", "free_run_before", "free_run_after",
)  # fmt: skip
# Left out on purpose: the age of a series, its growth over a year and the year before last. They tell the members
# what the date is, who then repeat that year instead of learning what a season does; it costs 2 %.
FEATURES: tuple[str, ...] = (
    *CALENDAR, "horizon",
    *(f"weekday_mean_{hl:g}w" for hl in HALF_LIVES), "same_weekday_1", "same_weekday_2", "same_weekday_3",
    "same_weekday_4", "pooled_weekday", "mean_7", "mean_14", "mean_28", "mean_91", "mean_364", "mean_28_month_ago",
    "surprise_3", "surprise_7", "surprise_14", "surprise_28", "pooled_surprise_3", "pooled_surprise_7",
    "pooled_surprise_14", "pooled_surprise_28", "spread",
    "last_year_day", "last_year_week", "last_year_3_weeks", "last_year_pooled", "last_year_pooled_day",
    "feast_own", "feast_own_level", "feast_pooled", "feast_pooled_level", "feast_effect", "feast_times",
    "open_before", "open_rate", "open_after", "log_level",
)  # fmt: skip
PER_STATE = ("value", "mean", "uplift")  # of every 0/1 covariate; other covariates give their value only


def names(covariates: list[str], states: list[str]) -> list[str]:
    """Columns of `rows`, in order."""
    out = list(FEATURES)
    for name in covariates:
        out += [f"{name}:{part}" for part in PER_STATE] if name in states else [f"{name}:value"]
    return out


class Features:
    """Rows of features over a History. Money is divided by the level at the origin, so rows have no unit."""

    def __init__(self, history: History, covariates: list[str]) -> None:
        self.history, self.covariates = history, covariates
        self.days = _calendar(history)

    def rows(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """float32 [rows, features] for series `s` forecast at origin day `o` for the day `o + h`.

        Uses the sales up to and including day `o`, the calendar and the covariates known in advance. What only the
        origin decides is found once for rows of one origin that follow each other.
        """
        past = self.history
        t = o + h
        b = t - 7 * -(-h // 7)  # newest same weekday not after the origin
        own = Runs(s, o)
        level = past.level[own.s, own.d]
        weekly = own.weekdays(b)
        out = Columns(len(s), len(names(self.covariates, past.state_names)))
        for column in self.days.values():
            out.add(column[t] if column.ndim == 1 else column[s, t])
        out.add(h)
        at_level = level[weekly.run]
        for hl in HALF_LIVES:
            out.add(past.weekday(weekly.s, weekly.d, hl) / at_level, weekly.place)
        for k in range(4):
            out.add(take(past.clean, weekly.s, weekly.d - 7 * k) / at_level, weekly.place)
        out.add(_at(past.pooled_weekday, b))
        for n in MEANS:
            out.add(past.mean(own.s, own.d, n) / level, own.place)
        out.add(past.mean(own.s, own.d - 28, 28) / level, own.place)
        for n in SURPRISES:
            out.add(past.surprise(own.s, own.d, n), own.place)
        for n in SURPRISES:
            out.add(past.pooled_surprise[n][own.d], own.place)
        out.add(past.spread(own.s, own.d), own.place)
        then = past.level_a_year_ago(own.s, own.d)[own.place]
        # The same season a year ago over its own level then; weekdays stay aligned (364 days).
        out.add(take(past.clean, s, t - 364) / then)
        out.add(past.week(s, t - 361) / then)
        out.add(past.mean(s, t - 354, 21) / then)
        out.add(past.pooled_year(o, h, weeks=True))
        out.add(past.pooled_year(o, h, weeks=False))
        for name in ("own", "own_level", "pooled", "pooled_level", "effect", "times"):
            out.add(past.feast(name, s, t))
        for step in (-1, 0, 1):
            ahead = np.maximum(h + step, 1)
            out.add(past.rate(past.open_rate, s, t + step - 7 * -(-ahead // 7)))
        out.add(np.log(level), own.place)
        for name in self.covariates:
            value = past.numeric[name][s, t]
            out.add(value)
            if name in past.state_names:
                off, on = (take(x, weekly.s, weekly.d) / at_level for x in past.by_state[name])
                out.add(np.where(value == 1, on[weekly.place], off[weekly.place]))
                out.add(past.uplift[name][own.s, own.d], own.place)
        return out.matrix()


def _calendar(past: History) -> dict[str, np.ndarray]:
    """Columns of CALENDAR, [days] or, where series have calendars of their own, [series, days]."""
    dates, feasts = past.dates, past.feasts
    years = range(dates[0].year - 1, dates[-1].year + 2)
    hijri = range(int((dates[0].year - 622) * 1.0307) - 1, int((dates[-1].year - 622) * 1.0307) + 3)
    alone = len(feasts.keys) == 1

    def shared(x: np.ndarray) -> np.ndarray:
        return x[0] if alone else x

    run = shared(feasts.free_run)
    before, after = np.zeros_like(run), np.zeros_like(run)
    before[..., 1:], after[..., :-1] = run[..., :-1], run[..., 1:]
    columns = {
        "weekday": dates.day_of_week.to_numpy(),
        "day": dates.day.to_numpy(),
        "days_to_month_end": (dates.days_in_month - dates.day).to_numpy(),
        "month": dates.month.to_numpy(),
        "day_of_year": dates.day_of_year.to_numpy(),
        "easter": calendar.days_from(dates, [calendar.easter(y) for y in years], 14, 14),
        "ramadan": calendar.days_from(dates, [calendar.ramadan(y) for y in hijri], 7, 40),
        "feast": shared(feasts.on), "feast_side": shared(feasts.side),
        "until_feast": shared(feasts.until_next), "since_feast": shared(feasts.since_last),
        "free_run": run, "free_run_before": before, "free_run_after": after,
    }  # fmt: skip
    assert tuple(columns) == CALENDAR
    return columns


def _at(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    out = x[np.maximum(d, 0)].copy()
    out[d < 0] = np.nan
    return out
