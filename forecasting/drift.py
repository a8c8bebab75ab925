"""Alarms for a model that no longer fits: its error leaves its own band, its intervals are off, it errs one way for weeks.

Looked at whenever the accuracy log has changed, on what was promised the day before.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
from django.db.models import FloatField
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Department
from forecasting.currencies import at_par, currencies
from forecasting.models import Accuracy
from forecasting.train import start_refit
from forecasting.versions import serving_version
from runs.alarms import end_alarm, raise_alarm
from runs.choices import Severity
from runs.models import Alarm, Run

WEEK = 7
BAND_WEEKS, LEAST_BAND_WEEKS = 12, 6
BAND_SIGMAS, BAND_FACTOR = 4.0, 1.3  # beyond both
PERSISTENT_WEEKS = 4
COVERAGE, LEAST_DAYS = (0.65, 0.92), 100  # of the 80 % intervals, over so many branch-days at least
CHAIN_BIAS, BRANCH_BIAS = 0.05, 0.15  # over the four weeks; half of it in each week, always the same way
MANY = 3
CODES = frozenset({"error_beyond_band", "intervals_drift", "bias_persists", "branch_bias_persists", "branches_bias"})
RETRAINS_AFTER_DAYS = 7


@dataclass(frozen=True)
class Drift:
    key: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    department: UUID | None = None


def watch_drift(organisation: Organisation) -> list[Drift]:
    """Open alarms for what is new, end those that are over; a chain that drifts is trained again, once a week at most."""
    found = drifts(_rows(organisation), _names(organisation))
    new = [
        drift
        for drift in found
        if raise_alarm(
            organisation,
            drift.code,
            drift.key,
            params=drift.params,
            severity=Severity.WARNING,
            department=drift.department,
        )
    ]
    stands = {drift.key for drift in found}
    standing = Alarm.objects.filter(organisation=organisation, code__in=CODES, ended_at=None)
    for key in set(standing.values_list("key", flat=True)) - stands:
        end_alarm(organisation, key)
    if any(drift.code in ("error_beyond_band", "bias_persists") for drift in new):
        _train_again(organisation)
    return found


def _train_again(organisation: Organisation) -> None:
    since = timezone.now() - dt.timedelta(days=RETRAINS_AFTER_DAYS)
    version = serving_version(organisation)
    lately = Run.objects.filter(organisation=organisation, kind="train", created_at__gte=since).exists()
    if version and not lately:
        start_refit(version)


def _rows(organisation: Organisation) -> pd.DataFrame:
    """[department, date, y, yhat, inside] of the promises of the day before over the band's weeks, currencies at par."""
    logged = Accuracy.objects.filter(organisation=organisation, horizon=1).scored()
    newest = logged.order_by("-date").values_list("date", flat=True).first()
    columns = ["department", "date", "y", "yhat", "lower", "upper"]
    if newest is None:
        return pd.DataFrame(columns=[*columns, "weeks_ago", "inside"])
    first = newest - dt.timedelta(days=WEEK * (BAND_WEEKS + 1) - 1)
    names = {"y": "actual", "yhat": "predicted_sales", "lower": "lower_80", "upper": "upper_80"}
    found = (
        logged.filter(date__gte=first)
        .order_by()
        .annotate(**{name: Cast(field_name, FloatField()) for name, field_name in names.items()})
        .values_list("department_id", "date", *names)
    )
    frame = pd.DataFrame(list(found), columns=columns)
    frame["weeks_ago"] = [(newest - date).days // WEEK for date in frame["date"]]
    frame = frame.assign(inside=(frame["lower"] <= frame["y"]) & (frame["y"] <= frame["upper"]))
    return at_par(frame, frame["department"].map(currencies(organisation)), ["y", "yhat"])


def _names(organisation: Organisation) -> dict[UUID, str]:
    return dict(Department.objects.filter(organisation=organisation).values_list("pk", "name"))


def drifts(rows: pd.DataFrame, names: dict[UUID, str]) -> list[Drift]:
    """What stands wrong by these rows [department, y, yhat, inside, weeks_ago]; `weeks_ago` 0 is the newest week."""
    if rows.empty:
        return []
    off = _branches_off(rows)
    # A few branches that go their own way are named; the chain's bias is then that of the others.
    few = len(off) <= MANY and 2 * len(off) < rows["department"].nunique()
    others = rows[~rows["department"].isin(list(off))] if few else rows
    chain = _bias(others)
    return [*_error(rows), *_coverage(rows), *(chain or _branches(off, names))]


def _error(rows: pd.DataFrame) -> list[Drift]:
    by = rows.assign(missed=(rows["y"] - rows["yhat"]).abs(), sold=rows["y"].abs()).groupby("weeks_ago")
    sums = by[["missed", "sold"]].sum()
    wape = (sums["missed"] / sums["sold"].where(sums["sold"] > 0)).dropna()
    band = wape[wape.index > 0]
    if 0 not in wape.index or len(band) < LEAST_BAND_WEEKS:
        return []
    usual = float(band.mean())
    limit = max(usual + BAND_SIGMAS * float(band.std(ddof=1)), usual * BAND_FACTOR)
    if wape[0] <= limit:
        return []
    return [Drift("drift:error", "error_beyond_band", {"wape": _percent(wape[0]), "usual": _percent(usual)})]


def _coverage(rows: pd.DataFrame) -> list[Drift]:
    late = rows[rows["weeks_ago"] < PERSISTENT_WEEKS]
    held = float(late["inside"].mean()) if len(late) >= LEAST_DAYS else 0.8
    low, high = COVERAGE
    return [] if low <= held <= high else [Drift("drift:coverage", "intervals_drift", {"held": _percent(held)})]


def _bias(rows: pd.DataFrame) -> list[Drift]:
    bias = _persistent(rows, CHAIN_BIAS)
    return [] if bias is None else [Drift("drift:bias", "bias_persists", {"bias": _percent(bias)})]


def _branches_off(rows: pd.DataFrame) -> dict[UUID, float]:
    """{branch: its bias} of those that have been off for weeks."""
    biases = {department: _persistent(mine, BRANCH_BIAS) for department, mine in rows.groupby("department")}
    return {department: bias for department, bias in biases.items() if bias is not None}


def _branches(off: dict[UUID, float], names: dict[UUID, str]) -> list[Drift]:
    if len(off) > MANY:
        return [Drift("drift:branches", "branches_bias", {"branches": len(off)})]
    return [
        Drift(
            f"drift:{department}",
            "branch_bias_persists",
            {"department": names.get(department, ""), "bias": _percent(bias)},
            department,
        )
        for department, bias in off.items()
    ]


def _persistent(rows: pd.DataFrame, limit: float) -> float | None:
    """The bias of the last weeks if it exceeds `limit`, and half of it in each week, always the same way."""
    late = rows[rows["weeks_ago"] < PERSISTENT_WEEKS]
    sums = late.assign(off=late["yhat"] - late["y"]).groupby("weeks_ago")[["off", "y"]].sum()
    if len(sums) < PERSISTENT_WEEKS or (sums["y"] <= 0).any():
        return None
    weekly = (sums["off"] / sums["y"]).to_numpy()
    whole = float(sums["off"].sum() / sums["y"].sum())
    steady = (np.sign(weekly) == np.sign(whole)).all() and (np.abs(weekly) > limit / 2).all()
    return whole if abs(whole) > limit and steady else None


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"
