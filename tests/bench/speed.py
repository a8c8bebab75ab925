"""What forecasting costs beside LightGBM alone, and how long a chain of 38 branches takes from training to stored issue.

    python -m tests.bench.speed [training | forecasting | chain]

The ratios are of processor time of one thread, so that neighbours on the machine do not count; each part has a process
of its own and tells its peak memory. A limit is what holds today: it stops a change for the worse. Where it lies above
the aim, the aim is not reached yet.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.database import scratch_database

DAYS, AHEAD = 730, 28
TRAINED, FORECAST = 1_000, 10_000  # series
BRANCHES, ORIGINS, THREADS = 38, 12, 2
# {part: (limit, aim)}; ratios, and seconds of processor time: on idle cores no more pass by the clock
LIMITS = {"training": (1.3, 1.3), "forecasting": (1.5, 1.5), "chain": (180.0, 180.0)}


def main() -> int:
    if len(sys.argv) > 1:
        return part(sys.argv[1])
    # One after the other, whatever the first says.
    done = [subprocess.run([sys.executable, "-m", "tests.bench.speed", name], check=False) for name in LIMITS]
    return int(any(each.returncode for each in done))


def part(name: str) -> int:
    measured = {"training": training, "forecasting": forecasting, "chain": chain}[name]()
    limit, aim = LIMITS[name]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    word = "above the limit" if measured > limit else "" if measured <= aim else "aim not reached"
    print(f"{name:12s} {measured:8.2f}   limit {limit:g}, aim {aim:g}   peak {peak} MB   {word}", flush=True)
    return int(measured > limit)


def training() -> float:
    """Features, intervals, training and a forecast of TRAINED series over bare calls of lgb.train on the same matrices.

    Each bare call follows the call it repeats, so that both meet the same machine, and sorts its matrix into bins itself.
    """
    import lightgbm

    from forecasting.engine import fit, predict

    made, ours = panel(TRAINED), lightgbm.train
    spent: list[float] = []

    class Ready(lightgbm.Dataset):
        """Remembers the matrix it was made of."""

        def __init__(self, data: Any, label: Any = None, **options: Any) -> None:
            super().__init__(data, label, **options)
            self.matrix = data

    def train(params: dict[str, Any], data: Any, num_boost_round: int) -> lightgbm.Booster:
        matrix = (data if isinstance(data, Ready) else data.reference).matrix
        label, weight = data.get_label(), data.get_weight()
        found = ours(params, data, num_boost_round)
        begun = time.process_time()
        ours(params, plain(matrix, label, weight=weight), num_boost_round)
        spent.append(time.process_time() - begun)
        return found

    plain = lightgbm.Dataset
    lightgbm.Dataset, lightgbm.train = Ready, train  # type: ignore[misc]
    begun = time.process_time()
    fitted = fit(made, made.dates[DAYS - 1])
    predict(fitted, made, made.dates[DAYS - 1], AHEAD)
    bare = sum(spent)
    whole = time.process_time() - begun - bare
    print(f"{TRAINED} series x {DAYS} days trained and forecast: {whole:.1f} s, bare lgb.train {bare:.1f} s")
    return whole / bare


def forecasting() -> float:
    """AHEAD days of FORECAST series over their calls of Booster.predict alone."""
    import lightgbm

    from forecasting.engine import fit, predict

    few = panel(60)
    fitted = fit(few, few.dates[DAYS - 1])
    made, (bare, spent) = panel(FORECAST), _clocked(lightgbm.Booster.predict)
    lightgbm.Booster.predict = bare  # type: ignore[method-assign]
    begun = time.process_time()
    predict(fitted, made, made.dates[DAYS - 1], AHEAD)
    whole = time.process_time() - begun
    print(f"{FORECAST} series x {AHEAD} days forecast: {whole:.1f} s, Booster.predict alone {sum(spent):.1f} s")
    return whole / sum(spent)


def chain() -> float:
    """Seconds for which BRANCHES branches are trained, measured at ORIGINS past dates, forecast and stored with reasons."""
    os.environ["FORECAST_THREADS"] = str(THREADS)
    with scratch_database():
        from django.conf import settings

        from forecasting.backtest import backtest_version
        from forecasting.choices import Origin
        from forecasting.predict import make_issue
        from forecasting.tests.chain import make_chain
        from forecasting.train import train_version

        settings.FORECAST_THREADS = THREADS
        organisation = make_chain(departments=BRANCHES, days=DAYS, hourly_days=364)
        begun, marks = time.perf_counter(), [time.process_time()]
        version, verdict = train_version(organisation)
        assert verdict.passed, verdict
        marks.append(time.process_time())
        assert backtest_version(version, lambda done, total: None)["origins"] == ORIGINS
        marks.append(time.process_time())
        issue = make_issue(version, horizon=settings.FORECAST_HORIZON, origin=Origin.MANUAL)
        marks.append(time.process_time())
        assert issue is not None and issue.forecasts.count() == BRANCHES * settings.FORECAST_HORIZON
        assert issue.reasons.count() == BRANCHES
        wall = time.perf_counter() - begun
    trained, measured, stored = np.diff(marks)
    print(
        f"{BRANCHES} branches x {DAYS} days: trained and judged {trained:.1f} s, {ORIGINS} origins {measured:.1f} s, "
        f"forecast with hours and reasons and stored {stored:.1f} s; {wall:.0f} s by the clock with {THREADS} threads"
    )
    return marks[-1] - marks[0]


def panel(series: int) -> Any:
    """Invented branches with weekdays, a season, feasts and a promotion; one day in a hundred is not recorded."""
    from forecasting.engine import Panel

    draw = np.random.default_rng(0)
    dates = pd.date_range("2024-01-01", periods=DAYS + AHEAD)
    week = np.array([0.8, 0.85, 0.9, 1.0, 1.3, 1.5, 1.1])[dates.day_of_week.to_numpy()]
    season = 1 + 0.2 * np.sin(2 * np.pi * dates.day_of_year.to_numpy() / 365.25)
    y = draw.lognormal(8, 1, (series, 1)) * week * season * draw.lognormal(0, 0.2, (series, len(dates)))
    holiday = np.zeros(y.shape, dtype=np.int32)
    feasts = ((1, 1), (3, 8), (3, 21), (5, 1), (5, 9), (7, 6), (8, 30), (10, 25), (12, 16))
    for number, (month, day) in enumerate(feasts, 1):
        holiday[:, (dates.month == month) & (dates.day == day)] = number
    promo = (draw.random(y.shape) < 0.2).astype(float)
    y *= np.where(holiday > 0, 1.3, 1.0) * (1 + 0.2 * promo)
    y[draw.random(y.shape) < 0.01] = np.nan
    y[:, DAYS:] = np.nan
    names = ["", *(f"feast {number}" for number in range(1, len(feasts) + 1))]
    closed = np.zeros(y.shape, dtype=bool)
    return Panel([f"s{number:05d}" for number in range(series)], dates, y, holiday, names, closed, {"promo": promo})


def _clocked(call: Callable[..., Any]) -> tuple[Callable[..., Any], list[float]]:
    """The call, and the seconds of processor time each of its calls will have taken."""
    spent: list[float] = []

    def clocked(*args: Any, **options: Any) -> Any:
        begun = time.process_time()
        found = call(*args, **options)
        spent.append(time.process_time() - begun)
        return found

    return clocked, spent


if __name__ == "__main__":
    sys.exit(main())
