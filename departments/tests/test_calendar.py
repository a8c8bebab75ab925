"""The calendar a chain begins with, and the year that is missing in it."""

import datetime as dt

import pytest

from accounts.models import Organisation
from departments.calendar import empty_year, feasts, seed_first, seed_holidays
from departments.models import Holiday

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def organisation():
    return Organisation.objects.main()


def named(country: str, year: int) -> dict[dt.date, list[tuple[str, str]]]:
    found: dict[dt.date, list[tuple[str, str]]] = {}
    for date, _key, name, effect in feasts(country, [year]):
        found.setdefault(date, []).append((name, str(effect)))
    return found


def test_kazakhstan_in_russian_with_moved_days_and_the_islamic_year():
    year = named("KZ", 2025)
    assert year[dt.date(2025, 3, 21)] == [("Наурыз мейрамы", "feast"), ("Рамазан", "period")]
    assert year[dt.date(2025, 6, 6)] == [("Курбан айт", "feast")]
    assert year[dt.date(2025, 3, 30)] == [("Ораза айт", "feast")]
    assert year[dt.date(2025, 3, 24)][0] == ("Наурыз мейрамы (перенос)", "day_off")
    assert year[dt.date(2025, 1, 3)] == [("Перенесённый выходной", "day_off")]
    assert year[dt.date(2025, 1, 5)] == [("Рабочий выходной", "workday")]
    fast = [date for date, days in year.items() if ("Рамазан", "period") in days]
    assert (min(fast), max(fast), len(fast)) == (dt.date(2025, 3, 1), dt.date(2025, 3, 29), 29)


def test_two_fasts_begin_in_one_year():
    fast = [date for date, key, *_ in feasts("KZ", [2030]) if key == "Ramadan"]
    assert (fast[0], fast[-1]) == (dt.date(2030, 1, 5), dt.date(2030, 12, 31))
    assert len(fast) == 30 + 6


def test_russia_in_russian():
    year = named("RU", 2025)
    assert year[dt.date(2025, 6, 12)] == [("День России", "feast")]
    assert year[dt.date(2025, 5, 2)] == [("Выходной (перенесено с 04.01.2025)", "day_off")]
    assert year[dt.date(2025, 11, 1)] == [("Рабочий выходной", "workday")]
    assert not any("period" in str(days) for days in year.values())
    assert {key for date, key, *_ in feasts("RU", [2024, 2025]) if date.month == 5 and date.day == 9} == {"Victory Day"}


def test_other_countries_come_from_the_library():
    assert named("ES", 2026)[dt.date(2026, 10, 12)][0][0] == "National Day"
    assert [name for name, _effect in named("XX", 2026)[dt.date(2026, 12, 31)]] == ["New Year's Eve"]


def test_a_feast_has_the_same_key_every_year():
    keys = [{key for _date, key, *_ in feasts("KZ", [year])} for year in (2023, 2026)]
    assert {"Nowruz Holiday", "Eid al-Adha", "Eid al-Fitr", "Ramadan"} <= keys[0] & keys[1]


def test_years_people_have_touched_are_left_alone(organisation):
    assert seed_holidays(organisation, [2025, 2026]) > 100
    Holiday.objects.filter(date__year=2026).exclude(key="Victory Day").delete()
    assert seed_holidays(organisation, [2025, 2026]) == 0
    assert Holiday.objects.filter(date__year=2026).count() == 1


def test_a_new_chain_gets_its_history_and_the_next_year_once(organisation):
    assert seed_first(organisation, dt.date(2026, 3, 1)) > 0
    years = set(Holiday.objects.values_list("date__year", flat=True))
    assert years == set(range(2022, 2028))
    Holiday.objects.filter(date__year=2027).delete()
    assert seed_first(organisation, dt.date(2026, 3, 1)) == 0


def test_the_next_year_is_missed_from_september_on(organisation):
    seed_holidays(organisation, [2026])
    assert empty_year(organisation, dt.date(2026, 8, 31)) is None
    assert empty_year(organisation, dt.date(2026, 9, 1)) == 2027
    assert empty_year(organisation, dt.date(2027, 1, 1)) == 2027
    seed_holidays(organisation, [2027])
    assert empty_year(organisation, dt.date(2026, 9, 1)) is None
