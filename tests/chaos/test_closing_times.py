"""R30: branches close at all hours of the night; each is complete, and forecast again, soon after its own last shift."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Connection
from forecasting.models import Forecast
from forecasting.train import train_version
from forecasting.versions import serve
from operations.night import keep_night
from runs.choices import UNFINISHED, State
from runs.ledger import run_now
from runs.models import Run
from sales.choices import DayState
from sales.models import SalesSummary
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell, Node, closing_time
from sources.simulator.worlds.static import StaticWorld
from tests.chaos.report import Row, chance

ZONE = ZoneInfo("Asia/Almaty")
STEP = dt.timedelta(minutes=5)
LIMIT = dt.timedelta(minutes=15)
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC) - dt.timedelta(days=2)
HISTORY = 90  # days; fewer are not enough to train
IDS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"late {n}")) for n in range(8)]
ROOT = "00000000-0000-4000-8000-000000000000"


class LateWorld(StaticWorld):
    """Sells until each branch closes, in an hour of its own at a minute of its day; knows only what was sold by `now`.

    One that closed hours before it usually does would be doubted, and rightly.
    """

    def __init__(self, first: dt.date, days: int) -> None:
        chosen = chance()
        self.now = dt.datetime.max
        self.closes: dict[tuple[str, dt.date], dt.datetime] = {}
        rows = []
        for date in (first + dt.timedelta(days=n) for n in range(days)):
            for number, branch in enumerate(IDS):
                later = dt.timedelta(hours=number, minutes=chosen.randrange(60))
                closes = dt.datetime.combine(date, dt.time(21)) + later
                self.closes[branch, date] = closes
                for hour in [*range(9, 24), *range(5)]:
                    if closing_time(date, hour, 0) < closes:
                        rows.append(
                            Cell(branch, date, hour, Decimal(chosen.randrange(1000, 90000)) / 100, Decimal(900), 2, 3)
                        )
        nodes = [Node(id, ROOT, f"Branch {n}", "DEPARTMENT") for n, id in enumerate(IDS, 1)]
        super().__init__(rows, [*nodes, Node(ROOT, None, "Chain", "CORPORATION")])

    def cells(self, first: dt.date, last: dt.date) -> list[Cell]:
        return [row for row in super().cells(first, last) if closing_time(row.date, row.hour or 0, 0) <= self.now]


class LateServer(IikoServer):
    world: LateWorld

    def _shift_list(self, *asked: Any) -> list[dict[str, Any]]:
        now = self.world.now
        begun = {key: closes for key, closes in self.world.closes.items() if key[1] <= now.date()}
        self.edited.shifts = {key: closes if closes <= now else None for key, closes in begun.items()}
        return super()._shift_list(*asked)


@pytest.fixture
def till(settings, tmp_path: Path) -> Iterator[LateServer]:
    settings.SOURCE_PATIENCE = 0
    settings.CLOCK_FILE = str(tmp_path / "clock")
    today = timezone.now().astimezone(ZONE).date()
    server = LateServer(LateWorld(today - dt.timedelta(days=HISTORY), HISTORY + 95), login="demo", password="demo")
    with server:
        yield server


@pytest.mark.long
@pytest.mark.row("R30", "branches that close at all hours of 90 nights")
@pytest.mark.parametrize(
    "nights",
    [pytest.param(1, marks=pytest.mark.postgres, id="short"), pytest.param(90, marks=pytest.mark.chaos, id="full")],
)
@pytest.mark.django_db(transaction=True)
def test_every_branch_is_complete_and_forecast_soon_after_it_closed(
    till: LateServer, settings, nights: int, report: Callable[[Row], None]
) -> None:
    organisation = Organisation.objects.main()
    Connection.objects.create(organisation=organisation, name="till", url=till.url, login="demo", password="demo")
    today = timezone.now().astimezone(ZONE).date()

    def at(moment: dt.datetime) -> None:
        till.world.now = moment.replace(tzinfo=None)
        Path(settings.CLOCK_FILE).write_text(str((moment - timezone.now()).total_seconds()))

    at(dt.datetime.combine(today, dt.time(12), ZONE))
    yesterday = today - dt.timedelta(days=1)
    run, _ = start_sync(
        organisation=organisation,
        from_date=today - dt.timedelta(days=HISTORY),
        to_date=yesterday,
        trigger="command",
    )
    assert run_now(run).state == State.DONE, run.errors
    version, _ = train_version(organisation, recipe="quick", origins_wanted=1)
    serve(version)
    waits: list[dt.timedelta] = []
    wrong = unforecast = 0
    for number in range(1, nights + 1):
        morning = today + dt.timedelta(days=number)
        date = morning - dt.timedelta(days=1)
        two = moment = dt.datetime.combine(morning, dt.time(2), ZONE)
        complete: dict[str, dt.datetime] = {}
        forecast: dict[str, dt.datetime] = {}
        while moment.time() < dt.time(6) and len(forecast) < len(IDS):
            at(moment)
            keep_night()
            for waiting in Run.objects.filter(parent=None, state__in=UNFINISHED):
                run_now(waiting)
            for branch in SalesSummary.objects.filter(date=date, state=DayState.COMPLETE).values_list("department"):
                complete.setdefault(str(branch[0]), moment)
            for branch in Forecast.objects.filter(cutoff=date).values_list("department").distinct():
                forecast.setdefault(str(branch[0]), moment)
            moment += STEP
        for branch in IDS:
            closed = till.world.closes[branch, date].replace(tzinfo=ZONE)
            waits.append(complete.get(branch, NEVER) - max(closed, two))
            unforecast += forecast.get(branch) != complete.get(branch, NEVER)
        true: dict[str, Decimal] = dict.fromkeys(IDS, Decimal(0))
        for cell in till.world.cells(date, date):
            true[cell.department_id or ""] += cell.revenue
        days = SalesSummary.objects.filter(date=date).values_list("department", "total_sales")
        ours = {str(department): total for department, total in days}
        wrong += sum(ours.get(branch) != true[branch] for branch in IDS)
    waits.sort()
    p99 = waits[min(len(waits) - 1, len(waits) * 99 // 100)]
    early = sum(wait < dt.timedelta(0) for wait in waits)
    passed = p99 <= LIMIT and not wrong and not early and not unforecast and not till.audit.broken
    figure = (
        f"{nights} nights, {len(IDS)} branches closing from 21:00 to 05:00: complete {_minutes(p99)} after the last shift"
        f" (99 of 100; at most {_minutes(waits[-1])}), {early} before it was closed, {unforecast} not forecast again at"
        f" once, {wrong} differences"
    )
    report(Row("R30", passed, figure, till.audit.broken))


def _minutes(wait: dt.timedelta) -> str:
    return f"{wait.total_seconds() / 60:.0f} min" if wait.days < 1 else "never"
