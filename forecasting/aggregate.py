"""Forecasts added up over departments and days, with an interval of the sum."""

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np

from departments.querysets import DepartmentQuerySet
from forecasting.engine.spread import BELIEVED_TOGETHER, spread
from forecasting.models import Forecast, ModelVersion
from sales.money import CENT

BOUNDS = {"lo80": "lower_80", "hi80": "upper_80", "lo95": "lower_95", "hi95": "upper_95"}


class Part(NamedTuple):
    """A forecast that is added to others."""

    department_id: UUID
    cutoff: dt.date
    date: dt.date
    predicted: Decimal
    lower_80: Decimal
    upper_80: Decimal
    lower_95: Decimal
    upper_95: Decimal


class _Row(NamedTuple):
    part: Part
    version: int
    number: int


@dataclass(frozen=True)
class Total:
    """`missing`: pairs of a department and a date for which there is no forecast, though there is one of each."""

    group: str
    name: str
    currency: str
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
    departments: DepartmentQuerySet,
    first: dt.date,
    last: dt.date,
    *,
    by: str = "total",
    known_on: dt.date | None = None,
) -> list[Total]:
    """The newest forecasts (or those of a past morning) of the departments and dates, added up by group, in order.

    A group of departments that sell in several currencies is several sums.
    """
    currencies = departments.currencies()
    names = dict(departments.values_list("pk", "name"))
    chosen = Forecast.objects.between(first, last).filter(department__in=names)
    chosen = chosen.known_on(known_on) if known_on else chosen.newest()
    columns = ["department_id", "cutoff", "date", "predicted_sales", *BOUNDS.values()]
    found = chosen.order_by("date", "department_id").values_list(
        *columns, "issue__version_id", "issue__version__number"
    )
    rows = [_Row(Part(*row[:-2]), *row[-2:]) for row in found]
    groups: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        pk = row.part.department_id
        groups[_group(by, pk, row.part.date), currencies[pk]].append(row)
    ends = ends_of_sums(
        {key: [row.part for row in mine] for key, mine in groups.items()}, {row.version for row in rows}
    )
    out = []
    for (group, currency), mine in groups.items():
        dates, of = {row.part.date for row in mine}, {row.part.department_id for row in mine}
        out.append(
            Total(
                group=group,
                name=names[mine[0].part.department_id] if by == "department" else group,
                currency=currency,
                from_date=min(dates),
                to_date=max(dates),
                departments=len(of),
                forecasts=len(mine),
                missing=len(of) * len(dates) - len(mine),
                predicted=sum((row.part.predicted for row in mine), Decimal(0)),
                bounds=ends[group, currency],
                versions=[f"v{number}" for number in sorted({row.number for row in mine})],
                cutoff=max(row.part.cutoff for row in mine),
            )
        )
    return sorted(
        out, key=lambda total: (total.name, total.group) if by == "department" else (total.group, total.currency)
    )


def ends_of_sums(groups: Mapping[Any, Sequence[Part]], versions: Iterable[int]) -> dict[Any, dict[str, Decimal]]:
    """{group: {"lower_80", ...}} of the sum of each group's forecasts, made by the `versions` (primary keys).

    What the errors of several branches and days have in common comes from the newest version's calibration.
    """
    rows = [part for parts in groups.values() for part in parts]
    if not rows:
        return {}
    group = np.repeat(np.arange(len(groups)), [len(parts) for parts in groups.values()])
    amounts = np.array([row[3:] for row in rows], dtype=np.float64).T
    made = spread(
        amounts[0],
        dict(zip(BOUNDS, amounts[1:], strict=True)),
        group,
        _codes(row.department_id for row in rows),
        np.array([row.date.toordinal() for row in rows]),
        np.array([(row.date - row.cutoff).days for row in rows]),
        _together(versions),
    )
    return {
        key: {name: Decimal(repr(float(made[side][number]))).quantize(CENT) for side, name in BOUNDS.items()}
        for number, key in enumerate(groups)
    }


def _codes(values: Iterable[Hashable]) -> np.ndarray:
    """[rows] a whole number for each value, the same for the same."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values])


def _together(versions: Iterable[int]) -> dict[str, float]:
    newest = ModelVersion.objects.filter(pk__in=set(versions)).order_by("-number")
    found = newest.values_list("manifest__calibration__together", flat=True).first()
    return {**BELIEVED_TOGETHER, **(found or {})}


def _group(by: str, department: Any, date: dt.date) -> str:
    if by == "department":
        return str(department)
    if by == "day":
        return date.isoformat()
    if by == "week":
        year, week, _weekday = date.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{date:%Y-%m}" if by == "month" else ""
