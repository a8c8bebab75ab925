"""Making an issue of forecasts: panel, engine, hours; arrays until the rows are written, a piece at a time."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from departments.models import Department
from forecasting.choices import LONGEST_HORIZON, Origin, Rule
from forecasting.engine import api as engine
from forecasting.engine import hourly
from forecasting.engine.calendar import CAP
from forecasting.engine.explain import REASONS, explain
from forecasting.models import Forecast, ForecastIssue, ModelVersion, Reasons
from forecasting.reasons import as_text, forget_old_reasons
from forecasting.series import (
    HOURS_KNOWN,
    Series,
    forecast_departments,
    kinds,
    latest_cutoff,
    read_hours,
    read_series,
)
from forecasting.versions import load_fit
from runs.ledger import RunFailed, open_run
from runs.models import Run

MORNING = 7  # local hour before which an issue still counts for that day
LIKELY_OPEN = 0.5
AMOUNTS = ["yhat", "lo80", "hi80", "lo95", "hi95"]
TOO_MUCH = 1e11  # for a day of a branch; beyond it the database's amounts are not exact
AT_ONCE = 2000  # rows that are objects at a time: of ten thousand branches all would be gigabytes


def start_forecast(
    *,
    organisation: Organisation,
    trigger: str,
    started_by: User | None = None,
    horizon: int | None = None,
    night: dt.date | None = None,
    parent: Run | None = None,
) -> tuple[Run, bool]:
    """Open a run that makes an issue of forecasts with the serving version."""
    return open_run(
        "forecast",
        organisation=organisation,
        trigger=trigger,
        started_by=started_by,
        night=night,
        parent=parent,
        params={"horizon": horizon or settings.FORECAST_HORIZON},
    )


def make_issue(
    version: ModelVersion,
    *,
    horizon: int,
    origin: str,
    cutoff: dt.date | None = None,
    made_at: dt.datetime | None = None,
    run: Run | None = None,
    before_commit: Callable[[], None] | None = None,
) -> ForecastIssue | None:
    """Forecast every open department for `horizon` days after the cutoff and store it. None without any sales.

    With `cutoff` and `made_at` in the past the issue is what could be known then. Raises versions.Refused, and RunFailed
    `no_amount`, which names the branch and date, when the engine gave no amount of money: nothing is stored then.
    """
    organisation = version.organisation
    cutoff = cutoff or latest_cutoff(organisation)
    if cutoff is None:
        return None
    made_at = made_at or timezone.now()
    promised_on = promise_date(organisation, made_at)
    fit = load_fit(version)
    series = read_series(
        organisation, cutoff=cutoff, horizon=horizon, known_on=promised_on, covariates=fit.covariates,
        calendar=LONGEST_HORIZON + CAP,
    )  # fmt: skip
    if not series.departments:
        return None
    frame = engine.predict(fit, series.panel, cutoff, horizon, cutoffs=series.cutoffs)
    _refuse_nonsense(series, frame, AMOUNTS)
    shut = (frame["p_open"] < LIKELY_OPEN).to_numpy() | (frame["rule"] == Rule.CLOSED).to_numpy()
    # A day on which a department is normally shut is zero.
    cents = np.where(shut[:, None], 0, np.round(frame[AMOUNTS].to_numpy() * 100).astype(np.int64))
    hours = _hours(fit, series, frame, cents[:, 0])
    reasons: Iterable[Reasons] = ()
    taken_back: list[Forecast] = []
    if origin != Origin.REPLAY:
        reasons = _reasons(series, _explained(fit, series, frame, horizon), shut)
        taken_back = _taken_back(organisation, series, promised_on, horizon)
    with transaction.atomic():
        issue = ForecastIssue.objects.create(
            organisation=organisation,
            version=version,
            made_at=made_at,
            promised_on=promised_on,
            data_as_of=cutoff,
            origin=origin,
            run=run,
        )
        _store(issue, _rows(series, frame.assign(rule=np.where(shut, Rule.CLOSED, frame["rule"])), cents, hours))
        _store(issue, taken_back)
        _store(issue, reasons)
        forget_old_reasons(issue)
        if before_commit:
            before_commit()
    return issue


def promise_date(organisation: Organisation, made_at: dt.datetime) -> dt.date:
    """The first local date whose 07:00 had not come when the issue was made."""
    local = made_at.astimezone(ZoneInfo(organisation.time_zone))
    return local.date() + dt.timedelta(days=local.hour >= MORNING)


def _store(issue: ForecastIssue, rows: Iterable[Forecast | Reasons]) -> None:
    """Write the rows as the issue's, AT_ONCE of them in memory. `lead_days` counts from the day of the promise."""
    left = iter(rows)
    while piece := list(islice(left, AT_ONCE)):
        for row in piece:
            row.issue = issue
            if isinstance(row, Forecast):
                row.lead_days = (row.date - issue.promised_on).days
        model: Any = type(piece[0])
        model.objects.bulk_create(piece)


