"""Seeding the editable calendar with the public holidays of a country."""

import datetime as dt
import re
from collections.abc import Iterable

import holidays
from django.db import transaction

from accounts.models import Organisation
from departments.models import Holiday

# The `holidays` package has no Russian names for Kazakhstan.
RUSSIAN = {
    "New Year's Day": "Новый год",
    "Orthodox Christmas": "Рождество Христово",
    "International Women's Day": "Международный женский день",
    "Nowruz Holiday": "Наурыз мейрамы",
    "Kazakhstan's People Solidarity Holiday": "Праздник единства народа Казахстана",
    "Defender of the Fatherland Day": "День защитника Отечества",
    "Victory Day": "День Победы",
    "Eid al-Adha": "Курбан айт",
    "Capital Day": "День столицы",
    "Constitution Day": "День Конституции",
    "Republic Day": "День Республики",
    "Independence Day": "День Независимости",
    "Day off": "Перенесённый выходной",
    "New Year's Eve": "Канун Нового года",
    "Saint Valentine's Day": "День святого Валентина",
}
# Ordinary working days on which people eat out differently.
UNOFFICIAL = {(12, 31): "New Year's Eve", (2, 14): "Saint Valentine's Day"}
MOVED = " (moved)"
SUFFIX = re.compile(r"\s*\((?:observed|estimated|observed, estimated|substituted from [^)]*)\)")


@transaction.atomic
def seed_holidays(organisation: Organisation, years: Iterable[int]) -> int:
    """Add the public holidays of the organisation's country that are not there; returns how many were added.

    A day a person has removed or renamed stays so: years that already hold a holiday are left alone.
    """
    known = set(Holiday.objects.filter(organisation=organisation).values_list("date__year", flat=True))
    wanted = [year for year in years if year not in known]
    rows = {
        (date, key): Holiday(organisation=organisation, date=date, key=key, name=_name(key), effect=effect)
        for date, key, effect in _public(organisation.country, wanted)
    }
    Holiday.objects.bulk_create(rows.values(), ignore_conflicts=True)
    return len(rows)


def _public(country: str, years: list[int]) -> list[tuple[dt.date, str, str]]:
    found: list[tuple[dt.date, str, str]] = []
    if not years:
        return found
    language = "en_US" if "en_US" in getattr(holidays, country).supported_languages else None
    for date, names in holidays.country_holidays(country, years=years, language=language).items():
        for name in names.split("; "):
            key = SUFFIX.sub("", name).strip()
            moved = "(observed)" in name or "substituted" in name
            found.append((date, key + MOVED if moved else key, _effect(moved)))
    for year in years:
        for (month, day), key in UNOFFICIAL.items():
            found.append((dt.date(year, month, day), key, Holiday.Effect.FEAST))
    return found


def _name(key: str) -> str:
    """The Russian name of a feast where we have one; people may rename it."""
    name = RUSSIAN.get(key.removesuffix(MOVED), key.removesuffix(MOVED))
    return f"{name} (перенос)" if key.endswith(MOVED) else name


def _effect(moved: bool) -> str:
    return Holiday.Effect.DAY_OFF if moved else Holiday.Effect.FEAST
