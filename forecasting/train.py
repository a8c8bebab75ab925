"""Training: a short rolling-origin backtest, fit, gate; the long backtest follows once the version serves."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from django.conf import settings

from accounts.models import Organisation, User
from forecasting.backtest import backtest_score, rolling_origins
from forecasting.choices import LEAST_DAYS
from forecasting.engine import api as engine
from forecasting.engine import contest
from forecasting.engine.intraday import learn_mornings
from forecasting.engine.recipe import DEFAULT_RECIPE, RECIPES, Recipe
from forecasting.gate import Verdict, judge_first, judge_recipe, judge_refit
from forecasting.models import ModelVersion
from forecasting.series import HOURS_KNOWN, HOURS_LEARNED, Series, latest_cutoff, read_hours, read_series
from forecasting.versions import Refused, load_fit, refuse, save_version, serve, serving_version
from runs.choices import Trigger
from runs.ledger import RunFailed, open_run
from runs.models import Run

SHORT_ORIGINS = 4
CONTEST_ORIGINS = 12
LEAST_CONTEST = 4  # origins below which two recipes cannot be told apart

Progress = Callable[[int, int, str], None]


def start_training(
    *,
    organisation: Organisation,
    trigger: str,
    started_by: User | None = None,
    origins: int = SHORT_ORIGINS,
    recipe: str = "",
    night: dt.date | None = None,
) -> tuple[Run, bool]:
    """Open a run that trains a version, measured at `origins` past dates, and forecasts with it if the gate lets it in.

    Without a `recipe` it is the program's default one.
    """
    params = {"origins": origins, "recipe": recipe or DEFAULT_RECIPE}
    return open_run(
        "train", organisation=organisation, night=night, trigger=trigger, started_by=started_by, params=params
    )


def start_refit(version: ModelVersion, *, night: dt.date | None = None) -> tuple[Run, bool]:
    """Open a scheduled training by the recipe that serves, or by the default one if this code has lost it."""
    recipe = version.recipe if version.recipe in RECIPES else ""
    return start_training(organisation=version.organisation, trigger=Trigger.SCHEDULE, recipe=recipe, night=night)


def train_version(
    organisation: Organisation,
    *,
    recipe: str = DEFAULT_RECIPE,
    origins_wanted: int = SHORT_ORIGINS,
    run: Run | None = None,
    progress: Progress | None = None,
) -> tuple[ModelVersion, Verdict]:
    """Backtest, fit and judge; a version that passes serves. Raises RunFailed if there is too little to learn from."""
    tell = progress or (lambda done, total, code: None)
    cutoff = latest_cutoff(organisation)
    if cutoff is None:
        raise RunFailed("no_sales")
    series = read_series(organisation, cutoff=cutoff, horizon=RECIPES[recipe].horizon)
    origins = rolling_origins(series, origins_wanted)
    if not origins:
        raise RunFailed("too_short", days=LEAST_DAYS)
    old = _serving_fit(organisation)
    rivals = [] if old is None or old.recipe == RECIPES[recipe] else rolling_origins(series, CONTEST_ORIGINS)
    done, steps = 0, len(origins) + 1 + max(2 * len(rivals), 2)

    def step(code: str) -> None:
        nonlocal done
        done += 1
        tell(done, steps, code)

    tell(0, steps, "backtesting")
    score = backtest_score(series, origins, RECIPES[recipe], lambda: step("backtesting"))
    tell(done, steps, "fitting")
    fit = fit_series(series, RECIPES[recipe])
    step("judging")
    verdict = judge(series, fit, score, old, rivals, lambda: step("judging"))
    version = save_version(organisation, fit, metrics=score, mornings=mornings(series), run=run)
    version.gate = verdict.as_json()
    version.save(update_fields=["gate"])
    if verdict.passed:
        serve(version)
    else:
        refuse(version)
    return version, verdict


def fit_series(series: Series, recipe: Recipe) -> engine.Fit:
    """The recipe trained on days and hours up to the series' cutoff."""
    hours = read_hours(series, HOURS_LEARNED)
    return engine.fit(series.panel, series.cutoff, recipe, threads=settings.FORECAST_THREADS, hours=hours)


def mornings(series: Series) -> dict[str, list[float]]:
    """What mornings have told of the rest of their days, as `engine.rest.Mornings` is made of it."""
    hours = read_hours(series, HOURS_KNOWN)
    if hours.empty:
        return {}
    told = learn_mornings(hours, series.cutoff)
    return {"power": told.power.round(6).tolist(), "uncertainty": told.uncertainty.round(6).tolist()}


def judge(
    series: Series,
    fit: engine.Fit,
    score: dict[str, Any],
    old: engine.Fit | None,
    rivals: list[dt.date],
    tell: Callable[[], None] = lambda: None,
) -> Verdict:
    """The gate's word on a fit: as the first, as a refit of the serving recipe, or as a new recipe (at `rivals`)."""
    first = judge_first(series, fit, score)
    if old is None or not first.passed:
        return first
    known = _with_columns(series, old.covariates)
    if fit.recipe == old.recipe:
        return judge_refit(known, _contender(fit.recipe), old, tell)
    if len(rivals) < LEAST_CONTEST:
        return Verdict(False, "too_short_to_compare", {"origins": LEAST_CONTEST})
    return judge_recipe(known, _contender(fit.recipe), _contender(old.recipe), rivals, tell)


def _contender(recipe: Recipe) -> contest.Contender:
    return contest.of_recipe(recipe, threads=settings.FORECAST_THREADS)


def _with_columns(series: Series, names: list[str]) -> Series:
    """The series with events that an older fit knows and nobody has entered any more: none of them is near."""
    panel = series.panel
    none = {name: np.zeros(panel.y.shape) for name in names if name not in panel.numeric}
    return replace(series, panel=replace(panel, numeric={**panel.numeric, **none}))


def _serving_fit(organisation: Organisation) -> engine.Fit | None:
    version = serving_version(organisation)
    try:
        return load_fit(version) if version else None
    except Refused:
        return None  # code has moved on; the new version is judged like a first one
