"""The runs of this floor: train, backtest, forecast, measure."""

from typing import Any

from django.conf import settings

from forecasting.backtest import backtest_version, start_backtest
from forecasting.choices import Origin
from forecasting.drift import watch_drift
from forecasting.engine.recipe import DEFAULT_RECIPE, RECIPES
from forecasting.item_issue import make_item_issue, replay_items
from forecasting.item_measure import forget_old_issues, measure_items
from forecasting.measure import measure
from forecasting.models import ForecastIssue, ModelVersion, OwnForecasts
from forecasting.predict import make_issue, newest_origin
from forecasting.renewal import renew_items
from forecasting.scoring import score
from forecasting.thinning import thin
from forecasting.train import SHORT_ORIGINS, start_refit, train_version
from forecasting.versions import Refused, serving_version
from runs.alarms import end_alarm, raise_alarm
from runs.choices import State, Trigger
from runs.ledger import RunFailed, Work
from runs.models import Run
from runs.registry import Later, Outcome

NIGHT_PAUSE = 300  # seconds until a training that waits for the night looks again


def train(work: Work) -> Outcome | Later:
    organisation = work.run.organisation
    scheduled = work.run.trigger == Trigger.SCHEDULE
    if scheduled and Run.objects.filter(organisation=organisation, kind="nightly").unfinished().exists():
        return Later(NIGHT_PAUSE)  # the night's sales come first
    version, verdict = train_version(
        organisation,
        recipe=_recipe(work),
        origins_wanted=work.run.params.get("origins", SHORT_ORIGINS),
        run=work.run,
        progress=work.progress,
    )
    counts: dict[str, Any] = {
        "version": version.number,
        **{name: round(version.metrics[name], 4) for name in ("wape", "snaive_wape", "bias")},
        "gate": verdict.as_json(),
    }
    if not verdict.passed:
        error = {"code": "not_let_in", "params": {"version": version.number, "why": verdict.as_json()}}
        if scheduled:  # nobody is watching
            params = {"why": error, "run": work.run.pk}
            raise_alarm(organisation, "training_refused", "training", params=params)
        return Outcome(State.FAILED, counts, [error])
    end_alarm(organisation, "training")
    issue = make_issue(
        version,
        horizon=settings.FORECAST_HORIZON,
        origin=Origin.TRAINING,
        run=work.run,
        before_commit=work.guard,
    )
    start_backtest(version, trigger=Trigger.RUN)
    return Outcome(State.DONE, {**counts, **_issued(issue)})


def _recipe(work: Work) -> str:
    name = work.run.params.get("recipe") or DEFAULT_RECIPE
    if name not in RECIPES:
        raise RunFailed("unknown_recipe", recipe=name, known=", ".join(sorted(RECIPES)))
    return str(name)


def backtest(work: Work) -> Outcome:
    version = ModelVersion.objects.select_related("organisation").filter(pk=work.run.params["version"]).first()
    if version is None:
        raise RunFailed("no_version")
    whole = backtest_version(version, lambda done, total: work.progress(done, total, "backtesting"))
    counts: dict[str, Any] = {"version": version.number, "origins": whole["origins"]}
    shown = ("wape", "snaive_wape", "bias", "coverage80")
    return Outcome(State.DONE, counts | {name: round(whole[name], 4) for name in shown if name in whole})


def forecast(work: Work) -> Outcome:
    version = serving_version(work.run.organisation)
    if version is None:
        raise RunFailed("no_version")
    work.progress(0, 1, "forecasting")
    try:
        issue = make_issue(
            version,
            horizon=work.run.params.get("horizon") or settings.FORECAST_HORIZON,
            origin=newest_origin(work.run.trigger),
            run=work.run,
            before_commit=work.guard,
        )
    except Refused as refused:
        start_refit(version)  # nothing else brings forecasts back
        raise RunFailed(refused.code, **refused.params) from refused
    if issue is None:
        raise RunFailed("no_sales")
    if work.run.trigger == Trigger.CALENDAR:
        renew_items(work.run.organisation)
    return Outcome(State.DONE, _issued(issue))


def forecast_items(work: Work) -> Outcome:
    """Measure what was promised, then forecast every product anew."""
    organisation = work.run.organisation
    replayed = replay_items(organisation, work.run.params.get("replay_days", 0))
    measured = measure_items(organisation)
    issue = make_item_issue(
        organisation,
        origin=newest_origin(work.run.trigger),
        run=work.run,
        before_commit=work.guard,
        progress=lambda share, step: work.progress(round(100 * share), 100, f"items_{step}"),
    )
    if issue is None:
        return Outcome(State.DONE, {"measured": measured}, [{"code": "no_items", "params": {}, "warning": True}])
    old = forget_old_issues(organisation, before_commit=work.guard)
    counts = {"issue": issue.pk, "forecasts": issue.forecasts.count(), "measured": measured, "thinned": old, "replayed": replayed}
    return Outcome(State.DONE, counts | {"blend": issue.manifest["share"]})


def measure_promises(work: Work) -> Outcome:
    changed = measure(work.run.organisation, progress=lambda done, total: work.progress(done, total, "measuring"))
    found = watch_drift(work.run.organisation)
    thinned = thin(
        work.run.organisation,
        progress=lambda done, total: work.progress(done, total, "thinning"),
        before_commit=work.guard,
    )
    return Outcome(State.DONE, {"measured": changed, "drifts": [drift.code for drift in found], "thinned": thinned})


def score_forecasts(work: Work) -> Outcome:
    own = OwnForecasts.objects.select_related("organisation").filter(pk=work.run.params["own"]).first()
    if own is None:
        raise RunFailed("upload_gone")
    result = score(own, lambda done, total: work.progress(done, total, "measuring"))
    return Outcome(State.DONE, {"rows": result["rows"], "scored": result["n"]})


def _issued(issue: ForecastIssue | None) -> dict[str, Any]:
    return {"issue": issue.pk, "forecasts": issue.forecasts.count()} if issue else {}
