"""Items of branches from the database to an issue, and what came of it."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from departments.models import Department
from forecasting.bake import bake_list, sells_items
from forecasting.engine.item_levels import HORIZON, TOLERANCE
from forecasting.item_issue import make_item_issue, replay_items, start_item_forecast
from forecasting.item_measure import accuracy_of, forget_old_issues, measure_items
from forecasting.models import Forecast, ItemAccuracy, ItemAgreement, ItemForecast, ItemIssue
from forecasting.tests.bakery import UNITS, Bakery, open_bakery, promise_items, sell_items
from forecasting.tests.chain import CUTOFF
from items.models import ItemDay, ProductDay
from runs.choices import State
from runs.ledger import run_now
from sales.choices import DayState
from sales.models import SalesSummary
from tests.world import forecast

pytestmark = pytest.mark.django_db
MORNING = dt.datetime.combine(CUTOFF + dt.timedelta(days=1), dt.time(3), dt.UTC)
TOMORROW = CUTOFF + dt.timedelta(days=2)


@pytest.fixture
def bakery() -> Bakery:
    return open_bakery(days=60, departments=2)


def issue_of(bakery: Bakery) -> ItemIssue:
    issue = make_item_issue(bakery.organisation, origin="nightly", made_at=MORNING)
    assert issue is not None
    return issue


def told_by(issue: ItemIssue) -> list[tuple[list, list]]:
    return list(issue.forecasts.order_by("department", "product").values_list("expected", "quantiles"))


def test_each_product_of_each_branch_is_forecast_for_two_weeks_and_agrees_with_its_branch(bakery):
    forecast(bakery.departments, made_on=CUTOFF + dt.timedelta(days=1), last=CUTOFF + dt.timedelta(days=HORIZON))
    for department in bakery.departments:  # the branch is expected to sell a tenth more than it did
        usual = SalesSummary.objects.filter(department=department).order_by("-date")[:28]
        Forecast.objects.filter(department=department).update(
            predicted_sales=sum(day.total_sales for day in usual) / 28 * Decimal("1.1")
        )
    issue = issue_of(bakery)
    assert (issue.data_as_of, issue.promised_on, issue.horizon) == (CUTOFF, CUTOFF + dt.timedelta(days=2), HORIZON)
    assert issue.forecasts.count() == 2 * len(UNITS)
    row = ItemForecast.objects.get(department=bakery.departments[0], product=bakery.products["Baguette"])
    assert len(row.expected) == len(row.quantiles) == HORIZON
    assert 30 < row.expected[0] < 70 and row.price == 300
    for agreed in issue.agreements.all():
        pairs = zip(agreed.found, agreed.wanted, agreed.factor, strict=True)
        off = [(abs(float(found) / float(wanted) - 1), factor) for found, wanted, factor in pairs]
        assert any(factor != 1 for _miss, factor in off)
        assert all(miss <= TOLERANCE + 0.001 or factor in (0.8, 1.25) for miss, factor in off), off


def test_items_that_are_days_behind_are_forecast_from_there_and_older_ones_not_at_all(bakery):
    behind, gone = bakery.departments
    for department, days in ((behind, 3), (gone, 9)):
        for rows in (ItemDay, ProductDay):
            rows.objects.filter(department=department, date__gt=CUTOFF - dt.timedelta(days=days)).delete()
    issue = issue_of(bakery)
    assert [(row.department_id, row.cutoff) for row in issue.agreements.all()] == [
        (behind.pk, CUTOFF - dt.timedelta(days=3))
    ]
    assert bake_list(gone, TOMORROW) is None


def test_a_weekday_on_which_a_branch_is_shut_bakes_nothing(bakery):
    shut, other = bakery.departments
    for rows in (ItemDay, ProductDay, SalesSummary):
        rows.objects.filter(department=shut, date__iso_week_day=6).delete()
    issue = issue_of(bakery)
    saturdays = [ahead for ahead in range(HORIZON) if (CUTOFF + dt.timedelta(days=ahead + 1)).isoweekday() == 6]
    for row in issue.forecasts.filter(product=bakery.products["Baguette"]):
        zero = [ahead for ahead in range(HORIZON) if row.expected[ahead] == row.quantiles[ahead][-1] == 0]
        assert zero == (saturdays if row.department == shut else []), row.department


def test_a_day_that_is_not_believed_teaches_nothing(bakery):
    honest = issue_of(bakery)
    day = CUTOFF - dt.timedelta(days=5)
    SalesSummary.objects.filter(department=bakery.departments[0], date=day).update(state=DayState.SUSPICIOUS)
    doubted = issue_of(bakery)
    ProductDay.objects.filter(department=bakery.departments[0], date=day).update(quantity=999_999)
    again = issue_of(bakery)
    assert told_by(doubted) == told_by(again) != told_by(honest)


def test_without_items_nothing_is_forecast_and_nothing_is_a_failure():
    bakery = open_bakery(days=1, departments=1)
    for rows in (ItemDay, ProductDay):
        rows.objects.all().delete()
    assert not sells_items(bakery.organisation)
    run = run_now(start_item_forecast(organisation=bakery.organisation, trigger="command")[0])
    assert (run.state, run.errors[0]["code"]) == (State.DONE, "no_items")


def test_a_run_measures_forecasts_and_forgets(bakery, monkeypatch):
    with time_machine.travel(MORNING, tick=False):
        assert sells_items(bakery.organisation)
        run = run_now(start_item_forecast(organisation=bakery.organisation, trigger="schedule")[0])
    assert run.state == State.DONE, run.errors
    assert run.counts["forecasts"] == 2 * len(UNITS)
    assert ItemIssue.objects.get().origin == "nightly"


def test_a_replayed_morning_knows_what_was_known_then_and_no_later_forecast_of_the_branch(bakery):
    cafe = bakery.departments[0]
    then, later = CUTOFF - dt.timedelta(days=1), CUTOFF + dt.timedelta(days=1)
    assert replay_items(bakery.organisation, 1) == 1
    assert replay_items(bakery.organisation, 1) == 0
    honest = ItemIssue.objects.get(data_as_of=then)
    assert (honest.origin, honest.promised_on) == ("replay", then + dt.timedelta(days=1))
    told = told_by(honest)
    ProductDay.objects.filter(department=cafe, date__gt=then).update(quantity=9_999)
    forecast([cafe], made_on=later, last=later + dt.timedelta(days=20))
    ItemIssue.objects.all().delete()
    replay_items(bakery.organisation, 1)
    again = ItemIssue.objects.get(data_as_of=then)
    assert told_by(again) == told
    assert [row.wanted for row in again.agreements.all()] == [[None] * HORIZON] * 2


def sold_day(bakery: Bakery, department: Department, date: dt.date, **units: int) -> None:
    ItemDay.objects.filter(department=department, date=date).delete()
    ProductDay.objects.filter(department=department, date=date).delete()
    sell_items(bakery, department, date, units)


def test_a_promise_is_measured_against_every_product_that_was_forecast_or_sold(bakery):
    cafe, other = bakery.departments
    date, week_before = CUTOFF - dt.timedelta(days=1), CUTOFF - dt.timedelta(days=8)
    levels = [8.0, 9, 10, 10, 11, 11, 12, 13, 14]
    baguette, croissant = bakery.products["Baguette"], bakery.products["Croissant"]
    promise_items(cafe, date - dt.timedelta(days=1), {baguette: (10.0, levels), croissant: (10.0, levels)})
    sold_day(bakery, cafe, date, Baguette=12, Eclair=3)
    sold_day(bakery, cafe, week_before, Baguette=15, Quiche=1)
    with time_machine.travel(MORNING, tick=False):
        assert measure_items(bakery.organisation) == 2  # the day asked for and the next, of the one branch
        row = ItemAccuracy.objects.get(department=cafe, date=date, horizon=1)
        assert (row.counted, row.held) == (2, 1)
        assert (row.sold, row.expected, row.missed) == (15, 20, 2 + 10 + 3)
        assert row.naive_missed == 3 + 3 + 1
        assert not ItemAccuracy.objects.filter(department=other).exists()
        ItemAccuracy.objects.exclude(pk=row.pk).delete()
        assert accuracy_of(cafe) == {
            "days": 1, "wape": 1.0, "naive": 7 / 15, "bias": pytest.approx(1 / 3), "coverage80": 0.5
        }  # fmt: skip
    assert accuracy_of(other) is None


def test_a_day_is_measured_once_and_again_when_its_sales_change(bakery):
    cafe = bakery.departments[0]
    date = CUTOFF
    promise_items(cafe, date - dt.timedelta(days=1), {bakery.products["Baguette"]: (10.0, [10.0] * 9)})
    ItemDay.objects.update(updated_at=MORNING - dt.timedelta(days=1))
    with time_machine.travel(MORNING, tick=False):
        assert measure_items(bakery.organisation) == 1
        assert measure_items(bakery.organisation) == 0
        ProductDay.objects.filter(department=cafe, date=date, product=bakery.products["Baguette"]).update(quantity=10)
        ItemDay.objects.filter(department=cafe, date=date).update(updated_at=timezone.now() + dt.timedelta(seconds=1))
        assert measure_items(bakery.organisation) == 1
    row = ItemAccuracy.objects.get(department=cafe, date=date, horizon=1)
    assert row.held == 1


def test_old_issues_go_once_there_are_newer_ones(bakery):
    cafe = bakery.departments[0]
    days = [CUTOFF - dt.timedelta(days=back) for back in range(20)]
    for day in reversed(days):
        promise_items(cafe, day, {bakery.products["Baguette"]: (1.0, [1.0] * 9)})
    with time_machine.travel(MORNING, tick=False):
        assert forget_old_issues(bakery.organisation) == 6
        assert forget_old_issues(bakery.organisation) == 0
    kept = ItemIssue.objects.order_by("promised_on")
    assert kept.first().promised_on == days[13]
    assert ItemForecast.objects.count() == ItemAgreement.objects.count() == 14
