"""Forecasts added up over departments and days, with an interval of the sum."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from accounts.models import Organisation
from departments.querysets import DepartmentQuerySet
from forecasting.engine.groups import total
from forecasting.engine.intervals import BELIEVED_TOGETHER
from forecasting.models import Forecast, ModelVersion
from sales.money import CENT

BOUNDS = {"lo80": "lower_80", "hi80": "upper_80", "lo95": "lower_95", "hi95": "upper_95"}


@dataclass(frozen=True)
class Total:
    """`missing`: pairs of a department and a date for which there is no forecast, though there is one of each."""

    group: str
    name: str
    from_date: dt.date
    to_date: dt.date
    departments: int
    forecasts: int
    missing: int
    predicted: Decimal
    bounds: dict[str, Decimal]
    versions: list[str]
    cutoff: dt.date


def aggregate(
    organisation: Organisation,
    departments: DepartmentQuerySet,
    first: dt.date,
    last: dt.date,
    *,
    by: str = "total",
    known_on: dt.date | None = None,
) -> list[Total]:
    """The newest forecasts (or those of a past morning) of the departments and dates, added up by group, in order."""
    names = dict(departments.values_list("pk", "name"))
    chosen = Forecast.objects.between(first, last).filter(department__in=names)
    chosen = chosen.known_on(known_on) if known_on else chosen.newest()
    columns = ["department_id", "date", "predicted_sales", *BOUNDS.values(), "issue__version__number", "cutoff"]
    found = list(chosen.order_by().values_list(*columns))
    if not found:
        return []
    frame = pd.DataFrame(found, columns=["department", "date", "exact", *BOUNDS, "version", "cutoff"])
    frame = frame.assign(series_id=frame["department"].astype(str), yhat=frame["exact"].astype(float))
    frame = frame.astype(dict.fromkeys(BOUNDS, float))
    label = frame.apply(lambda row: _group(by, row["department"], row["date"]), axis=1).to_numpy()
    whole = frame.assign(group=label, h=0)[["group", "series_id", "cutoff", "date", "h", "yhat", *BOUNDS]]
    sums = total(whole.assign(date=pd.to_datetime(whole["date"])), ["group"], correlations(organisation))
    sums = sums.set_index("group")
    exact: dict[str, Decimal] = defaultdict(Decimal)
    for group, value in zip(label, frame["exact"], strict=True):
        exact[group] += value
    out = []
    for group, rows in frame.groupby(label):
        pairs = rows["department"].nunique() * rows["date"].nunique()
        out.append(
            Total(
                group=str(group),
                name=names[rows["department"].iloc[0]] if by == "department" else str(group),
                from_date=rows["date"].min(),
                to_date=rows["date"].max(),
                departments=rows["department"].nunique(),
                forecasts=len(rows),
                missing=pairs - len(rows),
                predicted=exact[group],
                bounds={
                    name: Decimal(repr(float(sums.at[group, side]))).quantize(CENT) for side, name in BOUNDS.items()
                },
                versions=[f"v{number}" for number in sorted(rows["version"].unique())],
                cutoff=rows["cutoff"].max(),
            )
        )
    return sorted(out, key=lambda total: (total.name, total.group) if by == "department" else (total.group, ""))


def correlations(organisation: Organisation) -> dict[str, float]:
    """What the errors of the serving model have in common, as its calibration found it on past origins."""
    version = ModelVersion.objects.filter(organisation=organisation).serving().first()
    found = version.manifest.get("calibration", {}).get("together", {}) if version else {}
    return {**BELIEVED_TOGETHER, **found}


def _group(by: str, department: Any, date: dt.date) -> str:
    if by == "department":
        return str(department)
    if by == "day":
        return date.isoformat()
    if by == "week":
        year, week, _weekday = date.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{date:%Y-%m}" if by == "month" else ""
