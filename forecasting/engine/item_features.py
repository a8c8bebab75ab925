"""What is known of each product of a department at the end of each day, and the rows a model learns from."""

import numpy as np

from forecasting.engine.history import History
from forecasting.engine.item_panel import ItemPanel
from forecasting.engine.mix import Mix
from forecasting.engine.windows import (
    lag,
    take,
    trailing_means,
    trailing_sum,
    trailing_sums,
    weekday_sums,
    weighted_mean,
)

AT_ONCE = 500  # series whose statistics are in memory at a time
MEMORY = 364  # days of targets that are learned
LOOK_BACK = 376  # days before those that the oldest of them is seen from
ACTIVE = 28  # days without a sale after which a product is off the list
HALF_LIVES = (1.5, 3.0, 8.0, 26.0)  # weeks
FLOOR = 0.02  # units a day: the level of what is hardly sold


class Whole:
    """What the departments sold in all: their History and its seasonal mix, a forecast as of every day."""

    def __init__(self, history: History, since: int) -> None:
        self.history, self.mix = history, Mix(history, since)

    def ratio(self, d: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """[rows] what department `d` is expected to sell on day `o + h` over its level at day `o`."""
        keys, where = np.unique(np.stack([d, o, h]), axis=1, return_inverse=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = self.mix.forecast(*keys) / self.history.level[keys[0], keys[1]]
        return np.where(np.isfinite(found), np.clip(found, 0, 5), 1.0)[where.reshape(-1)]


class Shared:
    """Sums over the products of a group in a department, and over the departments that sell a product."""

    def __init__(self, items: ItemPanel, y: np.ndarray) -> None:
        groups = items.department * (items.group.max(initial=0) + 1) + items.group
        self.of = {}
        for name, code in (("group", groups), ("product", items.product)):
            found, row = np.unique(code, return_inverse=True)
            total, seen = np.zeros((len(found), y.shape[1])), np.zeros((len(found), y.shape[1]), dtype=bool)
            np.add.at(total, row, np.nan_to_num(y))
            np.logical_or.at(seen, row, ~np.isnan(y))
            total[~seen] = np.nan
            means = trailing_means(total, {7: 3, 28: 3})
            weekday = weighted_mean(*weekday_sums(total, 8.0))
            with np.errstate(invalid="ignore", divide="ignore"):
                self.of[name] = (row, np.clip(weekday / lag(means[28], 1), 0, 5), np.clip(means[7] / means[28], 0, 5))


class ItemFeatures:
    """Statistics of the series `first` to `end` of a panel as of each day from `since` on, blind after their origins.

    Days are counted as in `items.whole`. `origin` [departments] is the last day whose items are known.
    """

    def __init__(
        self, items: ItemPanel, whole: Whole, shared: Shared, origin: np.ndarray, since: int, first: int, end: int
    ) -> None:
        mine = slice(first, end)
        self.whole, self.shared, self.since, self.first = whole, shared, since, first
        self.department = items.department[mine]
        known = np.arange(since, items.y.shape[1])[None] <= origin[self.department][:, None]
        self.y = np.where(known, items.y[mine, since:], np.nan).astype(np.float64)
        money = np.where(known, items.money[mine, since:], np.nan).astype(np.float64)
        self._levels(money)

    def _levels(self, money: np.ndarray) -> None:
        y = self.y
        seen, sold = ~np.isnan(y), y > 0
        at = np.arange(y.shape[1])
        self.records = np.cumsum(seen, axis=1)
        last = np.maximum.accumulate(np.where(sold, at[None], -999), axis=1)
        self.recency = at[None] - last
        self.means = trailing_means(y, {7: 1, 14: 1, 28: 1, 91: 1, 364: 1})
        level = np.where(self.means[28] > 0, self.means[28], self.means[91])
        self.level = np.fmax(np.nan_to_num(level), FLOOR)
        sums = {hl: weekday_sums(y, hl) for hl in HALF_LIVES}
        self.weekday = {hl: weighted_mean(*pair) for hl, pair in sums.items()}
        days, selling = trailing_sums(seen, (28, 91)), trailing_sums(sold, (28, 91))
        with np.errstate(invalid="ignore", divide="ignore"):
            self.selling = {n: selling[n] / days[n] for n in days}
            brought, units = np.where(np.isnan(money), np.nan, money), np.where(np.isnan(money), np.nan, y)
            self.price = trailing_sum(brought, 56) / trailing_sum(units, 56)
        self.price[~np.isfinite(self.price) | (self.price <= 0)] = np.nan
        # A weekday seen a few times is drawn to the level: its mean is that of as many days and two more.
        top, weight = sums[8.0]
        self.usual = (top + 2 * self.level) / (weight + 2)
        expected = np.fmax(lag(self.usual, 7), FLOOR)
        noise = np.where(seen & ~np.isnan(lag(self.usual, 7)), (y - expected) ** 2 / expected, np.nan)
        noise = np.minimum(noise, 60.0)
        n = trailing_sum(~np.isnan(noise), 182)
        # A new series scatters as counts of chance do, a little more.
        self.dispersion = (trailing_sum(noise, 182) + 14 * 1.5) / (n + 14)

    def seasonal(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """[rows] forecasts without learning: weekday means, led on by where the whole department goes. Days from `since`."""
        b = o + h - 7 * -(-h // 7)
        usual = take(self.usual, s, b)
        level = self.level[s, o]
        usual = np.where(np.isnan(usual), level, usual)
        ratio = self.whole.ratio(self.department[s], o + self.since, h)
        return 0.5 * usual * self._pace(s, o) + 0.5 * level * ratio

    def _pace(self, s: np.ndarray, o: np.ndarray) -> np.ndarray:
        """[rows] how much more was sold in four weeks than in thirteen, a part of it."""
        with np.errstate(invalid="ignore", divide="ignore"):
            pace = self.means[28][s, o] / self.means[91][s, o]
        return np.where(np.isfinite(pace), np.clip(pace, 0.5, 2.0), 1.0) ** 0.5

    def rows(self, s: np.ndarray, o: np.ndarray, h: np.ndarray) -> np.ndarray:
        """float32 [rows, features] of series `s` seen from day `o` for the day `o + h`, days counted from `since`."""
        t = o + h
        b = t - 7 * -(-h // 7)
        level, d = self.level[s, o], self.department[s]
        past, at, then = self.whole.history, o + self.since, t + self.since
        out = [take(self.weekday[hl], s, b) / level for hl in HALF_LIVES]
        out += [take(self.y, s, b - 7 * k) / level for k in range(4)]
        out += [self.means[n][s, o] / level for n in (7, 14, 91, 364)]
        out += [take(self.means[28], s, o - 28) / level, take(self.means[28], s, t - 350) / level]
        out += [take(self.y, s, o - k) / level for k in range(3)]
        out += [self.selling[28][s, o], self.selling[91][s, o], self.recency[s, o], np.log(level)]
        out += [self.dispersion[s, o], np.minimum(self.records[s, o], 365)]
        out += [np.log(self.price[s, o]), take(self.price, s, o) / take(self.price, s, o - 91)]
        for row, weekday, trend in self.shared.of.values():
            mine = row[s + self.first]
            out += [take(weekday, mine, b), trend[mine, o]]
        out += [self.whole.ratio(d, at, h), past.surprise(d, at, 7), past.surprise(d, at, 28)]
        out += [past.feast("effect", d, then), past.feasts.on[d, then], past.chance_open(d, at, then)]
        dates = past.dates
        out += [dates.day_of_week.to_numpy()[then], dates.day_of_year.to_numpy()[then], dates.day.to_numpy()[then], h]
        out += [past.numeric[name][d, then] for name in sorted(past.numeric)]
        return np.stack([np.asarray(column, dtype=np.float32) for column in out], axis=1)

    def active(self, s: np.ndarray, o: np.ndarray) -> np.ndarray:
        """[rows] whether the product was on the list at day `o`: sold within the last four weeks."""
        return (o >= 0) & (self.recency[s, np.maximum(o, 0)] < ACTIVE)
