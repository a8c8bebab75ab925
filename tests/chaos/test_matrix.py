"""R3: every trouble of a till, at login, at the first question and at a later one, ends in a named state."""

import datetime as dt
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal

import pytest

from accounts.models import Organisation
from departments.models import Connection, SourceSession
from runs.choices import State
from runs.ledger import run_now
from runs.models import Run
from runs.sentences import known, of_errors
from sales.models import SalesByHour, SalesSummary
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.static import StaticWorld
from sources.tests.test_faults import ANYWHERE, OF_DATA, OF_LOGIN, OF_SALES
from tests.chaos.house import differences, truth
from tests.chaos.report import Row, seed
from tests.chaos.worlds import BillsWorld
from tests.stack.stack import free_port

LAST = dt.date.today() - dt.timedelta(days=2)
FIRST = LAST - dt.timedelta(days=20)

# Kind of request, how many of them pass untouched, fault, the code it must end in. This login worked before.
CELLS = [
    ("connect", 0, "refused", "unreachable"),
    ("connect", 0, "unanswered", "timeout"),
    *(("login", 0, fault, code) for fault, code in (ANYWHERE | OF_LOGIN | {"unauthorised": "starting"}).items()),
    *(
        ("olap", skip, fault, code)
        for skip in (0, 2)
        for fault, code in (ANYWHERE | OF_DATA | OF_SALES | {"double_rows": "bad_data"}).items()
    ),
]


@pytest.fixture
def till(settings) -> Iterator[IikoServer]:
    settings.SOURCE_PATIENCE = 0
    settings.SOURCE_READ_TIMEOUT = 1
    settings.SOURCE_CONNECT_TIMEOUT = 0.5
    world = BillsWorld(LAST, days=21, departments=3, rows=1200)
    with IikoServer(StaticWorld(world.rows, world.departments()), login="demo", password="demo") as server:
        yield server


@contextmanager
def unanswered() -> Iterator[str]:
    """An address where nobody takes a connection: its queue of callers is full."""
    with ExitStack() as calls:
        listener = calls.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            caller = calls.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def trouble(till: IikoServer, connection: Connection, kind: str, skip: int, fault: str) -> Iterator[None]:
    with ExitStack() as undo:
        if kind == "connect":
            away = f"http://127.0.0.1:{free_port()}" if fault == "refused" else undo.enter_context(unanswered())
            Connection.objects.filter(pk=connection.pk).update(url=away)
        else:
            till.faults.plan(kind, fault, skip=skip, count=None)
        yield
    Connection.objects.filter(pk=connection.pk).update(url=till.url)
    till.faults.clear()


def load(connection: Connection) -> Run:
    run, _ = start_sync(organisation=connection.organisation, from_date=FIRST, to_date=LAST, trigger="command")
    return run_now(run)


def published() -> dict[tuple[str, dt.date, int | None], Decimal | None]:
    days = SalesSummary.objects.values_list("department", "date", "total_sales")
    hours = SalesByHour.objects.values_list("department", "date", "hour", "sales_amount")
    return {(str(who), date, None): total for who, date, total in days} | {
        (str(who), date, hour): total for who, date, hour, total in hours
    }


@pytest.mark.row("R3", "every fault of a till, at login, at the first and at a later question")
@pytest.mark.parametrize(
    "every",
    [pytest.param(3, marks=pytest.mark.postgres, id="short"), pytest.param(1, marks=pytest.mark.chaos, id="full")],
)
@pytest.mark.django_db(transaction=True)
def test_every_trouble_has_a_name_and_harms_nothing(
    till: IikoServer, report: Callable[[Row], None], every: int
) -> None:
    """One chain for all cells: what one cell broke would show in the next."""
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="demo", password="demo"
    )
    assert load(connection).state == State.DONE
    days, hours = truth(till.world, FIRST, LAST)
    true = {(*key, None): total for key, total in days.items()} | hours
    cells = [
        cell
        for cell in CELLS[int(seed()) % every :: every]
        if os.environ.get("CHAOS_CELL", "") in " ".join(map(str, cell))
    ]
    false = 0
    bad: list[str] = []
    codes: Counter[str] = Counter()
    for kind, skip, fault, code in cells:
        with trouble(till, connection, kind, skip, fault):
            run = load(connection)
        said = [error["code"] for error in run.errors if not error.get("warning")]
        codes.update(said[:1])
        false += run.state == State.DONE
        wrong = differences(published(), true)
        kept = till.live_tokens() or SourceSession.objects.exclude(token=None).exists()
        till.tokens.drop()
        calm = load(connection)
        troubles = {
            f"{run.state} with {said}, not {code}": run.state not in (State.FAILED, State.PARTIAL)
            or said[:1] != [code],
            "no sentence": not known(code) or not of_errors(run.errors),
            f"{wrong} figures changed": wrong,
            "a slot was not returned": kept,
            f"not whole afterwards: {calm.errors}": calm.state != State.DONE or differences(published(), true),
        }
        bad += [f"{kind} {skip + 1} {fault}: {what}" for what, so in troubles.items() if so]
    figure = (
        f"{len(cells)} cells: {len(cells) - len({text.split(':')[0] for text in bad})} ended in their named state"
        f" ({len(codes)} different ones), {false} false successes, {sum('slot' in text for text in bad)} slots not returned"
    )
    report(Row("R3", not bad and not false and not till.audit.broken, figure, [*bad, *till.audit.broken]))
