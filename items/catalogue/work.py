"""The run "sync_catalogue": the lists of one server after the other, then receipts line by line where it is to bring them."""

import datetime as dt
import logging
from collections import Counter
from typing import Any

from django.db import transaction
from django.utils import timezone

from departments.clients import iiko_client, note_success
from departments.models import Connection
from departments.sessions import owned_by
from departments.timing import connection_today
from departments.work import as_error
from items.catalogue.counted import Counted
from items.catalogue.lists import store_categories, store_groups, store_stores, store_units
from items.catalogue.prices import store_prices
from items.catalogue.products import store_products
from items.catalogue.sync import catalogue_of
from items.locks import lock_products
from items.models import Catalogue
from items.receipts import load_receipts
from runs.choices import State
from runs.ledger import RunFailed, Work
from runs.registry import Outcome
from sources.errors import SourceError
from sources.iiko.client import LACKING, IikoClient

log = logging.getLogger(__name__)

FULL_EVERY = dt.timedelta(days=7)
PRICE_DAYS = 15
"""So many days before and after today prices are asked for: what holds now, and what is planned."""


def sync_catalogue(work: Work) -> Outcome:
    params = work.run.params
    tills = Connection.objects.filter(organisation=work.run.organisation).tills().select_related("organisation")
    listing = list(tills.filter(pk__in=params["catalogue"]))
    selling = list(tills.filter(pk__in=params["receipts"]))
    if not listing and not selling:
        raise RunFailed("no_connections")
    days = (work.run.to_date - work.run.from_date).days + 1 if work.run.from_date and work.run.to_date else 0
    syncing = Syncing(work, len(listing) * len(params["lists"]) + len(selling) * days)
    for connection in listing:
        syncing.sync(connection)
    for connection in selling:
        syncing.load_receipts(connection, days)
    return syncing.outcome()


class Syncing:
    """Lists of servers on their way in. `entities`: what each list came to, of all servers together."""

    def __init__(self, work: Work, steps: int) -> None:
        self.work, self.steps, self.done = work, steps, 0
        self.entities: dict[str, Counter[str]] = {}
        self.errors: list[dict[str, Any]] = []
        self.stored = 0

    def sync(self, connection: Connection) -> None:
        """One server. A list that it lacks or garbles costs that list; a server that falls silent the rest of them."""
        catalogue = catalogue_of(connection)
        asked: dict[str, Any] = {}
        lists = self.work.run.params["lists"]
        client = iiko_client(connection, owner=owned_by(self.work.run))
        try:
            with client.session():
                note_success(connection)
                for name in lists:
                    self._step(f"catalogue_asking_{name}", connection)
                    try:
                        asked[name] = self._ask(client, name, catalogue, connection)
                    except SourceError as error:
                        if error.transient:
                            raise
                        lacking = name == "prices" and error.code in LACKING
                        self.errors.append(as_error(error, connection) | ({"warning": True} if lacking else {}))
        except SourceError as error:
            self.errors.append(as_error(error, connection))
        for name, told in asked.items():
            self._store(connection, catalogue, name, told)
        if len(asked) == len(lists):
            Catalogue.objects.filter(pk=connection.pk).update(synced_at=timezone.now())

    def load_receipts(self, connection: Connection, days: int) -> None:
        run, begun = self.work.run, self.done
        assert run.from_date
        assert run.to_date

        def tell(done: int, total: int, date: dt.date) -> None:
            told = {"source": connection.name, "date": f"{date:%d.%m.%Y}", "done": done, "total": total}
            self.work.step(begun + done, self.steps, "loading_receipts", self._totals(), **told)

        try:
            brought = load_receipts(
                connection, run.from_date, run.to_date, run=run, progress=tell, guard=self.work.guard
            )
        except SourceError as error:
            self.errors.append(as_error(error, connection))
        except RunFailed as failure:
            self.errors.append(failure.as_error())
        else:
            self.entities.setdefault("receipts", Counter()).update(brought.counts())
            self.errors += brought.errors(connection.name)
            self.stored += 1
            log.info("%s: receipts: %s", connection.name, brought.counts())
        self.done = begun + days

    def _step(self, code: str, connection: Connection) -> None:
        totals = self._totals()
        self.work.step(self.done, self.steps, code, totals, source=connection.name)
        self.done += 1

    def _ask(self, client: IikoClient, name: str, catalogue: Catalogue, connection: Connection) -> Any:
        if name == "products":
            return client.products(since=None if self._whole(catalogue) else catalogue.revision)
        if name == "prices":
            today = connection_today(connection)
            days = dt.timedelta(days=PRICE_DAYS)
            return client.prices(today - days, today + days)
        return {
            "categories": client.categories,
            "units": client.units,
            "groups": client.product_groups,
            "stores": client.stores,
        }[name]()

    def _whole(self, catalogue: Catalogue) -> bool:
        """Once a week all products are read, so that what no list of changes told is noticed, too."""
        due = catalogue.full_at is None or timezone.now() - catalogue.full_at >= FULL_EVERY
        return bool(self.work.run.params.get("full")) or due or catalogue.revision is None

    def _store(self, connection: Connection, catalogue: Catalogue, name: str, told: Any) -> None:
        with transaction.atomic():
            lock_products(connection.organisation_id)
            if name == "products":
                counted = store_products(connection, told.rows, whole=told.is_full)
                if told.rows or not told.is_full:
                    _remember(catalogue, told.revision, whole=told.is_full)
            elif name == "prices":
                first = connection_today(connection) - dt.timedelta(days=PRICE_DAYS)
                counted = store_prices(connection, told, first)
            else:
                store: Any = {
                    "categories": store_categories,
                    "units": store_units,
                    "groups": store_groups,
                    "stores": store_stores,
                }[name]
                counted = store(connection, told)
            self.work.guard()
        self._note(connection, name, counted)

    def _note(self, connection: Connection, name: str, counted: Counted) -> None:
        self.entities.setdefault(name, Counter()).update(counted.counts())
        self.errors += counted.notes
        self.stored += 1
        log.info("%s: %s: %s", connection.name, name, counted.counts())

    def _totals(self) -> dict[str, Any]:
        totals: Counter[str] = Counter(dict.fromkeys(Counted().counts(), 0))
        for counts in self.entities.values():
            totals.update(counts)
        return {**totals, "entities": {name: dict(counts) for name, counts in self.entities.items()}}

    def outcome(self) -> Outcome:
        serious = [error for error in self.errors if not error.get("warning")]
        state = State.PARTIAL if serious and self.stored else State.FAILED if serious else State.DONE
        return Outcome(state, self._totals(), self.errors)


def _remember(catalogue: Catalogue, revision: int | None, *, whole: bool) -> None:
    known: dict[str, Any] = {"full_at": timezone.now(), "revision": revision} if whole else {}
    if revision is not None:
        known["revision"] = revision
    if known:
        Catalogue.objects.filter(pk=catalogue.pk).update(**known)
