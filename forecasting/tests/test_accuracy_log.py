"""The accuracy log: promises beside what was sold, kept as they were made, following the sales as those settle."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from departments.models import Connection, Holiday
from forecasting.accuracy import readings
from forecasting.measure import due_dates, measure
from forecasting.models import Accuracy, Forecast, ForecastIssue
from sales.choices import DayState
from sales.models import SalesSummary, SourceDay
from tests.world import HOURS, World, restate

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
SOLD = sum(HOURS.values())


def later_issue(world: World, made_on: dt.date, value: int) -> ForecastIssue:
    """An issue of that morning for the cafe, with the same value on all days up to yesterday."""
    issue = ForecastIssue.objects.create(
        organisation=world.organisation,
        version=world.version,
        made_at=timezone.make_aware(dt.datetime.combine(made_on, dt.time(2, 30))),
        promised_on=made_on,
        data_as_of=made_on - dt.timedelta(days=1),
        origin="nightly",
    )
    Forecast.objects.bulk_create(
        Forecast(
            issue=issue, department=world.cafe, date=date, cutoff=issue.data_as_of, horizon=(date - made_on).days + 1,
            lead_days=(date - made_on).days, predicted_sales=value, lower_80=value - 1, upper_80=value + 1,
            lower_95=value - 2, upper_95=value + 2,
        )
        for date in world.days if date >= made_on
    )  # fmt: skip
    return issue


def promised(world: World, date: dt.date) -> dict[int, Decimal]:
    rows = Accuracy.objects.filter(department=world.cafe, date=date)
    return dict(rows.values_list("horizon", "predicted_sales"))


def test_each_number_of_days_before_has_the_newest_promise_made_by_then(world: World):
    last = world.days[-1]
    first_promise = Forecast.objects.get(issue=world.issue, department=world.cafe, date=last).predicted_sales
    later_issue(world, last - dt.timedelta(days=4), 500)
    later_issue(world, last - dt.timedelta(days=2), 700)
    later_issue(world, last, 900)  # on the day itself nothing is promised any more
    measure(world.organisation)
    assert promised(world, last) == {
        1: 700,
        2: 700,
        3: 500,
        4: 500,
        5: first_promise,
        6: first_promise,
        7: first_promise,
    }
    assert promised(world, last) == {
        horizon: Forecast.objects.filter(department=world.cafe, date=last).as_promised(horizon).get().predicted_sales
        for horizon in range(1, 8)
    }


def test_measuring_again_changes_nothing(world: World):
    assert measure(world.organisation) == 3 * sum(range(1, 8))
    assert measure(world.organisation) == 0
    assert due_dates(world.organisation) == world.days  # nobody said that they have settled


def test_what_has_settled_is_not_looked_at_again_until_it_is_restated(world: World):
    till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
    SalesSummary.objects.filter(organisation=world.organisation).update(connection=till)
    for date in world.days:
        SourceDay.objects.create(organisation=world.organisation, connection=till, date=date, is_settled=True)
    measure(world.organisation)
    assert due_dates(world.organisation) == []
    day = world.days[2]
    restate(world.cafe, day, by=Decimal(1000))
    SalesSummary.objects.filter(department=world.cafe, date=day).update(updated_at=timezone.now())
    assert due_dates(world.organisation) == [day]
    before = promised(world, day)
    assert measure(world.organisation) == 3  # one row for each of the three days before
    rows = Accuracy.objects.filter(department=world.cafe, date=day)
    assert set(rows.values_list("actual", "state")) == {(SOLD + 1000, DayState.RESTATED)}
    assert promised(world, day) == before
    SalesSummary.objects.filter(department=world.cafe, date=day).delete()
    assert due_dates(world.organisation) == [day]
    measure(world.organisation)
    assert set(rows.values_list("actual", "state")) == {(None, "")}


def test_a_promise_in_the_log_outlives_its_issue_and_is_not_improved_afterwards(world: World):
    measure(world.organisation)
    before = promised(world, world.days[-1])
    later_issue(world, world.days[-3], 1)
    Forecast.objects.filter(issue=world.issue, date=world.days[-2]).delete()
    measure(world.organisation)
    assert promised(world, world.days[-1]) == before
    assert promised(world, world.days[-2])


def test_days_that_are_not_believed_are_left_out_and_counted(world: World):
    measure(world.organisation)
    (all_of_it,) = readings(Accuracy.objects.visible_to(world.manager).filter(horizon=1))
    assert (all_of_it.n, all_of_it.left_out) == (12, 2)  # the bar: one suspicious, one missing
    by_department = {reading.key: reading for reading in readings(_own(world).filter(horizon=1), "department")}
    assert by_department[world.bar.pk].left_out == 2 and by_department[world.cafe.pk].left_out == 0


def _own(world: World):
    return Accuracy.objects.filter(organisation=world.organisation)


def test_readings_are_what_one_reckons_by_hand(world: World):
    measure(world.organisation)
    rows = Accuracy.objects.filter(department=world.cafe, horizon=1)
    (reading,) = readings(rows)
    errors = [float(row.predicted_sales - row.actual) for row in rows]
    assert reading.wape == pytest.approx(sum(map(abs, errors)) / (7 * float(SOLD)))
    assert reading.bias == pytest.approx(sum(errors) / (7 * float(SOLD)))
    inside = [row.lower_80 <= row.actual <= row.upper_80 for row in rows]
    assert reading.coverage_80 == pytest.approx(sum(inside) / 7)
    assert reading.width_95 == pytest.approx(sum(float(r.upper_95 - r.lower_95) for r in rows) / (7 * float(SOLD)))
    from forecasting.engine import metrics

    y = [float(row.actual) for row in rows]
    low, high = ([float(getattr(row, name)) for row in rows] for name in ("lower_80", "upper_80"))
    expected = (metrics.pinball(y, low, 0.1) + metrics.pinball(y, high, 0.9)) / 2
    assert reading.pinball_80 == pytest.approx(expected)
    assert (reading.naive_wape, reading.mase) == (None, None)  # a week of sales has no week before it


def test_repeating_last_week_stands_beside_as_it_was_known_at_the_cutoff(world: World):
    week = dt.timedelta(days=7)
    # The promise was made on the morning before the first day: what it could repeat lies a week before each day.
    for number, day in enumerate(world.days):
        for back in (1, 2):
            SalesSummary.objects.create(
                organisation=world.organisation, department=world.cafe, date=day - back * week,
                total_sales=1000 * back + number, **dict.fromkeys(["created_at", "updated_at", "synced_at"], timezone.now()),
            )  # fmt: skip
    measure(world.organisation)
    rows = Accuracy.objects.filter(department=world.cafe, horizon=1).order_by("date")
    cutoff = world.issue.data_as_of
    expected = [1000 + n if day - week <= cutoff else 2000 + n for n, day in enumerate(world.days)]
    assert [row.naive for row in rows] == expected
    assert set(rows.values_list("scale", flat=True)) == {1000.0}
    (reading,) = readings(rows)
    assert reading.naive_wape == pytest.approx(1 - sum(expected) / (7 * float(SOLD)))
    assert reading.mase == pytest.approx(sum(abs(float(r.predicted_sales - r.actual)) for r in rows) / 7 / 1000)


def test_groups(world: World):
    Holiday.objects.create(organisation=world.organisation, date=world.days[0], key="new_year", name="New Year")
    measure(world.organisation)
    rows = _own(world)
    counts = {
        by: {reading.key: reading.n for reading in readings(rows, by)}
        for by in ("horizon", "weekday", "holiday", "segment")
    }
    assert counts["horizon"] == {1: 19, 2: 16, 3: 13, 4: 10, 5: 7, 6: 4, 7: 2}
    assert sum(counts["weekday"].values()) == sum(counts["horizon"].values()) and len(counts["weekday"]) == 7
    assert counts["holiday"]["holiday"] == 3
    assert set(counts["segment"]) == {"bakery", "bar", "coffeehouse"}


def test_nobody_reads_of_branches_that_are_not_theirs(world: World):
    measure(world.organisation)
    measure(world.other_organisation)
    seen = Accuracy.objects.visible_to(world.manager).values_list("department", flat=True)
    assert set(seen) == {world.cafe.pk, world.bar.pk}
