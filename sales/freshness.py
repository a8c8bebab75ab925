"""How fresh the figures of each source are."""

import datetime as dt
from dataclasses import dataclass

from accounts.models import Organisation
from departments.models import Connection
from departments.timing import connection_today
from sales.choices import DayState
from sales.models import SourceDay


@dataclass(frozen=True)
class Freshness:
    """`days_behind`: 0 when yesterday is complete, None when nothing was ever loaded."""

    connection: Connection
    last_complete: dt.date | None
    loaded_at: dt.datetime | None
    state: str
    days_behind: int | None


def freshness(organisation: Organisation) -> list[Freshness]:
    found = []
    for connection in Connection.objects.filter(organisation=organisation).tills().select_related("organisation"):
        days = SourceDay.objects.filter(connection=connection)
        complete = days.filter(state=DayState.COMPLETE).order_by("-date").first()
        newest = days.exclude(loaded_at=None).order_by("-loaded_at").first()
        yesterday = connection_today(connection) - dt.timedelta(days=1)
        due = days.filter(date=yesterday).values_list("state", flat=True).first()
        found.append(
            Freshness(
                connection=connection,
                last_complete=complete.date if complete else None,
                loaded_at=newest.loaded_at if newest else None,
                state=due or DayState.MISSING,
                days_behind=max((yesterday - complete.date).days, 0) if complete else None,
            )
        )
    return found
