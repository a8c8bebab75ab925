"""The rows of the reliability report that live through nights: the product's clock is moved, the tills are true."""

import datetime as dt
import os
import random
import signal
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import requests

from sources.simulator.worlds.base import FIRST_HOUR_OF_DAY, Cell
from sources.simulator.worlds.static import StaticWorld
from tests.chaos.house import House, differences, eventually, truth
from tests.chaos.report import Row
from tests.chaos.worlds import BillsWorld

ZONE = ZoneInfo("Asia/Almaty")
TODAY = dt.datetime.now(ZONE).date()


def chain(departments: int, *, back: int, ahead: int, number: int = 0) -> StaticWorld:
    days = back + ahead
    bills = BillsWorld(
        TODAY + dt.timedelta(days=ahead), days=days, departments=departments, rows=days * departments * 6
    )
    if number:  # another chain: other ids, so that no two tills claim one branch
        names = {id: id[:-1] + format(number, "x") for id in bills.ids}
        rows = [row._replace(department_id=names[row.department_id or ""]) for row in bills.rows]
        nodes = [
            node
            if node.id not in names
            else type(node)(names[node.id], node.parent_id, f"{node.name} of {number}", node.type)
            for node in bills.departments()
        ]
        return StaticWorld(rows, nodes)
    return StaticWorld(bills.rows, bills.departments())


def local(house: House, days: int, hour: int, minute: int = 0) -> dt.date:
    """Move the product's clock to a local time of the day that is `days` from today; returns that date."""
    moment = dt.datetime.combine(TODAY + dt.timedelta(days=days), dt.time(hour, minute), ZONE)
    house.move_clock((moment - dt.datetime.now(ZONE)).total_seconds())
    return moment.date()


def wrong_on(house: House, worlds: list[Any], first: dt.date, last: dt.date) -> int:
    """Differences of the days and hours of a range."""
    true_days: dict[Any, Any] = {}
    true_hours: dict[Any, Any] = {}
    for world in worlds:
        days, hours = truth(world, first, last)
        true_days |= days
        true_hours |= hours
    ours = {key: value for key, value in house.days().items() if first <= key[1] <= last}
    our_hours = {key: value for key, value in house.hours().items() if first <= key[1] <= last}
    return differences(ours, true_days) + differences(our_hours, true_hours)


def alarms(house: House, where: str = "true") -> list[tuple[str, bool]]:
    rows = house.cluster.execute(f"SELECT code, ended_at IS NULL FROM runs_alarm WHERE {where} ORDER BY id")
    return [(code, standing) for code, standing in rows]


def nights(house: House) -> list[tuple[dt.date, str]]:
    return [
        tuple(row)
        for row in house.cluster.execute("SELECT night, state FROM runs_run WHERE kind = 'nightly' ORDER BY id")
    ]


def one_of_two(house: House, *, alarm_limit: float, repair_limit: float) -> Row:
    """R4: one of two servers down over the night, then back."""
    worlds = [chain(6, back=20, ahead=3), chain(6, back=20, ahead=3, number=1)]
    tills = [house.add_till(world, name) for world, name in zip(worlds, ("first", "second"), strict=True)]
    house.ended(house.sync(TODAY - dt.timedelta(days=14), TODAY - dt.timedelta(days=1)), 60)
    tills[1].faults.down = True
    tomorrow = local(house, 1, 2, 5)
    yesterday = tomorrow - dt.timedelta(days=1)
    done = eventually(lambda: nights(house) == [(tomorrow, "partial")], alarm_limit * 4)
    other = wrong_on(house, worlds[:1], yesterday, yesterday) if done else -1
    missing = [run for run in house.runs("kind = 'nightly'") if "missing_branches" in str(run["errors"])]
    named = all(f"Branch {n} of 1" in str(missing) for n in range(1, 7))
    told = eventually(lambda: ("source_down", True) in alarms(house), alarm_limit)
    local(house, 1, 3, 5)  # the hour at which yesterday would be missed
    time.sleep(alarm_limit / 3)
    tills[1].faults.down = False
    back = eventually(lambda: wrong_on(house, worlds, yesterday, yesterday) == 0, repair_limit)
    over = eventually(lambda: alarms(house, "code <> 'beat_silent'") == [("source_down", False)], alarm_limit)
    passed = None not in (done, told, back, over) and other == 0 and named
    figure = (
        f"the other server's branches complete: {other == 0}; all 6 missing ones named: {named}; one alarm,"
        f" {_s(told)} s after the load had failed (of {alarm_limit:.0f}), and one word that it is over: {over is not None};"
        f" repaired {_s(back)} s after the return (of {repair_limit:.0f})"
    )
    return Row("R4", passed, figure, [] if passed else [str(house.runs()), str(alarms(house))])


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"


