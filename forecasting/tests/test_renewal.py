"""A closure or a promotion that somebody enters by day is in the forecasts within minutes."""

import datetime as dt

import pytest
from django.utils import timezone

from departments.changes import as_kept, note
from departments.models import Change, Closure, Event, Holiday
from forecasting.renewal import QUIET, keep_calendar
from runs.choices import State, Trigger
from runs.models import Run
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
DAY = dt.timedelta(days=1)


def enter(world: World, row, *, ago: dt.timedelta = QUIET, **changed):
    """Somebody saved `row` so long `ago`; with `changed`, that is what was changed of it."""
    before = as_kept(row) if row.pk and changed else None
    for name, value in changed.items():
        setattr(row, name, value)
    row.save()
    change = note(row, before=before, by=world.manager)
    Change.objects.filter(pk=change.pk).update(at=timezone.now() - ago)
    return row


def closure(world: World, first: dt.date, last: dt.date | None) -> Closure:
    return Closure(organisation=world.organisation, department=world.cafe, first=first, last=last)


def event(world: World, first: dt.date) -> Event:
    return Event(organisation=world.organisation, name="Two for one", first=first, last=first + 6 * DAY)


def forecasts() -> list[Run]:
    return list(Run.objects.filter(kind="forecast").order_by("id"))


@pytest.mark.parametrize(
    "row",
    [
        lambda world: closure(world, world.today + DAY, world.today + 3 * DAY),
        lambda world: closure(world, world.today - DAY, None),
        lambda world: event(world, world.today + DAY),
        lambda world: Holiday(organisation=world.organisation, date=world.today + DAY, key="feast", name="Feast"),
    ],
    ids=["closed ahead", "closed until further notice", "promotion", "holiday"],
)
def test_what_is_entered_of_the_days_ahead_is_forecast_without_waiting_for_the_night(world: World, row):
    keep_calendar()
    assert not forecasts()
    enter(world, row(world))
    keep_calendar()
    keep_calendar()
    (run,) = forecasts()
    assert run.organisation == world.organisation and run.trigger == Trigger.CALENDAR


def test_a_branch_that_is_switched_off_or_opens_is_told_too(world: World):
    enter(world, world.cafe, is_active=False)
    keep_calendar()
    assert len(forecasts()) == 1


def test_what_is_taken_out_of_the_calendar_is_forecast_anew(world: World):
    row = closure(world, world.today + DAY, world.today + 2 * DAY)
    row.save()
    note(row, before=as_kept(row), by=world.manager, gone=True)
    Change.objects.update(at=timezone.now() - QUIET)
    keep_calendar()
    assert len(forecasts()) == 1


def test_who_enters_one_closure_enters_more(world: World):
    enter(world, closure(world, world.today + DAY, None), ago=2 * QUIET)
    enter(world, event(world, world.today + DAY), ago=QUIET / 2)
    keep_calendar()
    assert not forecasts()


@pytest.mark.parametrize(
    "entered",
    [
        lambda world: enter(world, closure(world, world.today - 9 * DAY, world.today - 8 * DAY)),
        lambda world: enter(world, world.cafe, name="Cafe on Abay, 12"),
        lambda world: enter(world, world.foreign, name="Foreign"),
    ],
    ids=["past", "a branch's name", "another chain's"],
)
def test_what_says_nothing_of_the_days_ahead_changes_no_forecast(world: World, entered):
    entered(world)
    keep_calendar()
    assert not forecasts()


def test_another_name_of_a_promotion_changes_no_forecast(world: World):
    row = event(world, world.today + DAY)
    row.save()
    enter(world, row, name="Three for one")
    keep_calendar()
    assert not forecasts()
    enter(world, row, strength=2.0)
    keep_calendar()
    assert len(forecasts()) == 1


def test_forecasts_made_since_know_it(world: World):
    enter(world, event(world, world.today + DAY), ago=QUIET)
    world.issue.made_at = timezone.now()
    world.issue.save()
    keep_calendar()
    assert not forecasts()


@pytest.mark.parametrize("kind", ["nightly", "train", "forecast"])
def test_it_waits_for_what_is_being_made(world: World, kind: str):
    enter(world, event(world, world.today + DAY))
    before = timezone.now() - dt.timedelta(hours=1)
    run = Run.objects.create(organisation=world.organisation, kind=kind, state=State.RUNNING)
    Run.objects.filter(pk=run.pk).update(created_at=before)
    keep_calendar()
    assert not Run.objects.filter(trigger=Trigger.CALENDAR).exists()
    Run.objects.filter(pk=run.pk).update(state=State.DONE)
    keep_calendar()
    assert Run.objects.filter(trigger=Trigger.CALENDAR).exists()


def test_what_failed_is_not_begun_again_and_again(world: World):
    enter(world, event(world, world.today + DAY))
    keep_calendar()
    Run.objects.filter(kind="forecast").update(state=State.FAILED)
    keep_calendar()
    assert len(forecasts()) == 1
    enter(world, event(world, world.today + 9 * DAY))
    Run.objects.filter(kind="forecast").update(created_at=timezone.now() - dt.timedelta(hours=1))
    keep_calendar()
    assert len(forecasts()) == 2


def test_a_chain_without_a_serving_model_has_nothing_to_renew(world: World):
    world.issue.delete()
    enter(world, event(world, world.today + DAY))
    keep_calendar()
    assert not forecasts()
