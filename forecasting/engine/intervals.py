"""Prediction intervals: quantiles of past errors, in units of what a series' sales usually scatter.

The unit of an error is spread x sqrt(forecast x level) (errors of counts grow with the root of their size). Its
quantiles come from origins the models of the calibration had not been trained on, grow with the horizon along a line, and are
counted from the median: that most of those weeks came out too high, or too low, was what all got wrong together, and may
come the other way again. How much of that there is widens both ends. The weeks ahead may be harder than the last ones, or
calmer: the seasonal mix, which never learned either, tells it from the same weeks a year ago.
"""

from dataclasses import asdict, dataclass, field

import numpy as np

from forecasting.engine.columns import Runs
from forecasting.engine.history import SHORT, History
from forecasting.engine.spread import BELIEVED_TOGETHER, MEASURED

BANDS = ((1, 7), (8, 14), (15, 28), (29, 10_000))
LEVELS = {"lo80": 0.1, "hi80": 0.9, "lo95": 0.025, "hi95": 0.975}
FEAST_WIDER = {"on": 1.5, "beside": 1.2}  # widths on feasts and on their eves and morrows, before evidence
FEAST_PRIOR = 3  # days of evidence that belief weighs as much as: on a feast all series err alike
KNOWN = (7, 14, 27)  # days a short series is known at most
BELIEVED = {"lo80": 0.5, "hi80": 1.6, "lo95": 0.25, "hi95": 2.3}  # of cold starts, before evidence
BELIEVED_WEEKS = 1  # weeks of evidence that belief weighs as much as
MOST_SHIFT = 0.2  # that of a lognormal whose logs scatter by 1
BAND_PRIOR = 300  # errors of the other bands that a band of a newcomer's borrows
MOST_GROWTH = 0.05  # of an error's size, with each day ahead
FURTHER = 0.003  # what widths grow by with each day beyond those whose errors the calibration has seen
BELIEVED_APART = 0.05  # correlation of two series on days of different weeks, before evidence
SEASON, MOST_SEASON = 0.5, 2.0  # power of last year's ratio of errors, and how much wider or narrower at most
SEASON_ROWS = 300  # errors that ratio is told by