def _rows(series: Series, frame: pd.DataFrame, cents: np.ndarray, hours: np.ndarray) -> Iterator[Forecast]:
    """Forecast rows without their issue, of `cents` [rows, AMOUNTS] and `hours` [rows, 24 or 0]."""
    columns = (frame[name] for name in ("series_id", "date", "h", "rule"))
    for key, stamp, ahead, rule, money, by_hour in zip(*columns, cents, hours, strict=True):
        value, lo80, hi80, lo95, hi95 = (Decimal(amount).scaleb(-2) for amount in money.tolist())
        yield Forecast(
            department=series.departments[key],
            date=stamp.date(),
            cutoff=series.cutoffs[key],
            horizon=ahead,
            predicted_sales=value,
            lower_80=lo80,
            upper_80=hi80,
            lower_95=lo95,
            upper_95=hi95,
            rule=rule,
            hours=[f"{amount // 100}.{amount % 100:02d}" for amount in by_hour.tolist()],
        )


def _refuse_nonsense(series: Series, frame: pd.DataFrame, columns: list[str], least: float = 0.0) -> None:
    """Raise RunFailed for the first row with anything but amounts from `least` on: NaN in cents is a huge integer."""
    amounts = frame[columns].to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~((amounts >= least) & (amounts < TOO_MUCH)).all(axis=1))
    if len(bad):
        row = frame.iloc[bad[0]]
        department = series.departments[row["series_id"]].name
        raise RunFailed("no_amount", department=department, date=row["date"].date().isoformat())


def _taken_back(organisation: Organisation, series: Series, promised_on: dt.date, horizon: int) -> list[Forecast]:
    """Zeros for what earlier issues promised of branches that this one no longer forecasts: closed, or switched off.

    Whoever adds up the newest forecasts would count them for weeks.
    """
    # Who opens later than this issue reaches was forecast by one that reached further: its days beyond are left.
    still = forecast_departments(organisation, series.cutoff, LONGEST_HORIZON)
    later = Q(department__in=set(still), date__gt=series.cutoff + dt.timedelta(days=horizon))
    gone = Department.objects.filter(organisation=organisation).exclude(pk__in=list(series.departments))
    ahead = Forecast.objects.filter(department__in=list(gone), date__gt=series.cutoff).exclude(later)
    promised = ahead.known_on(promised_on).exclude(rule=Rule.CLOSED).order_by("date", "department")
    zero = dict.fromkeys(("predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95"), Decimal("0.00"))
    return [
        Forecast(
            department_id=department,
            date=date,
            cutoff=series.cutoff,
            horizon=(date - series.cutoff).days,
            rule=Rule.CLOSED,
            hours=["0.00"] * 24,
            **zero,
        )
        for department, date in promised.values_list("department", "date")
    ]


def _hours(fit: engine.Fit, series: Series, frame: pd.DataFrame, cents: np.ndarray) -> np.ndarray:
    """int64 [rows, 24] the day's cents by the hour, adding up to them; [rows, 0] where no hour of the chain is known."""
    keys, hours = list(series.departments), read_hours(series, HOURS_KNOWN)
    if hours.empty:
        return np.zeros((len(cents), 0), dtype=np.int64)
    ahead = (frame["date"] - pd.Timestamp(series.cutoff)).dt.days.to_numpy()
    shares = engine.hour_shares(fit, hours, series.cutoff, int(ahead.max()), keys, kinds=kinds(series.departments))
    return hourly.split(cents, shares[pd.Index(keys).get_indexer(frame["series_id"]), ahead - 1])


def _explained(fit: engine.Fit, series: Series, made: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """The forecasts split by reason, a row for each of theirs."""
    threads = settings.FORECAST_THREADS
    frame = explain(fit, series.panel, series.cutoff, horizon, cutoffs=series.cutoffs, made=made, threads=threads)
    _refuse_nonsense(series, frame, list(REASONS), -TOO_MUCH)
    return frame


def _reasons(series: Series, frame: pd.DataFrame, shut: np.ndarray) -> Iterator[Reasons]:
    """A row for each department, without its issue: money by reason of its days, but for those it is `shut`."""
    parts, dates = frame[list(REASONS)].to_numpy(), frame["date"].dt.strftime("%Y-%m-%d").to_numpy()
    for key, rows in frame.groupby("series_id", sort=False).indices.items():
        by_date = {dates[row]: as_text(parts[row]) for row in rows if not shut[row]}
        yield Reasons(department=series.departments[key], by_date=by_date)


def newest_origin(trigger: str) -> str:
    """What to call the maker of an issue that a run with this trigger made."""
    return Origin.NIGHTLY if trigger == "schedule" else Origin.MANUAL
