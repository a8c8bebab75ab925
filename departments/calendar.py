"""Seeding the editable calendar with the public holidays of a country, and seeing where it is empty."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from django.db import transaction

from accounts.models import Organisation, User
from departments.changes import Noted, note_all
from departments.models import Holiday

# The `holidays` package has no Russian names for Kazakhstan, and nowhere names for what is ours.
RUSSIAN = {
    "New Year's Day": "Новый год",
    "Orthodox Christmas": "Рождество Христово",
    "International Women's Day": "Международный женский день",
    "Nowruz Holiday": "Наурыз мейрамы",
    "Kazakhstan's People Solidarity Holiday": "Праздник единства народа Казахстана",
    "Defender of the Fatherland Day": "День защитника Отечества",
    "Victory Day": "День Победы",
    "Eid al-Adha": "Курбан айт",
    "Eid al-Fitr": "Ораза айт",
    "Ramadan": "Рамазан",
    "Capital Day": "День столицы",
    "Constitution Day": "День Конституции",
    "Republic Day": "День Республики",
    "Independence Day": "День Независимости",
    "Day off": "Перенесённый выходной",
    "Working weekend": "Рабочий выходной",
    "New Year's Eve": "Канун Нового года",
    "Saint Valentine's Day": "День святого Валентина",
}
SPEAK_RUSSIAN = ("KZ", "RU", "BY", "KG")
# Ordinary working days on which people eat out differently.
UNOFFICIAL = {(12, 31): "New Year's Eve", (2, 14): "Saint Valentine's Day"}
MOVED = " (moved)"
SUFFIX = re.compile(r"\s*\((?:observed|estimated|observed, estimated|substituted from [^)]*)\)")
YEARS_BACK = 4
# From this month on the next year's calendar is missed: forecasts of November reach it.
NEXT_YEAR_FROM = 9

# Date, key (English, the same every year), name for people, effect.
Feast = tuple[dt.date, str, str, str]


@transaction.atomic
def seed_holidays(organisation: Organisation, years: Iterable[int], *, by: User | None = None) -> int:
    """Add the public holidays of the organisation's country that are not there; returns how many were added.

    A day a person has removed or renamed stays so: years that already hold a holiday are left alone.
    """
    known = set(Holiday.objects.filter(organisation=organisation).values_list("date__year", flat=True))
    wanted = [year for year in years if year not in known]
    rows = {
        (date, key): Holiday(organisation=organisation, date=date, key=key, name=name[:200], effect=effect)
        for date, key, name, effect in feasts(organisation.country, wanted)
    }
    Holiday.objects.bulk_create(rows.values(), batch_size=500)
    if by is not None:
        note_all([Noted(row) for row in rows.values()], by=by)
    return len(rows)


def seed_first(organisation: Organisation, today: dt.date) -> int:
    """Give an organisation without any calendar that of its country, for its history and until the end of next year."""
    if Holiday.objects.filter(organisation=organisation).exists():
        return 0
    return seed_holidays(organisation, range(today.year - YEARS_BACK, today.year + 2))


def empty_year(organisation: Organisation, today: dt.date) -> int | None:
    """The year people should fill by now: this one, or from September on the next, if it holds no holiday."""
    wanted = [today.year, today.year + 1] if today.month >= NEXT_YEAR_FROM else [today.year]
    rows = Holiday.objects.filter(organisation=organisation)
    found = set(rows.filter(date__year__in=wanted).values_list("date__year", flat=True))
    return next((year for year in wanted if year not in found), None)


def feasts(country: str, years: list[int]) -> Iterator[Feast]:
    """Public holidays, days moved off and on, and what is no day off but changes what people eat.

    The country is an ISO code the `holidays` package knows; of any other one only what is kept everywhere.
    """
    if not years:
        return
    keys: set[str] = set()
    for date, key, name, effect in _public(country, years):
        keys.add(key)
        yield date, key, name, effect
    russian = country in SPEAK_RUSSIAN
    for year in years:
        for (month, day), key in UNOFFICIAL.items():
            yield dt.date(year, month, day), key, RUSSIAN[key] if russian else key, Holiday.Effect.FEAST
    if any(key.startswith("Eid ") for key in keys):
        yield from _ramadan(years, russian=russian, with_feast="Eid al-Fitr" not in keys)


def _public(country: str, years: list[int]) -> Iterator[Feast]:
    import holidays  # where it is needed: every process would else begin later

    known = getattr(holidays, country, None)
    if known is None:
        return
    spoken = known.supported_languages
    english = holidays.country_holidays(country, years=years, language="en_US" if "en_US" in spoken else None)
    own = next((language for language in spoken if language.startswith("ru")), None)
    local = holidays.country_holidays(country, years=years, language=own) if own else {}
    for date, names in english.items():
        if date.year not in years:
            continue
        told = names.split("; ")
        translated = local.get(date, "").split("; ")
        for number, text in enumerate(told):
            key = SUFFIX.sub("", text).strip()
            moved = "(observed)" in text or "substituted" in text
            if own and len(translated) == len(told):
                name = translated[number]
            else:
                name = RUSSIAN.get(key, key) if country in SPEAK_RUSSIAN else key
                if moved and key != "Day off":
                    name += " (перенос)" if country in SPEAK_RUSSIAN else MOVED
            effect = Holiday.Effect.DAY_OFF if moved else Holiday.Effect.FEAST
            yield date, key + MOVED if moved and key != "Day off" else key, name, effect
    for date in sorted(english.weekend_workdays):
        if date.year in years:
            key = "Working weekend"
            yield date, key, RUSSIAN[key] if country in SPEAK_RUSSIAN else key, Holiday.Effect.WORKDAY


def _ramadan(years: list[int], *, russian: bool, with_feast: bool) -> Iterator[Feast]:
    """The fast, day by day, and the feast at its end; dates ahead are estimates of the `holidays` package."""
    from holidays.calendars.islamic import _IslamicLunar

    moon = _IslamicLunar()
    begins = sorted(
        {date for year in range(min(years) - 1, max(years) + 2) for date, _ in moon.ramadan_beginning_dates(year)}
    )
    ends = sorted({date for year in range(min(years) - 1, max(years) + 2) for date, _ in moon.eid_al_fitr_dates(year)})
    for first in begins:
        feast = next((date for date in ends if date > first), None)
        if feast is None:
            continue
        days = [
            (first + dt.timedelta(days=day), "Ramadan", Holiday.Effect.PERIOD) for day in range((feast - first).days)
        ]
        for date, key, effect in [*days, (feast, "Eid al-Fitr", Holiday.Effect.FEAST)] if with_feast else days:
            if date.year in years:
                yield date, key, RUSSIAN[key] if russian else key, effect
