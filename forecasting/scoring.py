"""Somebody's own forecasts scored beside ours, repeating last week, and the version that served before.

All are compared on the same days: those with a believed actual, a stored promise of ours so many days before, and a
last week to repeat. The previous version forecasts them anew from what was known then; days it had learned from are not
asked of it. Several currencies are compared at par.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
from django.db.models import FloatField, TextField
from django.db.models.functions import Cast

from forecasting.choices import VersionState
from forecasting.currencies import at_par, currencies
from forecasting.engine import api as engine
from forecasting.engine import metrics
from forecasting.models import Accuracy, ModelVersion, OwnForecasts
from forecasting.series import read_series
from forecasting.versions import Refused, load_fit, serving_version

MOST_MORNINGS = 92  # the newest ones, on which the previous version is asked
KEY = ["series_id", "date"]


def score(own: OwnForecasts, progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """{"rows", "n", "from_date", "to_date", "theirs", "ours", "naive", "previous"}, kept with the upload.

    Each of the four is `metrics.score` or None; the previous version's has its `version`, and `theirs_wape` and
    `ours_wape` on the days that it was asked of.
    """
    rows = _rows(own)
    result: dict[str, Any] = {"rows": len(own.rows), "n": len(rows)}
    if len(rows):
        par = _at_par(own, rows)
        result |= {
            "from_date": f"{rows['date'].min():%Y-%m-%d}",
            "to_date": f"{rows['date'].max():%Y-%m-%d}",
            "theirs": _score(par, "theirs"),
            "ours": _score(par, "ours"),
            "naive": _score(par, "naive"),
            "previous": _previous(own, rows, progress),
        }
    own.result = result
    own.save(update_fields=["result"])
    return result


def _rows(own: OwnForecasts) -> pd.DataFrame:
    theirs = pd.DataFrame(own.rows, columns=["series_id", "date", "theirs", "theirs_lo80", "theirs_hi80"])
    figures = {
        "y": "actual",
        "ours": "predicted_sales",
        "naive": "naive",
        "ours_lo80": "lower_80",
        "ours_hi80": "upper_80",
    }
    found = (
        Accuracy.objects.filter(department__in=set(theirs["series_id"]), horizon=own.days_before)
        .filter(organisation=own.organisation_id, naive__isnull=False)
        .scored()
        .order_by()
        .annotate(**{f"as_{name}": Cast(column, FloatField()) for name, column in figures.items()})
        .annotate(day=Cast("date", TextField()))
        .values_list("department", "day", *(f"as_{name}" for name in figures))
    )
    ours = pd.DataFrame(list(found), columns=["series_id", "date", *figures])
    ours["series_id"] = ours["series_id"].astype(str)
    both = theirs.merge(ours, on=KEY)
    numbers = ["theirs", "theirs_lo80", "theirs_hi80"]
    both[numbers] = both[numbers].astype(float)
    return both.assign(date=pd.to_datetime(both["date"], format="%Y-%m-%d"))


def _at_par(own: OwnForecasts, rows: pd.DataFrame) -> pd.DataFrame:
    codes = {str(pk): code for pk, code in currencies(own.organisation).items()}
    return at_par(rows, rows["series_id"].map(codes), [name for name in rows if name not in KEY])


def _score(rows: pd.DataFrame, who: str) -> dict[str, float]:
    frame = pd.DataFrame({"y": rows["y"], "yhat": rows[who]})
    lower, upper = f"{who}_lo80", f"{who}_hi80"
    if lower in rows and rows[lower].notna().all():
        frame = frame.assign(lo80=rows[lower], hi80=rows[upper])
    return metrics.score(frame)


def _previous(own: OwnForecasts, rows: pd.DataFrame, progress: Callable[[int, int], None]) -> dict[str, Any] | None:
    version = previous_version(own)
    if version is None:
        return None
    try:
        fit = load_fit(version)
    except Refused:
        return None
    # The promise of `days_before` was made in the morning, on the sales of the day before.
    ahead = own.days_before + 1
    mornings = sorted({day.date() - dt.timedelta(days=ahead) for day in rows["date"]})
    mornings = [cutoff for cutoff in mornings if cutoff >= version.trained_through][-MOST_MORNINGS:]
    parts = []
    for number, cutoff in enumerate(mornings):
        progress(number, len(mornings))
        known = cutoff + dt.timedelta(days=1)
        series = read_series(own.organisation, cutoff=cutoff, horizon=ahead, known_on=known, covariates=fit.covariates)
        made = engine.predict(fit, series.panel, cutoff, ahead, cutoffs=series.cutoffs)
        shut = (made["p_open"] < 0.5) | (made["rule"] == "closed")
        parts.append(made.assign(previous=made["yhat"].where(~shut, 0.0))[made["h"] >= ahead][[*KEY, "previous"]])
    if not parts:
        return None
    asked = rows.merge(pd.concat(parts, ignore_index=True).drop_duplicates(KEY), on=KEY)
    if asked.empty:
        return None
    asked = _at_par(own, asked)
    return {
        "version": version.number,
        **_score(asked, "previous"),
        "theirs_wape": metrics.wape(asked["y"], asked["theirs"]),
        "ours_wape": metrics.wape(asked["y"], asked["ours"]),
    }


def previous_version(own: OwnForecasts) -> ModelVersion | None:
    """The version that served before the one that serves."""
    serving = serving_version(own.organisation)
    served = ModelVersion.objects.filter(organisation=own.organisation_id, state=VersionState.RETIRED)
    served = served.filter(activated_at__isnull=False)
    if serving:
        served = served.exclude(pk=serving.pk)
    return served.order_by("-activated_at").first()
