"""A small chain, and the places where a difference of one tiyn, or less, may hide in it."""

import datetime as dt
import random
import uuid
from decimal import Decimal

from django.utils import timezone

from sales.models import ObservedDay, SalesByHour, SalesSummary
from sources.simulator.worlds.base import Cell

LAST = timezone.localdate() - dt.timedelta(days=5)
FIRST = LAST - dt.timedelta(days=20)
SHOPS = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"shop {n}")) for n in range(4)]
TIYN, LEAST = Decimal("0.01"), Decimal("0.0001")


def sold() -> list[Cell]:
    """Three hours of each shop on each of the dates."""
    chance = random.Random(7)
    return [
        Cell(
            shop,
            FIRST + dt.timedelta(days=n),
            hour,
            Decimal(chance.randrange(10**6, 10**7)) / 100,
            Decimal(10**5),
            3,
            4,
        )
        for n in range(21)
        for shop in SHOPS
        for hour in (9, 13, 20)
    ]


# Each changes one figure somewhere and returns its business date.


def observed_day(chance, till):
    day = chance.choice(ObservedDay.objects.order_by("date", "external_id"))
    ObservedDay.objects.filter(pk=day.pk).update(revenue=day.revenue + TIYN)
    return day.date


def observed_hour_twice(chance, till):
    day = chance.choice(ObservedDay.objects.order_by("date", "external_id"))
    ObservedDay.objects.filter(pk=day.pk).update(hours=[*day.hours, day.hours[-1]])
    return day.date


def observed_hour(chance, till):
    day = chance.choice(ObservedDay.objects.order_by("date", "external_id"))
    day.hours[1][1] = str(Decimal(day.hours[1][1]) - LEAST)
    ObservedDay.objects.filter(pk=day.pk).update(hours=day.hours)
    return day.date


def published_day(chance, till):
    day = chance.choice(SalesSummary.objects.order_by("pk"))
    SalesSummary.objects.filter(pk=day.pk).update(total_sales=day.total_sales - TIYN)
    return day.date


def published_hour(chance, till):
    hour = chance.choice(SalesByHour.objects.order_by("pk"))
    SalesByHour.objects.filter(pk=hour.pk).update(gross=hour.gross + LEAST)
    return hour.date


def lost_hour(chance, till):
    hour = chance.choice(SalesByHour.objects.order_by("pk"))
    hour.delete()
    return hour.date


def invented_hour(chance, till):
    hour = chance.choice(SalesByHour.objects.order_by("pk"))
    hour.pk, hour.hour = None, 3
    hour.save(force_insert=True)
    return hour.date


def lost_day(chance, till):
    day = chance.choice(SalesSummary.objects.order_by("pk"))
    SalesSummary.objects.filter(pk=day.pk).delete()
    return day.date


def receipts(chance, till):
    day = chance.choice(SalesSummary.objects.order_by("pk"))
    SalesSummary.objects.filter(pk=day.pk).update(orders=day.orders + 1)
    return day.date


def the_source(chance, till):
    place = chance.randrange(len(till.world.rows))
    row = till.world.rows[place]
    till.world.rows[place] = row._replace(revenue=row.revenue + TIYN)
    return row.date


HIDING_PLACES = [
    observed_day,
    observed_hour,
    observed_hour_twice,
    published_day,
    published_hour,
    lost_hour,
    invented_hour,
    lost_day,
    receipts,
    the_source,
]
