"""The rows that do harm to whole processes. The short form of some is in make test, on one house for all of them."""

from collections.abc import Callable, Iterator

import pytest

from tests.chaos import faults, nights
from tests.chaos.house import REAL, TENTH, House
from tests.chaos.report import Row, chance

# Failed loads are asked for again after seconds: a night with a fault would else last a minute.
HURRIED = TENTH | {"RETRY_SECONDS": "5"}

Report = Callable[[Row], None]


def short(*values: object) -> object:
    return pytest.param(*values, marks=[pytest.mark.long, pytest.mark.stack], id="short")


def full(*values: object, name: str = "full") -> object:
    return pytest.param(*values, marks=pytest.mark.chaos, id=name)


def real_time(*values: object) -> object:
    """One pass with the intervals that the product comes with: `CHAOS_REAL_TIME=1 make chaos`."""
    marks = [pytest.mark.chaos, pytest.mark.real_time, pytest.mark.house(settings=REAL)]
    return pytest.param(*values, marks=marks, id="real time")


@pytest.fixture(scope="session")
def common_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"), settings=HURRIED)
    yield house
    house.close()


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path) -> Iterator[House]:
    if not request.node.get_closest_marker("chaos"):
        house = request.getfixturevalue("common_house")
        house.fresh()
        yield house
        return
    wanted = request.node.get_closest_marker("house")
    house = House(tmp_path, **(wanted.kwargs if wanted else {}))
    yield house
    house.close()


@pytest.fixture
def tell(house: House, report: Report) -> Report:
    """Report a row; one that failed with what the processes said last."""

    def add(row: Row) -> None:
        if not row.passed:
            row.notes.append(house.log_tails())
        report(row)

    return add


@pytest.mark.row("R1", "worker killed with -9 at random and at named points of a load of 100,000 rows")
@pytest.mark.parametrize(
    ("at_random", "named", "rows", "limit"),
    [short(1, 1, 10_000, 30), full(50, 15, 100_000, 12), real_time(2, 2, 100_000, 120)],
)
def test_a_killed_worker(house: House, tell: Report, at_random: int, named: int, rows: int, limit: float) -> None:
    tell(faults.kills(house, at_random=at_random, named=named, rows=rows, limit=limit, chance=chance()))


@pytest.mark.row("R2", "the same days twice, eight at once, overlapping ranges at once")
@pytest.mark.parametrize("rows", [short(5_000), full(60_000)])
def test_the_same_twice_and_at_once(house: House, tell: Report, rows: int) -> None:
    tell(faults.twice_and_at_once(house, rows=rows))


@pytest.mark.row("R4", "one of two servers down over the night, then back")
@pytest.mark.parametrize("limit", [full(90), real_time(900)])
def test_one_of_two_servers_down(house: House, tell: Report, limit: float) -> None:
    house.nurse()
    tell(nights.one_of_two(house, alarm_limit=limit / 3, repair_limit=limit))


@pytest.mark.row("R5", "late bills, returns, deletions, moved bills and vanished hours of the last 14 and 35 days")
@pytest.mark.chaos
def test_late_corrections(house: House, tell: Report) -> None:
    tell(nights.late_edits(house, chance=chance()))


@pytest.mark.row("R6", "30 nights, 60 departments, one random fault each night")
@pytest.mark.house(settings=HURRIED)
@pytest.mark.parametrize(("count", "departments"), [short(2, 6), full(30, 60)])
def test_nights_with_a_fault_each(house: House, tell: Report, count: int, departments: int) -> None:
    house.nurse()
    tell(nights.many_nights(house, count=count, departments=departments, chance=chance()))


@pytest.mark.row(
    "R8", "two beats, beat dead over the hour, a clock 5 minutes off, three days of outage, on each broker"
)
@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(90, marks=[pytest.mark.chaos, pytest.mark.house(broker=broker)], id=broker)
        for broker in ("redis", "rabbitmq", "files")
    ]
    + [real_time(900)],
)
def test_beats_and_clocks(house: House, tell: Report, limit: float) -> None:
    house.nurse()
    tell(nights.clocks(house, limit=limit))


@pytest.mark.row("R9", "Redis emptied, killed with -9, and away for long at two in the morning")
@pytest.mark.parametrize(("away", "limit"), [full(60, 6), real_time(600, 60)])
def test_a_lost_broker(house: House, tell: Report, away: float, limit: float) -> None:
    tell(nights.lost_broker(house, away=away, limit=limit))


@pytest.mark.row("R10", "PostgreSQL killed with -9 in the middle of transactions, 20 times")
@pytest.mark.parametrize(("times", "rows"), [short(1, 15_000), full(20, 60_000)])
def test_a_killed_database(house: House, tell: Report, times: int, rows: int) -> None:
    tell(faults.killed_database(house, times=times, rows=rows, limit=10, chance=chance()))
