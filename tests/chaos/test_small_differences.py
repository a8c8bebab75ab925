"""R29: a difference of one tiyn, or of a hundredth of it, is found wherever it hides."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from accounts.models import Organisation
from departments.models import Connection
from runs.choices import State
from runs.ledger import run_now
from runs.models import Run
from sales.models import Difference
from sales.reconciling import start_reconcile
from sales.sync import start_sync
from sales.tests.hiding_places import FIRST, HIDING_PLACES, LAST, sold
from sources.simulator import IikoServer
from sources.simulator.worlds.static import StaticWorld
from tests.chaos.report import Row, chance

ROUNDS = 100
NEAR = dt.timedelta(days=3)


@pytest.fixture
def till(settings) -> Iterator[IikoServer]:
    settings.SOURCE_PATIENCE = 0
    with IikoServer(StaticWorld(sold()), login="api", password="secret") as server:
        yield server


def compare(first: dt.date, last: dt.date, *, repair: bool = False) -> Run:
    run, _ = start_reconcile(
        organisation=Organisation.objects.main(), from_date=first, to_date=last, repair=repair, trigger="command"
    )
    return run_now(run)


@pytest.mark.row("R29", "a difference of one tiyn, or a hundredth of it, hidden anywhere")
@pytest.mark.chaos
@pytest.mark.django_db(transaction=True)
def test_a_tiyn_anywhere(till: IikoServer, report: Callable[[Row], None]) -> None:
    organisation = Organisation.objects.main()
    Connection.objects.create(organisation=organisation, name="till", url=till.url, login="api", password="secret")
    loaded, _ = start_sync(organisation=organisation, from_date=FIRST, to_date=LAST, trigger="command")
    assert run_now(loaded).state == State.DONE
    false_alarms = compare(FIRST, LAST).counts["differences"]
    chosen, done, missed = chance(), Counter[str](), []
    for number in range(ROUNDS):
        hide = HIDING_PLACES[number % len(HIDING_PLACES)]
        date = hide(chosen, till)
        run = compare(date - NEAR, date + NEAR)
        if set(Difference.objects.filter(run=run).values_list("date", flat=True)) == {date}:
            done["found"] += 1
        else:
            missed.append(f"{number}: {hide.__name__} on {date}")
        done["repaired"] += compare(date, date, repair=True).state == State.DONE
    left = compare(FIRST, LAST).counts["differences"]
    report(
        Row(
            "R29",
            done["found"] == done["repaired"] == ROUNDS and false_alarms == left == 0,
            f"{done['found']} of {ROUNDS} found on their very day, {done['repaired']} repaired, {left} differences left;"
            f" untouched, {false_alarms} were found",
            missed,
        )
    )
