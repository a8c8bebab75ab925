"""A feast, a closure or a season that people enter too late takes the doubts of those days away, without a decision."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Organisation, User
from departments.calendar_file import import_calendar
from departments.changes import as_kept, note
from departments.edit import change_department
from departments.models import Closure, Connection, Department, Holiday
from runs.choices import State
from runs.ledger import run_now
from runs.models import Run
from sales.choices import DayState
from sales.models import SalesSummary, SourceDay, Verdict
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell
from sources.simulator.worlds.static import StaticWorld

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

BRANCHES = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"late {number}")) for number in range(40)]
DAY = timezone.localdate() - dt.timedelta(days=40)  # longer ago than any night looks by itself
LOW = 30  # branches that sell a twentieth on the feast; the others are closed


@pytest.fixture
def chain(settings, django_user_model):
    """40 branches of which every one is doubted on DAY: nobody has told the calendar of the feast."""
    settings.SOURCE_PATIENCE = 0
    days = [DAY - dt.timedelta(weeks=week) for week in range(1, 6)]
    rows = [_cell(who, date, "1000") for date in days for who in BRANCHES]
    rows += [_cell(who, DAY, "50") for who in BRANCHES[:LOW]]
    with IikoServer(StaticWorld(rows), login="api", password="secret") as server:
        connection = Connection.objects.create(
            organisation=Organisation.objects.main(), name="till", url=server.url, login="api", password="secret"
        )
        for date in [*reversed(days), DAY]:
            run, _created = start_sync(
                organisation=connection.organisation, from_date=date, to_date=date, trigger="command"
            )
            run_now(run)
        assert SalesSummary.objects.filter(date=DAY, state=DayState.SUSPICIOUS).count() == len(BRANCHES)
        yield connection


def _cell(who: str, date: dt.date, revenue: str) -> Cell:
    return Cell(who, date, 12, Decimal(revenue), Decimal(revenue), 3, 5)


def person() -> User:
    return User.objects.create_superuser("anna")


def loads() -> list[Run]:
    """What was started because of the change, done."""
    runs = list(Run.objects.unfinished().roots())
    return [run_now(run) for run in runs]


def suspicious() -> int:
    return SalesSummary.objects.filter(state=DayState.SUSPICIOUS).count()


def test_a_feast_entered_afterwards_leaves_nothing_to_decide(chain):
    anna = person()
    feast = Holiday.objects.create(organisation=chain.organisation, date=DAY, key="feast", name="Feast")
    note(feast, before=None, by=anna)
    [run] = loads()
    assert (run.state, run.started_by, run.from_date, run.to_date) == (State.DONE, anna, DAY, DAY)
    assert (suspicious(), Verdict.objects.count()) == (0, 0)
    sold = SalesSummary.objects.filter(date=DAY)
    assert sold.count() == LOW and set(sold.values_list("total_sales", "state")) == {(50, DayState.COMPLETE)}


def test_a_calendar_file_is_one_load_for_all_its_lines(chain):
    lines = "\n".join(f"closure;{DAY};{DAY};repairs;{branch}" for branch in BRANCHES[LOW:])
    feasts = f"holiday;{DAY};;Feast;\nholiday;{DAY + dt.timedelta(days=1)};;Second;"
    file = f"kind;first;last;name;department\n{lines}\n{feasts}".encode()
    assert not import_calendar(file, organisation=chain.organisation, by=person()).errors
    assert len(loads()) == 1
    assert suspicious() == 0


def test_a_closure_or_a_season_explains_its_own_branch_only(chain):
    anna = person()
    closed, seasonal = (Department.objects.get(pk=pk) for pk in BRANCHES[-2:])
    closure = Closure.objects.create(organisation=chain.organisation, department=closed, first=DAY, last=DAY)
    note(closure, before=None, by=anna)
    loads()
    assert suspicious() == len(BRANCHES) - 1
    change_department(seasonal, {"code_tco": "7"}, by=anna)
    assert loads() == []
    change_department(seasonal, {"season_end_date": DAY - dt.timedelta(days=1)}, by=anna)
    loads()
    assert suspicious() == len(BRANCHES) - 2


def test_what_explains_nothing_asks_nobody(chain):
    anna = person()
    feast = Holiday.objects.create(
        organisation=chain.organisation, date=DAY - dt.timedelta(days=2), key="feast", name="Feast"
    )
    note(feast, before=None, by=anna)
    Holiday.objects.filter(pk=feast.pk).update(date=DAY)
    note(feast, before=as_kept(feast), by=anna, gone=True)
    assert loads() == []
    assert suspicious() == len(BRANCHES)


def test_the_night_judges_again_what_could_not_be_loaded_at_once(chain):
    feast = Holiday.objects.create(organisation=chain.organisation, date=DAY, key="feast", name="Feast")
    note(feast, before=None, by=person())
    assert not SourceDay.objects.get(date=DAY).is_settled
    assert SourceDay.objects.get(date=DAY).digest == ""
