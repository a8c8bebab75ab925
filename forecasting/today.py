"""Today from the hours already loaded: what of the morning's forecast is left, and what mornings tell of afternoons."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from departments.models import Department
from forecasting.aggregate import BOUNDS
from forecasting.engine.rest import Mornings, rest_of_day
from forecasting.models import Forecast
from runs import clock
from sales.choices import DayState
from sales.hours import open_hours
from sales.models import SalesByHour, SalesSummary
from sales.money import CENT


@dataclass(frozen=True)
class Today:
    """`hours`: 24 amounts by the clock, those before the hour of `as_of` as they were sold; they add up to `predicted`."""

    as_of: dt.datetime
    sold: Decimal
    predicted: Decimal
    bounds: dict[str, Decimal]
    hours: list[Decimal]
    done: list[int]

    @property
    def clock(self) -> str:
        """On the wall of the branch."""
        return f"{self.as_of:%H:%M}"


def rest_of_today(department: Department, forecast: Forecast) -> Today | None:
    """The morning's forecast with the hours that are over, as of the last load.

    None unless the forecast is of today, the day is still being sold, and at least one hour of it is over and loaded.
    """
    zone = ZoneInfo(department.time_zone or department.organisation.time_zone)
    day = SalesSummary.objects.filter(department=department, date=forecast.date, state=DayState.OPEN_SHIFT).first()
    if day is None or not forecast.hours or clock.now().astimezone(zone).date() != forecast.date:
        return None
    as_of = day.synced_at.astimezone(zone)
    expected = [Decimal(text) for text in forecast.hours]
    rows = SalesByHour.objects.filter(department=department, date=forecast.date).values_list("hour", "sales_amount")
    sold = {hour: amount for hour, amount in rows if amount is not None}
    # Hours after midnight belong to the evening: the day begins where its branch opens.
    start = next(iter(open_hours([bool(amount) or hour in sold for hour, amount in enumerate(expected)])), 0)
    now = (as_of.hour - start) % 24
    done = [(start + place) % 24 for place in range(now)]
    if as_of.date() != forecast.date or not any(hour in sold for hour in done):
        return None
    told = forecast.issue.version.manifest.get("mornings") or {"power": [0.0] * 24, "uncertainty": [1.0] * 24}
    made, _total, ends = rest_of_day(
        Mornings(*(np.roll(told[name], -start) for name in ("power", "uncertainty"))),
        np.array([float(forecast.predicted_sales)]),
        {side: np.array([float(getattr(forecast, name))]) for side, name in BOUNDS.items()},
        np.roll([[float(amount) for amount in expected]], -start, axis=1),
        np.roll([[float(sold.get(hour, 0)) for hour in range(24)]], -start, axis=1),
        now,
    )
    rest = np.roll(made[0], start)
    hours = [
        # What the running hour has sold already is not taken back.
        sold.get(hour, Decimal(0)) if hour in done else max(_cents(rest[hour]), sold.get(hour, Decimal(0)))
        for hour in range(24)
    ]
    predicted, so_far = sum(hours, Decimal(0)), sum(sold.values(), Decimal(0))
    bounds = {name: max(_cents(ends[side][0]), so_far) for side, name in BOUNDS.items()}
    for name, bound in bounds.items():
        bounds[name] = min(bound, predicted) if name.startswith("lower") else max(bound, predicted)
    return Today(as_of, so_far, predicted, bounds, hours, done)


def _cents(amount: float) -> Decimal:
    return Decimal(repr(float(amount))).quantize(CENT)
