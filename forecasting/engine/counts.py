"""How many will be asked for: the distribution of a count around its mean, and levels that past days have put right."""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from forecasting.engine.item_levels import LEVELS

INNER, OUTER = 0.1, 0.9  # the interval whose width past days put right
SIZES = (1.0, 4.0, 15.0)  # units a day between which products err alike
WIDTHS = np.geomspace(0.25, 4.0, 17)  # times the dispersion of a product's own past
UNLIKE = 0.01  # of what few units do not tell apart, the width nearest to one
EVEN = 60  # made-up days, per size, that erred as the product's own past says: few real ones change little
LEAST_DISPERSION = 1.05  # variance over mean; below it a negative binomial is none


@dataclass(frozen=True)
class Counts:
    """`widths` [sizes]: what a product's own dispersion is multiplied by, for so many of 100 past days to lie inside.

    Only the width is learned of the past: where all its days came out high or low, a season went up or down, which
    says nothing of the days ahead.
    """

    widths: list[float]

    @classmethod
    def plain(cls) -> "Counts":
        return cls([1.0] * (len(SIZES) + 1))

    def quantiles(self, mean: np.ndarray, dispersion: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """float64 [rows, LEVELS] the units that suffice at each level; whole numbers where `whole`, in order."""
        out = np.zeros((len(mean), len(LEVELS)))
        some = mean > 0
        out[some] = _quantile(np.array(LEVELS), mean[some], self._wide(mean, dispersion)[some], whole[some])
        return out

    def place(
        self, y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, whole: np.ndarray, seed: int = 7
    ) -> np.ndarray:
        """[rows] where in its distribution `y` came out, 0..1, and evenly so if the distributions are right.

        An interval of whole pieces holds more often than it must; how often places lie in 0.1..0.9 tells whether it is
        also too wide. NaN where nothing is expected.
        """
        draw = np.random.default_rng(seed).random(len(y))
        out, some = np.full(len(y), np.nan), mean > 0
        given = (y[some], mean[some], self._wide(mean, dispersion)[some], whole[some], draw[some])
        out[some] = _place(*given)
        return out

    def _wide(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return dispersion * np.array(self.widths)[np.searchsorted(SIZES, mean)]


def calibrate(y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, whole: np.ndarray, seed: int = 7) -> Counts:
    """Widths by size from past days: `y` was sold where `mean` was expected."""
    draw = np.random.default_rng(seed).random(len(y))
    size = np.searchsorted(SIZES, mean)
    widths = []
    for number in range(len(SIZES) + 1):
        mine = (size == number) & (mean > 0)
        given = (y[mine], mean[mine], dispersion[mine], whole[mine], draw[mine])
        found = 1.0
        if mine.any():
            off = [abs(_inside(width, *given) - (OUTER - INNER)) + UNLIKE * abs(np.log(width)) for width in WIDTHS]
            found = float(WIDTHS[int(np.argmin(off))])
        days = mine.sum() / (mine.sum() + EVEN)
        widths.append(round(float(found**days), 4))
    return Counts(widths)


def _inside(
    width: float, y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, whole: np.ndarray, draw: np.ndarray
) -> float:
    place = _place(y, mean, dispersion * width, whole, draw)
    return float(((place >= INNER) & (place <= OUTER)).mean())


def _size(mean: np.ndarray, dispersion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, p) of the negative binomial."""
    spread = np.fmax(dispersion, LEAST_DISPERSION)
    return mean / (spread - 1), 1 / spread


def _quantile(level: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, whole: np.ndarray) -> np.ndarray:
    spread = np.fmax(dispersion, LEAST_DISPERSION)[:, None]
    # What is weighed has the gamma distribution of the same mean and variance.
    out = special.gammaincinv(mean[:, None] / spread, level[None]) * spread
    n, p = _size(mean[whole], dispersion[whole])
    out[whole] = stats.nbinom.ppf(level[None], n[:, None], p[:, None])
    return out


def _place(y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, whole: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """[rows] where in its distribution a day came out, 0..1, a count's step being shared out by `draw`."""
    n, p = _size(mean, dispersion)
    at = np.round(y)
    upper, lower = special.betainc(n, at + 1, p), np.where(at > 0, special.betainc(n, np.fmax(at, 1), p), 0.0)
    spread = np.fmax(dispersion, LEAST_DISPERSION)
    return np.where(whole, lower + draw * (upper - lower), special.gammainc(mean / spread, y / spread))