@dataclass(frozen=True)
class Calibration:
    """`quantiles[band][name]` of the scaled errors; `short[weeks][band][name]` are ratios actual / forecast of series
    known for one, two, three weeks or less."""

    quantiles: list[dict[str, float]]
    feast: dict[str, float] = field(default_factory=lambda: dict(FEAST_WIDER))
    together: dict[str, float] = field(default_factory=lambda: dict(BELIEVED_TOGETHER))
    short: list[list[dict[str, float]]] = field(default_factory=lambda: [[BELIEVED] * len(BANDS)] * len(KNOWN))
    mix_weight: float = 0.15  # of the seasonal mix in the blend, from the same errors
    errors: int = 0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def _scaled_errors(history: History, s: np.ndarray, o: np.ndarray, h: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    return (history.y[s, o + h] - forecast) / unit(history, s, o, forecast)


def unit(history: History, s: np.ndarray, o: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """[rows] what sales usually scatter by around a forecast; of the first weeks that of all series, as a level of n days
    misses by a day's scatter over the root of n."""
    own = Runs(s, o)
    level, records = history.level[own.s, own.d], history.records[own.s, own.d]
    luck = np.sqrt((1 + 1 / np.maximum(records, 1)) / (1 + 1 / SHORT))
    spread = np.where(records < SHORT, luck * history.pooled_noise[own.d], history.spread(own.s, own.d))
    level, spread = level[own.place], spread[own.place]
    return spread * np.sqrt(np.fmax(forecast, 0.05 * level) * level)


def season_ahead(history: History, now: tuple[np.ndarray, ...], then: tuple[np.ndarray, ...]) -> float:
    """What errors of the last weeks are to be multiplied by for the season ahead: (s, o, h, forecast) of one method `now`,
    and `then`, around the same days a year ago. The ratio is believed half, in logs; 1 where one of both is not known."""
    sizes = []
    for s, o, h, forecast in (then, now):
        z = np.abs(_scaled_errors(history, s, o, h, forecast))
        z = z[np.isfinite(z) & ~(history.feasts.key[s, o + h] > 0)]
        sizes.append(float(np.quantile(z, 0.8)) if len(z) >= SEASON_ROWS else 0.0)
    ratio = (sizes[0] / sizes[1]) ** SEASON if min(sizes) > 0 else 1.0
    return float(np.clip(ratio, 1 / MOST_SEASON, MOST_SEASON))


def calibrate(
    history: History, s: np.ndarray, o: np.ndarray, h: np.ndarray, forecast: np.ndarray,
    short: tuple[np.ndarray, np.ndarray, np.ndarray], mix_weight: float, season: float = 1.0,
    then: tuple[np.ndarray, ...] | None = None,
) -> Calibration:  # fmt: skip
    """Calibration from the forecasts of past origins; `short` are days known, h and actual / forecast of pretended
    cold starts; `season` is what `season_ahead` says, and `then` what it was told of the year before."""
    t = o + h
    z = _scaled_errors(history, s, o, h, forecast) * season
    good = np.isfinite(z)
    s, o, h, t, z = s[good], o[good], h[good], t[good], z[good]
    feast = history.feasts.key[s, t] > 0
    ordinary = ~feast
    if ordinary.sum() < 50:
        wide = {"lo80": -1.5, "hi80": 1.5, "lo95": -2.6, "hi95": 2.6}
        return Calibration([wide] * len(BANDS), mix_weight=mix_weight, errors=len(z), short=_short(*short))
    growth = _growth(h[ordinary], np.abs(z[ordinary]))
    at_once = _around_median(z[ordinary] / (1 + growth * h[ordinary]))
    usual = _around_median(z[ordinary])
    together = _together(s, o, h, z, usual["hi80"] - usual["lo80"])
    quantiles = []
    for lowest, highest in BANDS:
        last = max(min(highest, int(h.max())), lowest)
        # All series err together: so many days hold only a few independent errors of this band's length.
        wider = np.sqrt(1 + together["series"] * last / len(np.unique(t)))
        quantiles.append({k: float(wider * (1 + growth * (lowest + last) / 2) * at_once[k]) for k in LEVELS})
    if then is not None:
        # What all get wrong together is rare: of ten weeks alone it would mostly be told too small.
        together = _of_both_times(together, history, then)
    return Calibration(
        quantiles,
        feast=_feast_widths(z, t, history.feasts.on[s, t], feast),
        together=together,
        mix_weight=mix_weight,
        errors=len(z),
        short=_short(*short),
    )


def _of_both_times(together: dict[str, float], history: History, then: tuple[np.ndarray, ...]) -> dict[str, float]:
    """Correlations halfway between those of now and those `then`, a year ago."""
    s, o, h, _ = then
    z = _scaled_errors(history, *then)
    good = np.isfinite(z)
    if good.sum() < SEASON_ROWS:
        return together
    before = _together(s[good], o[good], h[good], z[good], 1.0)
    return together | {name: (together[name] + before[name]) / 2 for name in ("series", "days", "both", "apart")}


def _growth(h: np.ndarray, size: np.ndarray) -> float:
    """By what share of itself an error's `size` grows with each of the days `h` ahead: a line, never falling."""
    size = np.minimum(size, np.quantile(size, 0.99))
    h = h.astype(np.float64)
    slope = float(((h - h.mean()) * size).mean() / max(float(h.var()), 1e-12))
    start = float(size.mean()) - slope * float(h.mean())
    if slope <= 0:
        return 0.0
    return min(slope / start, MOST_GROWTH) if start > 0 else MOST_GROWTH


def _short(days: np.ndarray, h: np.ndarray, ratio: np.ndarray) -> list[list[dict[str, float]]]:
    """Quantiles of `ratio` by weeks known and band, never narrower further ahead."""
    overall = _quantiles(ratio) if len(ratio) >= 50 else BELIEVED
    out = []
    for most in KNOWN:
        row = []
        for lowest, highest in BANDS:
            mine = ratio[(days <= most) & (days > most - 7) & (h >= lowest) & (h <= highest)]
            share = len(mine) / (len(mine) + BAND_PRIOR)
            own = _quantiles(mine) if len(mine) >= 50 else overall
            row.append({k: share * own[k] + (1 - share) * overall[k] for k in LEVELS})
            if len(row) > 1:
                row[-1] = {k: (min if k.startswith("lo") else max)(row[-1][k], row[-2][k]) for k in LEVELS}
        out.append(row)
    return out


def short_bounds(
    calibration: Calibration, days: np.ndarray, h: np.ndarray, forecast: np.ndarray
) -> dict[str, np.ndarray]:
    """Bounds around the `forecast` of series known for `days` days."""
    weeks = np.minimum(np.searchsorted(KNOWN, days), len(KNOWN) - 1)
    band = np.searchsorted([b[0] for b in BANDS], h, side="right") - 1
    ratio = {k: np.array([[cell[k] for cell in row] for row in calibration.short])[weeks, band] for k in LEVELS}
    out, far = {k: forecast * r for k, r in ratio.items()}, h > MEASURED
    for bound in out.values():
        bound[far] = (forecast + (bound - forecast) * _further(h))[far]
    return ordered(forecast, out)


def _further(h: np.ndarray) -> np.ndarray:
    """[rows] how much wider an interval is than those of the last days ahead whose errors were measured."""
    return 1 + FURTHER * np.maximum(h - MEASURED, 0)


def bounds(
    calibration: Calibration, history: History, s: np.ndarray, o: np.ndarray, h: np.ndarray, forecast: np.ndarray
) -> dict[str, np.ndarray]:
    """lo80, hi80, lo95, hi95 around `forecast`; never negative, never crossing it or each other."""
    width = unit(history, s, o, forecast)
    feast = np.where(history.feasts.on[s, o + h], calibration.feast["on"], calibration.feast["beside"])
    width = width * np.where(history.feasts.key[s, o + h] > 0, feast, 1.0)
    width *= _further(h)
    band = np.searchsorted([b[0] for b in BANDS], h, side="right") - 1
    out = {}
    for name in LEVELS:
        z = np.array([q[name] for q in calibration.quantiles])[band]
        out[name] = forecast + z * width
    return ordered(forecast, out)


def ordered(forecast: np.ndarray, out: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    lo80, hi80 = np.clip(out["lo80"], 0, forecast), np.fmax(out["hi80"], forecast)
    return {"lo80": lo80, "hi80": hi80, "lo95": np.clip(out["lo95"], 0, lo80), "hi95": np.fmax(out["hi95"], hi80)}


def _quantiles(z: np.ndarray) -> dict[str, float]:
    return {k: float(np.quantile(z, q)) for k, q in LEVELS.items()}


def _around_median(z: np.ndarray) -> dict[str, float]:
    return _quantiles(z - np.median(z))


def _feast_widths(z: np.ndarray, t: np.ndarray, on: np.ndarray, near: np.ndarray) -> dict[str, float]:
    """How much wider errors `z` of the days `t` are on feasts and on their eves and morrows: measured, shrunk to belief."""
    usual = max(float(np.quantile(np.abs(z[~near]), 0.8)), 1e-9)
    out = {}
    for name, rows in (("on", on), ("beside", near & ~on)):
        days = len(np.unique(t[rows])) if rows.sum() >= 20 else 0
        measured = float(np.quantile(np.abs(z[rows]), 0.8)) / usual if days else 1.0
        out[name] = max(1.0, (days * measured + FEAST_PRIOR * FEAST_WIDER[name]) / (days + FEAST_PRIOR))
    return out


def _together(s: np.ndarray, o: np.ndarray, h: np.ndarray, z: np.ndarray, width: float) -> dict[str, float]:
    """What sums need to know: mean correlations of errors seen from one origin (of two series on a day, of a series on
    two days of a week, of two series on two days of a week and of different weeks), from the variances of their sums
    (Dawid-Sebastiani), and by how much the mean lies above the middle, as a share of the `width` of the 80 % interval.

    Errors are counted from where their skewness alone would put the mean: that all forecasts of these weeks were too
    high or too low was chance, and may come again the other way.
    """
    z = np.clip(z, *np.quantile(z, [0.01, 0.99]))
    skew = float(z.mean() - np.median(z))
    z = z - skew
    variance = max(float((z * z).mean()), 1e-12)
    week, count = o * 64 + np.minimum((h - 1) // 7, 63), int(s.max()) + 1
    cells = {
        "series": o * 4096 + h, "days": week * count + s, "both": week, "of origin": o * count + s, "apart": o,
    }  # fmt: skip
    # Of products of two errors in a cell, an error with itself not among them; and how many they are.
    sums: dict[str, float] = {}
    pairs: dict[str, float] = {}
    for name, cell in cells.items():
        _, cell = np.unique(cell, return_inverse=True)
        n = np.bincount(cell)
        sums[name] = float((np.bincount(cell, z) ** 2).sum() - (z * z).sum())
        pairs[name] = float((n * (n - 1)).sum())
    for found in (sums, pairs):
        found["apart"] -= found["both"] + found.pop("of origin") - found["days"]
        found["both"] -= found["series"] + found["days"]
    # What all get wrong together is a matter of weeks, however many series there are, and most weeks nothing happens.
    weeks = len(np.unique((o + h) // 7))
    out = BELIEVED_TOGETHER | {"apart": BELIEVED_APART}
    for name in sums:
        if pairs[name] >= 100:
            measured = float(np.clip(sums[name] / pairs[name] / variance, 0.0, 1.0))
            out[name] = (weeks * measured + BELIEVED_WEEKS * out[name]) / (weeks + BELIEVED_WEEKS)
    # One origin has few weeks: what it tells of different weeks is less sure than that these have no more in common.
    out["apart"] = min(out["apart"], out["both"])
    return out | {"shift": float(np.clip(skew / max(width, 1e-12), 0.0, MOST_SHIFT))}
