"""Forecasts made anew once people have changed what is known of the days ahead: a closure or a promotion waits for no night."""

import datetime as dt
from typing import Any

from accounts.models import Organisation
from departments.models import Change
from departments.timing import organisation_today
from forecasting.bake import sells_items
from forecasting.choices import Origin
from forecasting.item_issue import start_item_forecast
from forecasting.models import ForecastIssue, ModelVersion
from forecasting.predict import start_forecast
from runs import clock
from runs.choices import Trigger
from runs.models import Run

QUIET = dt.timedelta(minutes=2)  # after the last change: who enters one closure enters more
TELLING = ("is_active", "opened_on", "closed_on", "season_start_date", "season_end_date", "currency", "organisation_id")
ENDS = {Change.Of.EVENT: "last", Change.Of.CLOSURE: "last", Change.Of.HOLIDAY: "date"}
WORDS = {"name", "reason"}  # for people alone
MAKING = ("nightly", "train", "forecast")  # runs that read the calendar themselves, or must come first


def keep_calendar() -> None:
    """Called by the keeper: forecast anew where the calendar ahead has changed since the newest forecasts and rests now."""
    for version in ModelVersion.objects.serving().select_related("organisation"):
        if _is_due(version.organisation):
            start_forecast(organisation=version.organisation, trigger=Trigger.CALENDAR)


def renew_items(organisation: Organisation) -> None:
    """Products follow their branches' forecasts."""
    if sells_items(organisation):
        start_item_forecast(organisation=organisation, trigger=Trigger.CALENDAR)


def _is_due(organisation: Organisation) -> bool:
    newest = ForecastIssue.objects.filter(organisation=organisation).exclude(origin=Origin.REPLAY).first()
    if newest is None:
        return False
    changed = _changed_at(organisation, newest.made_at)
    if changed is None or clock.now() - changed < QUIET:
        return False
    runs = Run.objects.filter(organisation=organisation, kind__in=MAKING)
    # One that failed is not begun again and again: its error stands in the runs, and the night comes.
    return not runs.unfinished().exists() and not runs.filter(kind="forecast", created_at__gte=changed).exists()


def _changed_at(organisation: Organisation, since: dt.datetime) -> dt.datetime | None:
    """When somebody last changed, after `since`, what forecasts of the days ahead are made from."""
    today = organisation_today(organisation).isoformat()
    for change in Change.objects.filter(organisation=organisation, at__gt=since).order_by("-id").iterator(500):
        if _tells(change, today):
            return change.at
    return None


def _tells(change: Change, today: str) -> bool:
    sides: list[dict[str, Any]] = [side for side in (change.before, change.after) if side]
    if change.kind == Change.Of.DEPARTMENT:
        return any(name in side for side in sides for name in TELLING)
    end = ENDS.get(Change.Of(change.kind))
    if end is None:
        return False
    if all(side.keys() <= WORDS for side in sides):
        return False
    # Only the columns that changed are there: without the end it may reach into the days ahead.
    return any(side.get(end) is None or side[end] >= today for side in sides)
