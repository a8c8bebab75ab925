"""Dates as the departments see them."""

import datetime as dt
from zoneinfo import ZoneInfo

from accounts.models import Organisation
from departments.models import Connection, Department
from runs import clock


def local_date(zone: str, at: dt.datetime | None = None) -> dt.date:
    return (at or clock.now()).astimezone(ZoneInfo(zone)).date()


def organisation_today(organisation: Organisation, at: dt.datetime | None = None) -> dt.date:
    return local_date(organisation.time_zone, at)


def connection_today(connection: Connection, at: dt.datetime | None = None) -> dt.date:
    """The date in the connection's latest zone: a business date is over when it is over for every department."""
    zones = set(
        Department.objects.filter(sources__connection=connection)
        .exclude(time_zone="")
        .values_list("time_zone", flat=True)
    )
    return min(local_date(zone, at) for zone in zones | {connection.zone_name})
