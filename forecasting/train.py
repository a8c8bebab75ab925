"""Training: rolling-origin backtest, fit, gate, and the first issue of the version that serves."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings

from accounts.models import Organisation, User
from forecasting.engine import api as engine
from forecasting.engine import metrics
from forecasting.engine.recipe import DEFAULT_RECIPE, RECIPES, Recipe
from forecasting.gate import Verdict, judge
from forecasting.models import ModelVersion
from forecasting.series import Series, latest_cutoff, read_series
from forecasting.versions import (
    Refused,
    load_fit,
    refuse,
    save_version,
    serve,
    serving_version,
)
from runs.ledger import RunFailed, open_run
from runs.models import Run

BACKTEST_HORIZON = 28
BACKTEST_ORIGINS = 4
LEAST_DAYS = 56  # history without which nothing can be measured

Progress = Callable[[int, int, str], None]


def start_training(
    *, organisation: Organisation, trigger: str, started_by: User | None = None, origins: int = BACKTEST_ORIGINS
) -> tuple[Run, bool]:
    """Open a run that trains a version, measured at `origins` past dates, and forecasts with it if the gate lets it in."""
    return open_run(
        "train", organisation=organisation, trigger=trigger, started_by=started_by, params={"origins": origins}
    )


def train_version(
    organisation: Organisation,
    *,
    recipe: str = DEFAULT_RECIPE,
    origins_wanted: int = BACKTEST_ORIGINS,
    run: Run | None = None,
    progress: Progress | None = None,
) -> tuple[ModelVersion, Verdict]:
    """Backtest, fit and judge; a version that passes serves. Raises RunFailed if there is too little to learn from."""
    tell = progress or (lambda done, total, code: None)
    cutoff = latest_cutoff(organisation)
    if cutoff is None:
        raise RunFailed("no_sales")
    series = read_series(organisation, cutoff=cutoff, horizon=settings.FORECAST_HORIZON)
    origins = rolling_origins(series, origins_wanted)
    if not origins:
        raise RunFailed("too_short", days=LEAST_DAYS)
    steps = len(origins) + 2
    tell(0, steps, "backtesting")
    score = backtest_score(
        series, origins, RECIPES[recipe], lambda share: tell(int(share * len(origins)), steps, "backtesting")
    )
    tell(len(origins), steps, "fitting")
    fit = engine.fit(series.panel, cutoff, RECIPES[recipe], threads=settings.FORECAST_THREADS)
    tell(len(origins) + 1, steps, "judging")
    verdict = judge(series, fit, score, _serving_fit(organisation))
    version = save_version(organisation, fit, metrics=score, run=run)
    version.gate = verdict.as_json()
    version.save(update_fields=["gate"])
    if verdict.passed:
        serve(version)
    else:
        refuse(version)
    return version, verdict


def _serving_fit(organisation: Organisation) -> engine.Fit | None:
    version = serving_version(organisation)
    try:
        return load_fit(version) if version else None
    except Refused:
        return None  # code has moved on; the new version is judged like a first one


def rolling_origins(series: Series, count: int = BACKTEST_ORIGINS) -> list[dt.date]:
    """Up to `count` origins, four weeks apart, the newest with four weeks of known days after it."""
    first = series.panel.dates[0].date()
    found = [series.cutoff - dt.timedelta(days=BACKTEST_HORIZON * (number + 1)) for number in range(count)]
    return sorted(origin for origin in found if (origin - first).days >= LEAST_DAYS)


def backtest_score(
    series: Series, origins: list[dt.date], recipe: Recipe, tell: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """Score of a recipe refitted at every origin, beside seasonal naive and the mean of four same weekdays."""
    frame = engine.backtest(
        series.panel,
        origins,
        recipe,
        horizon=BACKTEST_HORIZON,
        threads=settings.FORECAST_THREADS,
        progress=(lambda share, step: tell(share)) if tell else None,
    )
    # A department's open days are scored; what it sells on a day it is shut needs no forecast.
    return {
        **metrics.score_backtest(series.panel, frame, BACKTEST_HORIZON),
        "origins": len(origins),
        "horizon": BACKTEST_HORIZON,
        "first_origin": origins[0].isoformat(),
        "last_origin": origins[-1].isoformat(),
    }