FAULTS = [
    "html_502",
    "error_500",
    "reset",
    "truncated",
    "html_200",
    "no_rows",
    "unauthorised",
    "vanishing_hours",
    "too_many",
]
UNDONE = "state <> 'done'"
HARM = [*FAULTS, "till away", "worker killed", "database killed", "broker emptied", "login refused"]


def many_nights(house: House, *, count: int, departments: int, chance: random.Random) -> Row:
    """R6: nights with a random fault each; in the end every day is the source's, without a hand and a false alarm."""
    worlds = [
        chain(departments // 2, back=20, ahead=count + 2),
        chain(departments // 2, back=20, ahead=count + 2, number=1),
    ]
    tills = [house.add_till(world, name) for world, name in zip(worlds, ("first", "second"), strict=True)]
    house.ended(house.sync(TODAY - dt.timedelta(days=14), TODAY - dt.timedelta(days=1)), 120)
    good, lost, notes, slowest = 0, 0, [], 0.0
    for number in range(1, count + 1):
        harm, till = chance.choice(HARM), chance.choice(tills)
        if harm in FAULTS:
            till.faults.plan("olap", harm, count=chance.randint(1, 3))
        elif harm == "login refused":
            till.faults.plan("login", "no_licence", count=2)
        elif harm == "till away":
            till.faults.down = True
        elif harm == "broker emptied":
            house.broker.flush()
        night = local(house, number, 2, 5)
        begun = time.monotonic()
        if harm in ("worker killed", "database killed"):
            time.sleep(chance.uniform(1.0, 4.0))
            if harm == "worker killed":
                house.kill_worker()
                lost += sum(house.forgotten(one) for one in tills)
            else:
                house.cluster.kill()
                house.cluster.start()
        elif harm == "till away":
            time.sleep(4)
            till.faults.down = False
        yesterday = night - dt.timedelta(days=1)
        whole = eventually(
            lambda: (
                night in [date for date, _state in nights(house)]  # noqa: B023
                and not wrong_on(house, worlds, yesterday, yesterday)  # noqa: B023
                and not house.runs("state IN ('queued', 'running')")
            ),
            90,
        )
        slowest = max(slowest, time.monotonic() - begun)
        for one in tills:
            one.faults.clear()
        if whole is not None:
            good += 1
        else:
            notes.append(f"night {number}, {harm}: {house.runs(UNDONE)[-3:]}")
    false = [code for code, _standing in alarms(house, "code NOT IN ('beat_silent')")]
    doubled = house.cluster.execute(
        "SELECT night, count(*) FROM runs_run WHERE kind = 'nightly' GROUP BY night HAVING count(*) > 1"
    )
    everything = wrong_on(house, worlds, TODAY - dt.timedelta(days=14), TODAY + dt.timedelta(days=count - 1))
    broken = [rule for till in tills for rule in till.audit.broken]
    passed = good == count and not false and not doubled and not everything and not broken
    figure = (
        f"{good}/{count} nights whole by themselves (slowest {slowest:.0f} s), {departments} departments, {everything}"
        f" differences over all dates at the end, {len(false)} false alarms, {len(doubled)} nights twice, 0 manual steps,"
        f" {lost} licence slots lost to a kill in the instant of a login"
    )
    return Row("R6", passed, figure, [*notes, *map(str, false), *broken])


def clocks(house: House, *, limit: float) -> Row:
    """R8: two beats, a dead beat, a clock that is off, days of outage: one run per night and source-day."""
    world = chain(6, back=30, ahead=8)
    house.add_till(world)
    house.manage("setup_schedules")
    house.ended(house.sync(TODAY - dt.timedelta(days=14), TODAY - dt.timedelta(days=1)), 60)
    notes = []
    # Two beats send the same night in the same minute, and the keeper wants it as well.
    soon = dt.datetime.now(ZONE) + dt.timedelta(minutes=1)
    house.cluster.execute(
        "UPDATE django_celery_beat_crontabschedule SET hour = %s, minute = %s WHERE id = (SELECT crontab_id FROM"
        " django_celery_beat_periodictask WHERE task = 'operations.start_nights')",
        str(soon.hour),
        str(soon.minute),
    )
    house.start_beat("beat-1")
    house.start_beat("beat-2")
    first = eventually(lambda: [state for _night, state in nights(house)] == ["done"], 120)
    time.sleep(3)
    if len(nights(house)) != 1 or first is None:
        notes.append(f"two beats: {nights(house)}")
    house.kill("beat-1", signal.SIGKILL)
    house.kill("beat-2", signal.SIGKILL)
    house.cluster.execute("UPDATE django_celery_beat_crontabschedule SET hour = '2', minute = '0' WHERE hour <> '4'")
    # A second worker whose clock is five minutes ahead.
    fast = house.folder / "fast-clock"
    house.environment["CLOCK_FILE"], slow = str(fast), house.environment["CLOCK_FILE"]
    local(house, 1, 2, 20)
    fast.write_text(str(float(fast.read_text()) + 300))
    house.start_worker("fast")
    house.environment["CLOCK_FILE"] = slow
    tomorrow = local(house, 1, 2, 20)
    second = eventually(lambda: (tomorrow, "done") in nights(house), limit)
    if second is None or len(nights(house)) != 2:
        notes.append(f"beat dead from 01:55 to 02:20, a clock 5 min off: {nights(house)}")
    # Nobody works for three days.
    house.pause_nurse()
    house.kill("fast", signal.SIGKILL)
    later = local(house, 4, 2, 20)
    house.nurse()
    third = eventually(lambda: (later, "done") in nights(house), limit)
    wrong = wrong_on(house, [world], TODAY - dt.timedelta(days=14), later - dt.timedelta(days=1))
    if third is None or len(nights(house)) != 3 or wrong:
        notes.append(f"three days away: {nights(house)}, {wrong} differences")
    loads = house.cluster.execute(
        "SELECT night, unit, count(*) FROM runs_run WHERE kind = 'load_connection' AND night IS NOT NULL"
        " GROUP BY 1, 2 HAVING count(*) > 1"
    )
    passed = not notes and not loads
    figure = (
        f"two beats at once, beat dead over the hour and a clock 5 min off, three days away: {len(nights(house))} nights"
        f" for 3, each loaded once: {not loads}; caught up {_s(third)} s after the return (of {limit:.0f}), {wrong} differences"
    )
    return Row("R8", passed, figure, notes)


def late_edits(house: House, *, chance: random.Random) -> Row:
    """R5: corrections of all kinds; the night that reads their dates converges, logs each, leaves other days alone."""
    world = chain(12, back=45, ahead=12)
    house.add_till(world)
    house.nurse()
    house.ended(house.sync(TODAY - dt.timedelta(days=42), TODAY - dt.timedelta(days=1)), 60)
    # The first night is any but the weekly one, the second the weekly one after it.
    first = next(days for days in (1, 2) if (TODAY + dt.timedelta(days=days)).isoweekday() != 7)
    second = next(days for days in range(first + 1, first + 8) if (TODAY + dt.timedelta(days=days)).isoweekday() == 7)
    logged = other = 0
    notes: list[str] = []
    for days, window in ((first, 14), (second, 35)):
        night = TODAY + dt.timedelta(days=days)
        begin = night - dt.timedelta(days=window)
        stood, stood_hours = truth(world, begin, TODAY - dt.timedelta(days=1))
        world.rows = edited(world.rows, begin, TODAY - dt.timedelta(days=1), chance)
        became, became_hours = truth(world, begin, TODAY - dt.timedelta(days=1))
        wanted = _changes(stood, became) | _changes(stood_hours, became_hours)
        before = _bytes(house)
        local(house, days, 2, 5)
        if eventually(lambda: (night, "done") in nights(house), 60) is None:  # noqa: B023
            notes.append(f"{night}: {nights(house)} {house.runs(UNDONE)}")
        if wrong := wrong_on(house, [world], TODAY - dt.timedelta(days=42), night - dt.timedelta(days=1)):
            notes.append(f"{night}: {wrong} differences")
        rows = house.cluster.execute(
            "SELECT department_id::text, date, hour, old_total, new_total FROM sales_restatement r JOIN runs_run ON"
            " runs_run.id = r.run_id WHERE runs_run.night = %s",
            night,
        )
        told = {row[:3] if row[2] is not None else row[:2]: row[3:] for row in rows}
        if told != wanted or len(told) != len(rows):
            notes.append(f"{night}: restated {set(told.items()) ^ set(wanted.items())}")
        after = _bytes(house)
        touched = {key[:2] for key in wanted}
        same = {key for key in before if after.get(key) == before[key]}
        if same != before.keys() - touched:
            notes.append(f"{night}: other days changed {before.keys() - touched - same}, or touched ones did not")
        logged, other = logged + len(wanted), other + len(same)
    figure = (
        f"two nights (14 days, and 35 of the weekly one) converged in one run each; {logged} changed cells, all logged with"
        f" old and new value and run; {other} other days bit-identical"
    )
    return Row("R5", not notes, figure if not notes else f"{len(notes)} troubles in two nights", notes)


def edited(rows: list[Cell], first: dt.date, last: dt.date, chance: random.Random) -> list[Cell]:
    """The world after late corrections: at most one of each branch and date, of all kinds.

    No day's last hour is taken away: such a day ends early, which is doubted and left to a person.
    """
    by_day: dict[tuple[str, dt.date], list[Cell]] = {}
    for row in rows:
        if first <= row.date <= last:
            by_day.setdefault((row.department_id or "", row.date), []).append(row)
    days = chance.sample(sorted(by_day), len(by_day) // 6)
    gone: set[Cell] = set()
    new: list[Cell] = []
    for number, key in enumerate(days):
        cells = sorted(by_day[key], key=lambda cell: ((cell.hour or 0) - FIRST_HOUR_OF_DAY) % 24)
        cell = chance.choice(cells[:-1] or cells)
        free = chance.choice([hour for hour in range(24) if all(hour != other.hour for other in by_day[key])])
        tiyn = Decimal(chance.randrange(1, 99_000)) / 100
        other = next((later for later in days[number + 1 :] if later[0] == key[0]), None)
        match number % 6:
            case 0:  # a bill closed late, in an hour of its own
                new.append(cell._replace(hour=free, revenue=tiyn, gross=tiyn, orders=1))
            case 1:  # an hour that vanishes
                gone.add(cell)
            case 2:  # a return
                gone.add(cell)
                new.append(cell._replace(revenue=cell.revenue - tiyn, gross=cell.gross - tiyn))
            case 3:  # a bill deleted afterwards
                gone.add(cell)
                new.append(cell._replace(revenue=cell.revenue / 4, gross=cell.gross / 4, orders=1))
                new.append(cell._replace(order_deleted="DELETED"))
            case 4:  # one tiyn
                gone.add(cell)
                new.append(cell._replace(revenue=cell.revenue + Decimal("0.01")))
            case _ if other:  # a bill moved to another date, whose own correction comes on top
                gone.add(cell)
                late = {hour for (_who, _day), cells in by_day.items() for hour in (one.hour for one in cells)}
                hour = next(hour for hour in range(24) if hour not in late)
                new.append(cell._replace(date=other[1], hour=hour))
    return [row for row in rows if row not in gone] + new


def _changes(stood: dict[Any, Decimal], became: dict[Any, Decimal]) -> dict[Any, tuple[Decimal | None, Decimal | None]]:
    return {
        key: (stood.get(key), became.get(key))
        for key in stood.keys() | became.keys()
        if stood.get(key) != became.get(key)
    }


def _bytes(house: House) -> dict[tuple[str, dt.date], str]:
    """Everything stored of a day and its hours, by whom and when included."""
    rows = house.cluster.execute(
        """SELECT d.department_id::text, d.date, md5(d::text || coalesce(string_agg(h::text, '|' ORDER BY h.hour), ''))
           FROM sales_summary d LEFT JOIN sales_by_hour h USING (department_id, date) GROUP BY d.id, d.department_id, d.date"""
    )
    return {(department, day): digest for department, day, digest in rows}


def lost_broker(house: House, *, away: float, limit: float) -> Row:
    """R9: the broker emptied, killed, and away over the hour of the night; nothing is lost, readers notice nothing."""
    world = chain(20, back=20, ahead=3)
    house.add_till(world)
    house.nurse()
    first, last = TODAY - dt.timedelta(days=14), TODAY - dt.timedelta(days=1)
    house.ended(house.sync(first, last), 60)
    notes: list[str] = []
    waits: list[float] = []
    answers = refusals = 0

    def reads(until: float) -> None:
        nonlocal answers, refusals
        while time.monotonic() < until:
            with suppress(requests.RequestException):
                good = house.call("GET", "/api/sales/summary", params={"limit": 10}).status_code == 200
                answers += good
                refusals += not good
            time.sleep(0.2)

    def begun(run: int) -> bool:
        return any(found["attempts"] for found in house.runs(f"id = {run} OR parent_id = {run}"))

    for name in ("emptied", "killed", "away"):
        house.clear()
        stopped = house.processes["worker"]
        if name == "away":
            house.broker.kill()
            until = time.monotonic() + away
            wanted = [house.sync(first, last)]
            night = local(house, 1, 2, 5)
            reads(until)
            wanted += [run["id"] for run in house.runs("kind = 'nightly'")]
            if len(wanted) != 2:
                notes.append(f"no night was begun while the broker was away: {house.runs()}")
            house.broker.start()
        else:
            os.killpg(stopped.pid, signal.SIGSTOP)  # the message lies in the broker when it is emptied
            wanted = [house.sync(first, last)]
            if name == "emptied":
                house.broker.flush()
            else:
                house.broker.kill()
                reads(time.monotonic() + 1)
                house.broker.start()
            os.killpg(stopped.pid, signal.SIGCONT)
        took = eventually(lambda: all(begun(run) for run in wanted), limit * 2)  # noqa: B023
        waits.append(took if took is not None else limit * 2)
        ended = [house.ended(run, 120)["state"] for run in wanted]
        wrong = wrong_on(house, [world], first, last)
        if name == "away":
            wrong += wrong_on(house, [world], TODAY, night - dt.timedelta(days=1))
        if took is None or took > limit or wrong or set(ended) != {"done"}:
            notes.append(f"{name}: {took} s, {ended}, {wrong} differences")
    passed = not notes and answers > 0 and refusals == 0
    figure = (
        f"emptied, killed, {away:.0f} s away over the hour of the night: {3 - len(notes)} of 3 lost nothing, work taken up at"
        f" most {max(waits):.1f} s after the return (of {limit:.0f}); {answers} reads answered, {refusals} refused"
    )
    return Row("R9", passed, figure, notes)
