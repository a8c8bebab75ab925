"""Starting a synchronisation of catalogues, and of receipts line by line."""

import datetime as dt
from collections.abc import Sequence

from accounts.models import Organisation, User
from departments.choices import Kind
from departments.models import Connection
from items.models import Catalogue
from runs.ledger import Work, open_run
from runs.models import Run
from sales.sync import check_range, settled_range

KIND = "sync_catalogue"
# Products name categories, units and groups: these come first.
LISTS = {
    "categories": ("categories",),
    "stores": ("stores",),
    "products": ("categories", "units", "groups", "products", "prices"),
    "sales": (),
    "catalogue": ("categories", "units", "groups", "products", "prices", "stores"),
}
LISTS["all"] = LISTS["catalogue"]
WITH_RECEIPTS = ("sales", "all")


def catalogue_of(connection: Connection) -> Catalogue:
    """What the server is asked for and how far it is known; made where it is missing."""
    own = {"organisation_id": connection.organisation_id}
    return Catalogue.objects.get_or_create(connection=connection, defaults=own)[0]


def know_server(instance: Connection, **_signal: object) -> None:
    """A server that was just connected is asked for its catalogue from the next night on."""
    if instance.kind == Kind.IIKO:
        catalogue_of(instance)


def start_sync(
    *,
    organisation: Organisation,
    entity: str = "catalogue",
    connections: Sequence[Connection] | None = None,
    full: bool = False,
    from_date: dt.date | None = None,
    to_date: dt.date | None = None,
    trigger: str,
    started_by: User | None = None,
) -> tuple[Run, bool]:
    """Open a run that synchronises what `entity` (of LISTS) names, of these servers (none given: of all active ones).

    `full` asks for all products where only changes would be asked for. The dates, both included, are those of receipts:
    none given, yesterday and the settling window. Raises BadRange.
    """
    ids = sorted(one.pk for one in connections or Connection.objects.filter(organisation=organisation).tills())
    first, last = None, None
    if entity in WITH_RECEIPTS:
        first, last = from_date or to_date, to_date or from_date
        if first is None or last is None:
            first, last = settled_range(organisation)
        check_range(organisation, first, last)
    words = [entity, ",".join(map(str, ids)), "full" * full, f"{first}..{last}" if first else ""]
    return open_run(
        KIND,
        organisation=organisation,
        unit=" ".join(filter(None, words)),
        trigger=trigger,
        started_by=started_by,
        from_date=first,
        to_date=last,
        params={
            "catalogue": ids if LISTS[entity] else [],
            "lists": LISTS[entity],
            "receipts": ids if entity in WITH_RECEIPTS else [],
            "full": full,
        },
    )


def start_at_night(work: Work, first: dt.date, last: dt.date) -> Run | None:
    """Under a night's run, what servers are set to be asked for every night; None if that is nothing."""
    tills = Connection.objects.filter(organisation=work.run.organisation).tills().order_by("pk")
    known = [catalogue_of(connection) for connection in tills]
    lists = [one.pk for one in known if one.at_night]
    receipts = [one.pk for one in known if one.receipts_at_night]
    if not lists and not receipts:
        return None
    params = {"catalogue": lists, "lists": LISTS["catalogue"], "receipts": receipts, "full": False}
    unit = f"night {work.run.night}"
    dates = {"from_date": first, "to_date": last} if receipts else {}
    return work.spawn(KIND, unit=unit, params=params, **dates)[0]
