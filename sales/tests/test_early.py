"""A day that stops hours before the same weekdays did is the beginning of a day; people who close early are believed."""

import datetime as dt
import json
from collections import defaultdict
from decimal import Decimal

import pandas as pd
import pytest
from django.utils import timezone

from accounts.models import Organisation
from departments.calendar import seed_holidays
from departments.models import Closure, Connection, Department, Holiday
from sales.choices import DayState
from sales.early import stops_early
from sales.models import ObservedDay
from sales.staging import StagedDay, hours_text
from sales.trust import Judge
from sources.simulator.worlds.base import FIRST_HOUR_OF_DAY, KEPT
from sources.simulator.worlds.demo import demo_world

TODAY = dt.date(2026, 4, 20)  # the 90 days before hold feasts, Ramadan and the end of a season
NIGHTS, BEFORE = 90, 60
DAYS = [TODAY - dt.timedelta(days=back) for back in range(NIGHTS, 0, -1)]


def hours(*clock: int, each: int = 100) -> list[tuple[int, Decimal]]:
    return [(hour, Decimal(each)) for hour in clock]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("day", "usual", "early"),
    [
        (hours(9, 10, 11), hours(*range(9, 19)), True),
        (hours(*range(9, 18)), hours(*range(9, 19)), False),  # the last hour of ten is less than is missed
        (hours(18, 19), hours(18, 19, 20, 21, 22, 23, 0, 1), True),  # a night ends after midnight
        (hours(18, 19, 20, 21, 22, 23, 0, 1), hours(18, 19, 20, 21, 22, 23, 0, 1), False),
        (hours(12, 13, 18), hours(9, 10, 11, 12, 13, 18), False),  # what is missing lies at the beginning
        ([], hours(9, 10), False),
        (hours(9), [], False),
    ],
)
def test_where_the_sales_stop(day, usual, early):
    assert stops_early(day, [usual] * 4) is early


@pytest.mark.unit
def test_one_of_the_same_weekdays_that_ended_as_early_explains_it():
    assert not stops_early(hours(9, 10, 11), [hours(*range(9, 19))] * 3 + [hours(9, 10, 11)])


@pytest.fixture
def chain(db):
    """Seven branches of the demonstration with 150 days behind them, closing early before feasts and renovations."""
    organisation = Organisation.objects.main()
    connection = Connection.objects.create(organisation=organisation, name="till", url="http://till.test")
    Holiday.objects.filter(organisation=organisation).delete()
    seed_holidays(organisation, [TODAY.year])
    world = demo_world(1, days=NIGHTS + BEFORE, departments=14, today=TODAY)
    links = {}
    for branch in world.branches:
        links[branch.id] = Department.objects.create(organisation=organisation, name=branch.name).pk
    closes = {branch.id: 15 if branch.segment == "bar" else 10 for branch in world.branches}
    repaired, seasonal = list(links.values())[1:3]
    Closure.objects.create(organisation=organisation, department_id=repaired, first=DAYS[40], last=DAYS[45])
    Department.objects.filter(pk=seasonal).update(season_start_date=DAYS[0], season_end_date=DAYS[70])
    feasts = set(
        Holiday.objects.filter(organisation=organisation, effect=Holiday.Effect.FEAST).values_list("date", flat=True)
    )
    closing = {(repaired, DAYS[39]), (seasonal, DAYS[70])}
    shut = {(repaired, date) for date in DAYS[40:46]} | {(seasonal, date) for date in DAYS[71:]}
    cells = defaultdict(lambda: defaultdict(list))
    for cell in world.cells(DAYS[0] - dt.timedelta(days=BEFORE), DAYS[-1]):
        department = links[cell.department_id]
        early = cell.date + dt.timedelta(days=1) in feasts or (department, cell.date) in closing
        if (
            cell.order_deleted != KEPT
            or cell.dish_deleted != KEPT
            or (department, cell.date) in shut
            or (early and _lived(cell.hour) > closes[cell.department_id])
        ):
            continue
        cells[cell.date][cell.department_id].append(cell)
    days = {
        date: [staged(links, external_id, date, found) for external_id, found in sorted(by_id.items())]
        for date, by_id in cells.items()
    }
    ObservedDay.objects.bulk_create(
        ObservedDay(
            organisation=organisation,
            connection=connection,
            observed_at=timezone.now(),
            **{**day._asdict(), "department": None, "hours": json.loads(day.hours)},
        )
        for date in days
        for day in days[date]
    )
    return connection, links, days


def _lived(hour: int) -> int:
    return (hour - FIRST_HOUR_OF_DAY) % 24


def staged(links, external_id, date, cells) -> StagedDay:
    by_hour = defaultdict(Decimal)
    for cell in cells:
        by_hour[cell.hour] += cell.revenue
    total = sum(by_hour.values(), Decimal(0))
    text = hours_text([(hour, money, money, 1, 1) for hour, money in sorted(by_hour.items())])
    return StagedDay(external_id, links[external_id], date, DayState.COMPLETE, total, total, 1, 1, text)


def doubts(chain, date, days) -> dict[str, str]:
    """{source id: code} of the night after the date, to which everything is new."""
    connection, links, _days = chain
    judge = Judge(connection, [date], accepted=[], only=None, today=TODAY)
    judge.old = {}
    found = judge.judge({date: days}, links, {}).doubts
    return {external_id: doubt.code for (external_id, _date), doubt in found.items()}


@pytest.mark.django_db
def test_ninety_nights_of_a_true_chain_raise_no_doubt_and_half_a_day_does(chain):
    _connection, _links, days = chain
    torn = seen = 0
    for date in DAYS:
        assert doubts(chain, date, days[date]) == {}, date
        found = doubts(chain, date, [_until_half(day) for day in days[date]])
        assert set(found.values()) <= {"early", "collapsed"}
        torn, seen = torn + len(days[date]), seen + len(found)
    # Nothing can be said of feasts, of their eves, and of a branch that was closed for weeks.
    assert torn > 6 * NIGHTS and seen / torn > 0.75


def _until_half(day: StagedDay) -> StagedDay:
    kept, total = [], Decimal(0)
    for hour in sorted(json.loads(day.hours), key=lambda hour: _lived(hour[0])):
        if kept and total + Decimal(hour[1]) > day.revenue / 2:
            break
        kept.append(hour)
        total += Decimal(hour[1])
    return day._replace(revenue=total, gross=total, hours=json.dumps(kept))


@pytest.mark.unit
@pytest.mark.parametrize("name", ["french_bakery", "maven_coffee"])
def test_no_day_of_a_public_set_is_doubted(shared_data, name):
    frame = pd.read_csv(shared_data / f"{name}_hourly.csv.gz", parse_dates=["date"])
    days = {
        key: [(int(hour), Decimal(str(round(sold, 2)))) for hour, sold in zip(rows["hour"], rows["y"], strict=True)]
        for key, rows in frame[frame["y"] != 0].groupby(["series_id", "date"])
    }
    sums = {key: sum(sold for _hour, sold in day) for key, day in days.items()}
    for (series, date), day in days.items():
        before = [key for week in range(1, 9) if (key := (series, date - pd.Timedelta(weeks=week))) in days]
        if (
            len(before) >= 4
            and sums[series, date] < Decimal("0.75") * sorted(sums[key] for key in before)[len(before) // 2]
        ):
            assert not stops_early(day, [days[key] for key in before]), date
