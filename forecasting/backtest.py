"""Measuring a recipe at past origins, refitted at each. What comes of it is called a backtest wherever it is shown."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings

from accounts.models import Organisation
from departments.models import Department
from forecasting.choices import LEAST_DAYS
from forecasting.currencies import panel_at_par
from forecasting.engine import contest, metrics, scores
from forecasting.engine.recipe import RECIPES, Recipe
from forecasting.gate import HORIZON, segments
from forecasting.models import ModelVersion
from forecasting.series import Series, read_series
from runs.ledger import RunFailed, open_run
from runs.models import Run

LONG_ORIGINS, LONG_STEP = 12, 30  # a year of origins
SHORT_STEP = 28
LEAST_HISTORY = 56  # days before an origin

Tell = Callable[[], None]


def start_backtest(version: ModelVersion, *, trigger: str) -> tuple[Run, bool]:
    """Open the run of a version's long backtest."""
    return open_run(
        "backtest",
        organisation=version.organisation,
        unit=str(version),
        trigger=trigger,
        params={"version": version.pk},
    )


def rolling_origins(series: Series, count: int, step: int = SHORT_STEP) -> list[dt.date]:
    """Up to `count` origins, `step` days apart, the newest with four weeks of known days after it."""
    first = series.panel.dates[0].date()
    found = [series.cutoff - dt.timedelta(days=HORIZON + step * number) for number in range(count)]
    return sorted(origin for origin in found if (origin - first).days >= LEAST_HISTORY)


def backtest_score(series: Series, origins: list[dt.date], recipe: Recipe, tell: Tell = lambda: None) -> dict[str, Any]:
    """Score of a recipe refitted at every origin, beside seasonal naive and the mean of four same weekdays."""
    contender = contest.of_recipe(recipe, threads=settings.FORECAST_THREADS)
    frame = contest.forecasts(contender, series.panel, origins, HORIZON, tell)
    # A department's open days are scored; what it sells on a day it is shut needs no forecast.
    return {**metrics.score_backtest(*panel_at_par(series.panel, frame), HORIZON), **_told(origins)}


def backtest_version(version: ModelVersion, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Measure the version's recipe at a year of origins and keep the figures with it; returns those of the whole.

    Raises RunFailed when this code lacks the recipe or history is too short.
    """
    recipe = RECIPES.get(version.recipe)
    if recipe is None:
        raise RunFailed("contract_changed", version=version.number)
    organisation: Organisation = version.organisation
    series = read_series(organisation, cutoff=version.trained_through, horizon=HORIZON)
    origins = rolling_origins(series, LONG_ORIGINS, LONG_STEP)
    if not origins:
        raise RunFailed("too_short", days=LEAST_DAYS)
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        progress(done, len(origins))

    progress(0, len(origins))
    contender = contest.of_recipe(recipe, threads=settings.FORECAST_THREADS)
    frame = contest.forecasts(contender, series.panel, origins, HORIZON, tell)
    panel, frame = panel_at_par(series.panel, frame)
    whole = {**metrics.score_backtest(panel, frame, HORIZON), **_told(origins)}
    groups = segments(series)
    places = dict(Department.objects.filter(pk__in=series.departments).values_list("pk", "segment_type"))
    kinds = {
        **groups,
        "weekday": lambda rows: (rows["date"].dt.day_of_week + 1).to_numpy(),
        "segment": lambda rows: rows["series_id"].map({str(pk): segment for pk, segment in places.items()}).to_numpy(),
    }
    version.metrics = whole
    version.backtest = scores.table(panel, frame, kinds, HORIZON)
    version.save(update_fields=["metrics", "backtest"])
    return whole


def _told(origins: list[dt.date]) -> dict[str, Any]:
    return {
        "origins": len(origins),
        "horizon": HORIZON,
        "first_origin": origins[0].isoformat(),
        "last_origin": origins[-1].isoformat(),
    }
