"""The runs of this floor: train, forecast, measure."""

from typing import Any

from django.conf import settings

from forecasting.choices import Origin
from forecasting.measure import measure
from forecasting.models import ForecastIssue
from forecasting.predict import make_issue, newest_origin
from forecasting.train import BACKTEST_ORIGINS, train_version
from forecasting.versions import Refused, serving_version
from runs.choices import State
from runs.ledger import RunFailed, Work
from runs.registry import Outcome


def train(work: Work) -> Outcome:
    version, verdict = train_version(
        work.run.organisation,
        origins_wanted=work.run.params.get("origins", BACKTEST_ORIGINS),
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
        return Outcome(State.FAILED, counts, [error])
    issue = make_issue(
        version,
        horizon=settings.FORECAST_HORIZON,
        origin=Origin.TRAINING,
        run=work.run,
        before_commit=work.guard,
    )
    return Outcome(State.DONE, {**counts, **_issued(issue)})


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
        raise RunFailed(refused.code, **refused.params) from refused
    if issue is None:
        raise RunFailed("no_sales")
    return Outcome(State.DONE, _issued(issue))


def measure_promises(work: Work) -> Outcome:
    changed = measure(work.run.organisation, progress=lambda done, total: work.progress(done, total, "measuring"))
    return Outcome(State.DONE, {"measured": changed})


def _issued(issue: ForecastIssue | None) -> dict[str, Any]:
    return {"issue": issue.pk, "forecasts": issue.forecasts.count()} if issue else {}
