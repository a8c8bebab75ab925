"""The one feature function: training, backtest and serving all build their rows here."""

import numpy as np

from forecasting.engine import calendar
from forecasting.engine.history import HALF_LIVES, History, mean_over_series
from forecasting.engine.windows import lag, take, trailing_mean

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
        clean = history.clean
        self.three_weeks = trailing_mean(clean, 21, at_least=7)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = history.weekday[8.0] / lag(history.level, 7)
        self.pooled_weekday = mean_over_series(np.clip(share, 0, 5))

    def rows(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """float32 [rows, features] for series `s` forecast at origin day `o` for the day `o + h`.

        Uses the sales up to and including day `o`, the calendar and the covariates known in advance.
        """
        past = self.history
        t = o + h
        b = t - 7 * -(-h // 7)  # newest same weekday not after the origin
        level = past.level[s, o]

        def per_level(x: np.ndarray, d: np.ndarray) -> np.ndarray:
            return take(x, s, d) / level

        out = [column[t] if column.ndim == 1 else column[s, t] for column in self.days.values()]
        out.append(h)
        out += [per_level(past.weekday[hl], b) for hl in HALF_LIVES]
        out += [per_level(past.clean, b - 7 * k) for k in range(4)]
        out.append(_at(self.pooled_weekday, b))
        out += [per_level(past.means[n], o) for n in (7, 14, 28, 91, 364)]
        out.append(per_level(past.means[28], o - 28))
        out += [past.surprise[n][s, o] for n in (3, 7, 14, 28)]
        out += [past.pooled_surprise[n][o] for n in (3, 7, 14, 28)]
        out.append(past.spread[s, o])
        out += self._years(s, o, h)
        out += [past.feast[k][s, t] for k in ("own", "own_level", "pooled", "pooled_level", "effect", "times")]
        for step in (-1, 0, 1):
            ahead = np.maximum(h + step, 1)
            out.append(take(past.open_rate, s, t + step - 7 * -(-ahead // 7)))
        out += [np.log(level)]
        for name in self.covariates:
            value = past.numeric[name][s, t]
            out.append(value)
            if name in past.state_names:
                off, on = past.by_state[name]
                out += [np.where(value == 1, per_level(on, b), per_level(off, b)), past.uplift[name][s, o]]
        return np.stack([np.asarray(c, dtype=np.float32) for c in out], axis=1)

    def _years(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> list[np.ndarray]:
        """The same season a year ago over its own level then; weekdays stay aligned (364 days)."""
        past, t = self.history, o + h
        then = past.level_a_year_ago(s, o)
        day, week = take(past.clean, s, t - 364) / then, take(past.week, s, t - 361) / then
        return [
            day, week, take(self.three_weeks, s, t - 354) / then,
            past.pooled_year(past.week, o, h, 361), past.pooled_year(past.clean, o, h, 364),
        ]  # fmt: skip


def _calendar(past: History) -> dict[str, np.ndarray]:
    """Columns of CALENDAR, [days] or [series, days]."""
    dates, feasts = past.dates, past.feasts
    years = range(dates[0].year - 1, dates[-1].year + 2)
    hijri = range(int((dates[0].year - 622) * 1.0307) - 1, int((dates[-1].year - 622) * 1.0307) + 3)
    run = feasts.free_run
    before, after = np.zeros_like(run), np.zeros_like(run)
    before[:, 1:], after[:, :-1] = run[:, :-1], run[:, 1:]
    columns = {
        "weekday": dates.day_of_week.to_numpy(),
        "day": dates.day.to_numpy(),
        "days_to_month_end": (dates.days_in_month - dates.day).to_numpy(),
        "month": dates.month.to_numpy(),
        "day_of_year": dates.day_of_year.to_numpy(),
        "easter": calendar.days_from(dates, [calendar.easter(y) for y in years], 14, 14),
        "ramadan": calendar.days_from(dates, [calendar.ramadan(y) for y in hijri], 7, 40),
        "feast": feasts.on, "feast_side": feasts.side,
        "until_feast": feasts.until_next, "since_feast": feasts.since_last,
        "free_run": run, "free_run_before": before, "free_run_after": after,
    }  # fmt: skip
    assert tuple(columns) == CALENDAR
    return columns


def _at(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    out = x[np.maximum(d, 0)].copy()
    out[d < 0] = np.nan
    return out
