"""What the panel says of the calendar: which days of which branches are marked, and by what."""

import datetime as dt

import pytest

from accounts.models import Organisation
from departments.models import Closure, Department, Event, Holiday
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain() -> Organisation:
    return make_chain(hourly_days=0)


def test_events_and_closures_mark_their_days_of_their_branches_only(chain: Organisation):
    one, other, _third = Department.objects.filter(organisation=chain).order_by("name")
    elsewhere = Department.objects.create(organisation=chain, name="Not forecast")

    def day(ahead: int) -> dt.date:
        return CUTOFF + dt.timedelta(days=ahead)

    known = {"organisation": chain, "known_from": CUTOFF, "kind": "fair", "name": "fair"}
    Event.objects.create(first=day(-500), last=day(-1), strength=0.5, **known)
    Event.objects.create(department=one, first=day(-2), last=day(400), strength=2.0, **known)
    Event.objects.create(department=elsewhere, first=day(1), last=day(5), **known)
    Closure.objects.create(organisation=chain, department=other, first=day(2), known_from=CUTOFF)
    panel = read_series(chain, cutoff=CUTOFF, horizon=4).panel
    fair = panel.numeric["event_fair"][:, panel.index(day(-3)) :]
    of = {name: row for row, name in enumerate(panel.series)}
    assert fair[of[str(one.pk)]].tolist() == [0.5, 2, 2, 2, 2, 2, 2, 2]
    assert fair[of[str(other.pk)]].tolist() == [0.5, 0.5, 0.5, 0, 0, 0, 0, 0]
    assert panel.closed[of[str(other.pk)], -4:].tolist() == [False, True, True, True]
    assert panel.closed.sum() == 3


def test_of_two_feasts_on_a_day_the_one_known_from_other_years_names_it(chain: Organisation):
    """A jubilee on a feast would otherwise hide what the feast has done every year."""
    day = {"organisation": chain, "name": "a feast"}
    for date in (CUTOFF - dt.timedelta(days=200), CUTOFF + dt.timedelta(days=2)):
        Holiday.objects.create(date=date, key="Nauryz", **day)
    Holiday.objects.create(date=CUTOFF + dt.timedelta(days=2), key="Opening of the mall", **day)
    Holiday.objects.create(date=CUTOFF + dt.timedelta(days=2), key="Working day", effect=Holiday.Effect.WORKDAY, **day)
    panel = read_series(chain, cutoff=CUTOFF, horizon=4).panel
    told = [panel.holiday_names[code] for code in panel.holiday[0, panel.index(CUTOFF) :]]
    assert told == ["", "", "Nauryz", "", ""]
