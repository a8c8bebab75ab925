"""Why a forecast is what it is: money by reason, kept for the newest issues and told in sentences."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext

from accounts.formats import amount, deviation
from departments.models import Event, Holiday
from departments.querysets import CalendarQuerySet
from forecasting.models import Forecast, ForecastIssue, Reasons
from forecasting.thinning import whole_issues

# In the order of engine.explain.REASONS, which a web process does not import.
REASONS = ("level", "weekday", "season", "feast", "trend", "promotion", "rest")


@dataclass(frozen=True)
class Reason:
    """`amount` is money, `text` the sentence for it in the reader's language."""

    code: str
    amount: Decimal
    text: str


def reasons_of(forecast: Forecast) -> list[Reason] | None:
    """The reasons that are not nothing, the level first, then the largest; None if they are no longer kept.

    They add up to the forecast. A day forecast as closed has none.
    """
    kept = Reasons.objects.filter(issue=forecast.issue_id, department=forecast.department_id).first()
    if kept is None:
        return None
    amounts = dict(zip(REASONS, map(Decimal, kept.by_date.get(forecast.date.isoformat(), [])), strict=False))
    level = [(code, value) for code, value in amounts.items() if code == "level"]
    others = sorted(((code, value) for code, value in amounts.items() if code != "level"), key=lambda r: -abs(r[1]))
    named = {"feast": _feast(forecast), "promotion": _promotion(forecast)}
    return [
        Reason(code, value, _sentence(code, value, forecast.date, named)) for code, value in level + others if value
    ]


def forget_old_reasons(newest: ForecastIssue) -> None:
    """Keep the reasons of the organisation's newest issues only."""
    kept = whole_issues(newest.organisation)
    Reasons.objects.filter(issue__organisation=newest.organisation_id).exclude(issue__in=kept).delete()


def as_text(parts: np.ndarray) -> list[str]:
    return [f"{part:.2f}" for part in parts]


def _feast(forecast: Forecast) -> str:
    """The holidays of the day that the forecast knew of, feasts before days off; empty if there is none."""
    found = _holidays(forecast)
    for effect in (Holiday.Effect.FEAST, Holiday.Effect.DAY_OFF):
        if names := found.filter(effect=effect).order_by("name").values_list("name", flat=True):
            return ", ".join(names)
    return ""


def _promotion(forecast: Forecast) -> str:
    """The events and periods of the day and branch that the forecast knew of."""
    events = Event.objects.filter(
        Q(department=None) | Q(department=forecast.department_id),
        organisation=forecast.department.organisation_id,
        first__lte=forecast.date,
        last__gte=forecast.date,
    ).known_on(forecast.issue.promised_on)
    periods = _holidays(forecast).filter(effect=Holiday.Effect.PERIOD)
    return ", ".join(sorted({*events.values_list("name", flat=True), *periods.values_list("name", flat=True)}))


def _holidays(forecast: Forecast) -> CalendarQuerySet:
    found = Holiday.objects.filter(organisation=forecast.department.organisation_id, date=forecast.date)
    return found.known_on(forecast.issue.promised_on)


def _sentence(code: str, value: Decimal, date: dt.date, named: dict[str, str]) -> str:
    """`named`: what the calendar has of the day, by reason."""
    up = value > 0
    params = {
        "amount": amount(value) if code == "level" else deviation(value),
        "weekday": date_format(date, "l"),
        "feast": named["feast"],
        "event": named["promotion"],
    }
    if code == "level":
        text = gettext("The usual level of these weeks: %(amount)s.")
    elif code == "weekday":
        text = (
            gettext("%(weekday)s is stronger than the average day: %(amount)s.")
            if up
            else gettext("%(weekday)s is weaker than the average day: %(amount)s.")
        )
    elif code == "season":
        text = (
            gettext("The time of the year raises sales: %(amount)s.")
            if up
            else gettext("The time of the year lowers sales: %(amount)s.")
        )
    elif code == "feast" and named["feast"]:
        text = (
            gettext("The holiday (%(feast)s) raises sales: %(amount)s.")
            if up
            else gettext("The holiday (%(feast)s) lowers sales: %(amount)s.")
        )
    elif code == "feast":
        text = gettext("Holidays near this day, or none of them: %(amount)s.")
    elif code == "trend":
        text = (
            gettext("Sales have been rising lately: %(amount)s.")
            if up
            else gettext("Sales have been falling lately: %(amount)s.")
        )
    elif code == "promotion" and named["promotion"]:
        text = (
            gettext("A promotion or event (%(event)s) raises sales: %(amount)s.")
            if up
            else gettext("A promotion or event (%(event)s) lowers sales: %(amount)s.")
        )
    elif code == "promotion":
        text = gettext("Promotions and events near this day, or none of them: %(amount)s.")
    else:
        text = gettext("Everything else: %(amount)s.")
    return text % params
