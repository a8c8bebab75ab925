"""On which days people know that a department sells otherwise than usual, or not at all."""

import datetime as dt
from collections.abc import Collection
from functools import cached_property
from uuid import UUID

from django.db.models import Q

from accounts.models import Organisation
from departments.models import Closure, Department, Holiday
from departments.season import in_season

ONE_DAY = dt.timedelta(days=1)


class OffDays:
    """The calendar of an organisation on some dates and the days after them; each part is read when it is asked for."""

    def __init__(self, organisation: Organisation, dates: Collection[dt.date]) -> None:
        self.organisation = organisation
        self.first, self.last = min(dates, default=dt.date.max), max(dates, default=dt.date.min)

    @cached_property
    def feasts(self) -> set[dt.date]:
        feasts = Holiday.objects.filter(organisation=self.organisation, effect=Holiday.Effect.FEAST)
        if self.first > self.last:
            return set()
        return set(feasts.filter(date__range=(self.first, self.last + ONE_DAY)).values_list("date", flat=True))

    @cached_property
    def _closures(self) -> list[tuple[UUID, dt.date, dt.date]]:
        if self.first > self.last:
            return []
        rows = Closure.objects.filter(organisation=self.organisation, first__lte=self.last + ONE_DAY)
        rows = rows.filter(Q(last=None) | Q(last__gte=self.first))
        return [(pk, first, last or dt.date.max) for pk, first, last in rows.values_list("department", "first", "last")]

    @cached_property
    def _limited(self) -> dict[UUID, Department]:
        """Departments that do not sell all the year, or not yet, or no more."""
        limits = ("season_start_date", "season_end_date", "opened_on", "closed_on")
        some = Q(**{f"{limits[0]}__isnull": False})
        for name in limits[1:]:
            some |= Q(**{f"{name}__isnull": False})
        return Department.objects.filter(some, organisation=self.organisation).only(*limits).in_bulk()

    def is_off(self, department: UUID | None, date: dt.date) -> bool:
        """Whether nothing usual can be expected: a feast, a closure, out of season, not open yet or no more."""
        if date in self.feasts or any(
            department == closed and first <= date <= last for closed, first, last in self._closures
        ):
            return True
        one = self._limited.get(department) if department else None
        return one is not None and (
            not in_season(one, date)
            or bool(one.opened_on and date < one.opened_on)
            or bool(one.closed_on and date >= one.closed_on)
        )

    def may_end_early(self, department: UUID | None, date: dt.date) -> bool:
        """On the eve of what is off, people close early."""
        return self.is_off(department, date) or self.is_off(department, date + ONE_DAY)
