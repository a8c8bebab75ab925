"""Which of the departments that a client may see a sale belongs to, and what day it is there."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Organisation, User
from departments.models import Department
from departments.timing import local_date
from items.checks import FIRST_DATE, Unfit, identifier
from items.models import ItemSource
from items.rollup import cleaned_before


class Places:
    def __init__(self, user: User, organisation: Organisation, source: ItemSource | None = None) -> None:
        rows = Department.objects.visible_to(user).filter(organisation=organisation).selling()
        self.known = {row.pk: row for row in rows.select_related("organisation")}
        self._named: dict[str, list[Department]] = {}
        for row in self.known.values():
            for name in {row.name, row.code} - {""}:
                self._named.setdefault(name, []).append(row)
        self._days: dict[str, dt.date] = {}
        self.since = cleaned_before(organisation.pk) or FIRST_DATE
        self._only = self._default(source)

    def _default(self, source: ItemSource | None) -> Department | None:
        if source and source.department_id in self.known:
            return self.known[source.department_id]
        active = [row for row in self.known.values() if row.is_active]
        return active[0] if len(active) == 1 else None

    def find(self, value: Any, location: str = "") -> Department:
        """The department of an id, else the one called `location`, else the only one it can be. Raises Unfit."""
        if value is not None and value != "":
            if found := self.known.get(identifier(value, "department_id")):
                return found
            raise Unfit("item_unknown_department", "department_id")
        named = self._named.get(location, [])
        if len(named) == 1:
            return named[0]
        if self._only is None:
            raise Unfit("item_department_needed", "department_id")
        return self._only

    def today(self, department: Department) -> dt.date:
        zone = department.zone_name
        if zone not in self._days:
            self._days[zone] = local_date(zone)
        return self._days[zone]

    def zone(self, department: Department) -> ZoneInfo:
        return ZoneInfo(department.zone_name)
