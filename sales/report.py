"""What a load came to, in counts and in sentences for a person."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass
class Loaded:
    """Counts of a load; sums, names and dates by trouble, so that each trouble becomes one sentence."""

    days: int = 0
    summary_records: int = 0
    hourly_records: int = 0
    total_raw_records: int = 0
    changed_rows: int = 0
    completed: int = 0  # departments whose last complete date has moved
    # Whether it is worth asking again soon.
    empty_days: dict[dt.date, bool] = field(default_factory=dict)
    # By (code of the doubt, name of the department).
    doubtful: dict[tuple[str, str], list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    undecided: dict[str, list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    without_hour: dict[dt.date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    shift_totals: dict[str, list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    overtaken: list[dt.date] = field(default_factory=list)
    # Why the list of cash shifts could not be read, as an error of the source.
    shifts_unreadable: dict[str, Any] | None = None

    def counts(self) -> dict[str, int]:
        return {
            "days": self.days,
            "summary_records": self.summary_records,
            "hourly_records": self.hourly_records,
            "total_raw_records": self.total_raw_records,
            "changed_rows": self.changed_rows,
            "completed": self.completed,
        }

    def errors(self, source: str) -> list[dict[str, Any]]:
        """Entries with `warning` do not make the load partial; `transient` ones are worth asking for again."""
        found: list[dict[str, Any]] = []

        def tell(code: str, *, warning: bool = False, transient: bool = False, **params: Any) -> None:
            marks = {"warning": True} if warning else {"transient": True} if transient else {}
            found.append({"code": code, "params": {"source": source, **params}, **marks})

        for soon in (True, False):
            if dates := [date for date, again in self.empty_days.items() if again == soon]:
                tell("empty_day", transient=soon, dates=few(dates))
        for (code, name), dates in self.doubtful.items():
            tell(f"{code}_department", transient=True, department=name, dates=few(dates))
        for name, dates in self.undecided.items():
            tell("undecided", department=name, dates=few(dates))
        if self.without_hour:
            tell("no_hour", sum=f"{sum(self.without_hour.values()):.2f}", dates=few(self.without_hour))
        for external_id, amount in self.unknown.items():
            code = "unknown_department" if external_id else "no_department"
            tell(code, id=external_id, sum=f"{amount:.2f}")
        if self.shifts_unreadable:
            tell("shifts_unreadable", warning=True, why=self.shifts_unreadable)
        for name, dates in self.shift_totals.items():
            tell("shift_total", warning=True, department=name, dates=few(dates))
        for date in self.overtaken:
            tell("overtaken", date=f"{date:%d.%m.%Y}")
        return found


def few(dates: Iterable[dt.date]) -> str:
    found = sorted(dates)
    return ", ".join(f"{date:%d.%m.%Y}" for date in found[:5]) + (f" (+{len(found) - 5})" if len(found) > 5 else "")
