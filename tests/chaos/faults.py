"""The rows of the reliability report that need whole processes: each does harm and tells what came of it."""

import random
import threading
import time
from datetime import date, timedelta

from tests.chaos.house import House, Reader, differences, eventually, spread, truth
from tests.chaos.report import Row
from tests.chaos.worker import POINTS
from tests.chaos.worlds import BillsWorld

# A date far enough back that nothing depends on today, and near enough that cash shifts are asked for.
LAST = date.today() - timedelta(days=2)
# A transaction of the load that has written: it stages its rows in a table of its own.
WRITING = (
    "SELECT 1 FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND query ~ 'sales_'"
)


def kills(house: House, *, at_random: int, named: int, rows: int, limit: float, chance: random.Random) -> Row:
    """R1: the worker is killed at points of a load; it recovers by itself and the result is exact."""
    world = BillsWorld(LAST, days=28, departments=50, rows=rows)
    till = house.add_till(world)
    first, last = spread(LAST, 28)
    true_days, true_hours = truth(world, first, last)
    house.nurse()
    calm = house.ended(house.sync(first, last), 120)
    assert calm["state"] == "done", calm
    begun = time.monotonic()
    house.clear()
    house.ended(house.sync(first, last), 120)
    length = time.monotonic() - begun
    points: list[str | float] = [*list(POINTS)[:named], *(chance.uniform(0, length) for _ in range(at_random))]
    good, lost, worst, notes = 0, 0, 0.0, []
    with Reader(house) as reader:
        for point in points:
            house.clear()
            deaths = house.deaths
            if isinstance(point, str):
                house.fail_at(point)
            run = house.sync(first, last)
            if isinstance(point, float):
                time.sleep(point)
                house.kill_worker()
                lost += house.forgotten(till)
            died = eventually(lambda deaths=deaths: house.deaths > deaths, 60)
            begun = time.monotonic()
            try:
                ended = house.ended(run, limit)
            except AssertionError as error:
                notes.append(f"{point}: {error}")
                house.ended(run, 300)
                continue
            took = time.monotonic() - begun
            worst = max(worst, took)
            wrong = differences(house.days(), true_days) + differences(house.hours(), true_hours)
            if died is not None and ended["state"] == "done" and not wrong:
                good += 1
            else:
                notes.append(
                    f"{point}: died {died is not None}, {ended['state']} {ended['errors']}, {wrong} differences"
                )
    leaks = eventually(lambda: not till.tokens.live(3600), limit * 2)
    passed = (
        good == len(points) and not reader.wrong and reader.looks > 0 and leaks is not None and not till.audit.broken
    )
    figure = (
        f"{good}/{len(points)} exact ({at_random} random points, {named} named), slowest recovery {worst:.1f} s of {limit:.0f}, a reader looked {reader.looks} times"
        f" and saw {reader.wrong} days that did not add up, {'no licence slot lost' if leaks is not None else 'a slot lost'}"
        f" but {lost} by a kill in the instant of a login"
    )
    return Row("R1", passed, figure, [*notes, *till.audit.broken])


def twice_and_at_once(house: House, *, rows: int) -> Row:
    """R2: the same day twice, eight at once, overlapping ranges at once."""
    world = BillsWorld(LAST, days=28, departments=20, rows=rows)
    till = house.add_till(world)
    first, last = spread(LAST, 28)
    true_days, true_hours = truth(world, first, last)
    house.nurse()
    house.start_worker("second")
    notes = []
    house.ended(house.sync(first, last), 120)
    print_of_first = house.fingerprint()
    again = house.ended(house.sync(first, last), 120)
    written = again["counts"]["changed_rows"]

    house.clear()
    runs = _at_once(house, [(first, last)] * 8)
    eight = {house.ended(run, 120)["state"] for run in runs}
    loads = house.runs(f"kind = 'load_connection' AND parent_id IN ({','.join(map(str, set(runs)))})")
    same_eight = house.fingerprint() == print_of_first

    house.clear()
    ranges = [(first + timedelta(days=shift), last - timedelta(days=6 - shift)) for shift in range(7)]
    runs_over = _at_once(house, [*ranges, (first, last)])
    over = {house.ended(run, 240)["state"] for run in runs_over}
    same_over = house.fingerprint() == print_of_first
    wrong = differences(house.days(), true_days) + differences(house.hours(), true_hours)
    bugs = house.runs("errors::text LIKE '%\"bug\"%'")
    deadlocks = house.cluster.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = 'chaos'")[0][0]
    passed = (
        written == 0
        and eight == over == {"done"}
        and len(set(runs)) == len(loads) == 1
        and same_eight
        and same_over
        and not wrong
        and not bugs
        and not till.audit.broken
    )
    figure = (
        f"the second load wrote {written} rows; eight at once were {len(set(runs))} run; tables identical: "
        f"{same_eight and same_over}; {wrong} differences; {deadlocks} deadlocks in the database, {len(bugs)} surfaced"
    )
    if not passed:
        notes = [str(eight), str(over), str(loads), str(bugs)]
    return Row("R2", passed, figure, [*notes, *till.audit.broken])


def _at_once(house: House, ranges: list[tuple[date, date]]) -> list[int]:
    found: list[int] = []
    threads = [threading.Thread(target=lambda r=r: found.append(house.sync(*r))) for r in ranges]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(ranges)
    return found


def killed_database(house: House, *, times: int, rows: int, limit: float, chance: random.Random) -> Row:
    """R10: PostgreSQL is killed while a transaction writes."""
    world = BillsWorld(LAST, days=28, departments=50, rows=rows)
    house.add_till(world)
    house.nurse()
    first, last = spread(LAST, 28)
    true_days, true_hours = truth(world, first, last)
    begun = time.monotonic()
    house.ended(house.sync(first, last), 120)
    length = time.monotonic() - begun
    good, slowest, writing, notes = 0, 0.0, 0, []
    for _ in range(times):
        house.clear()
        run = house.sync(first, last)
        time.sleep(chance.uniform(0, length * 0.7))
        writing += eventually(lambda: house.cluster.execute(WRITING), length, every=0.002) is not None
        house.cluster.kill()
        house.cluster.start()
        back = eventually(
            lambda: (
                house.call("GET", "/readyz").status_code in (200, 503)
                and house.call("GET", "/api/departments/").status_code == 200
            ),
            limit,
        )
        slowest = max(slowest, back or limit)
        try:
            ended = house.ended(run, 60)
        except AssertionError as error:
            notes.append(str(error))
            continue
        wrong = differences(house.days(), true_days) + differences(house.hours(), true_hours)
        if ended["state"] == "done" and not wrong and back is not None:
            good += 1
        else:
            notes.append(f"{ended['state']} {ended['errors']}, {wrong} differences, back {back}")
    figure = (
        f"{good}/{times} exact ({writing} killed while a transaction wrote); the pages answered at most {slowest:.1f} s"
        f" after the database (of {limit:.0f})"
    )
    return Row("R10", good == times, figure, notes)
