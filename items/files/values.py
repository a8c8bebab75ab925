"""What a cell says: numbers without a float, dates in a declared order. Each distinct text is read once."""

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from items.files.refusals import BadCell
from items.files.unbook import EPOCH, TYPED

YMD, DMY, MDY = "ymd", "dmy", "mdy"
ORDERS = (YMD, DMY, MDY)
DECIMALS = (".", ",")
FIRST_DATE, LAST_DATE = dt.date(2000, 1, 1), dt.date(2100, 12, 31)
MOST = Decimal(10) ** 11  # of a row: more is a mistake

_SPACES = " \u00a0\u2007\u2009\u202f"
_CURRENCY = re.compile(
    rf"^(?:[€$£₸₽₴₺¥]|[A-Z]{{3}})[{_SPACES}]*|[{_SPACES}]*(?:[€$£₸₽₴₺¥]|тг\.?|руб\.?|р\.|[A-Z]{{3}})$"
)
_NUMBER = {
    ".": re.compile(
        rf"([-+−]?)((?:[0-9]{{1,3}}(?:([{_SPACES}'’,])[0-9]{{3}})(?:\3[0-9]{{3}})*)|[0-9]+)?(?:\.([0-9]*))?"
    ),
    ",": re.compile(
        rf"([-+−]?)((?:[0-9]{{1,3}}(?:([{_SPACES}'’.])[0-9]{{3}})(?:\3[0-9]{{3}})*)|[0-9]+)?(?:,([0-9]*))?"
    ),
}
_DIGITS = re.compile(r"[^0-9]")
_YMD = re.compile(r"([0-9]{4})([-./])([0-9]{1,2})\2([0-9]{1,2})(?:[T ]+(.+))?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_OTHER = re.compile(r"([0-9]{1,2})([-./])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})г?\.?(?:,?[T ]+(.+))?")
_TIME = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,][0-9]+)?)?)?\s*([AaPp])?\.?(?:[Mm]\.?)?")
_ZONE = re.compile(r"(.*?)\s*(Z|[+-][0-9]{2}:?[0-9]{2})")


def number(text: str, decimal: str) -> Decimal:
    """`1 234,50` with a decimal comma is 1234.50. Raises BadCell for what is no number, and for absurd ones."""
    text = text.strip()
    if text.startswith(TYPED):
        try:
            value = Decimal(text[1:])
        except InvalidOperation:
            raise BadCell("import_bad_number") from None
    else:
        match = _NUMBER[decimal].fullmatch(_CURRENCY.sub("", text))
        if match is None or not (match[2] or match[4]):
            raise BadCell("import_bad_number")
        sign = "-" if match[1] in ("-", "−") else ""
        value = Decimal(f"{sign}{_DIGITS.sub('', match[2] or '') or '0'}.{match[4] or '0'}")
    if not value.is_finite() or abs(value) >= MOST:
        raise BadCell("import_too_large")
    return value


class Moment(NamedTuple):
    """`seconds` of the day and `offset` from UTC in minutes, None where the text says nothing of them."""

    date: dt.date
    seconds: int | None
    offset: int | None


def moment(text: str, order: str, from_1904: bool = False) -> Moment:
    """A date, with a time or without. Raises BadCell for what is none in this order, and for years before 2000."""
    text = text.strip()
    if text.startswith(TYPED):
        text, order = text[1:], YMD
        if re.fullmatch(r"[0-9]{1,5}(\.[0-9]+)?", text):
            return _serial(text, from_1904)
    if order == YMD:
        match = _YMD.fullmatch(text)
        if match:
            parts, rest = (match[1], match[3], match[4]), match[5]
        elif match := _COMPACT.fullmatch(text):
            parts, rest = (match[1], match[2], match[3]), None
        else:
            raise BadCell("import_bad_date")
    else:
        match = _OTHER.fullmatch(text)
        if match is None:
            raise BadCell("import_bad_date")
        first, second = match[1], match[3]
        year = match[4] if len(match[4]) == 4 else f"20{match[4]}"
        parts, rest = (year, second, first) if order == DMY else (year, first, second), match[5]
    try:
        date = dt.date(*map(int, parts))
    except ValueError:
        raise BadCell("import_bad_date") from None
    if not FIRST_DATE <= date <= LAST_DATE:
        raise BadCell("import_bad_date")
    if not rest:
        return Moment(date, None, None)
    seconds, offset = clock(rest)
    return Moment(date, seconds, offset)


def _serial(text: str, from_1904: bool) -> Moment:
    """The number of a day, as a spreadsheet counts days; what follows the point is the time."""
    days = Decimal(text)
    date = EPOCH[from_1904] + dt.timedelta(days=int(days))
    if not FIRST_DATE <= date <= LAST_DATE:
        raise BadCell("import_bad_date")
    seconds = round((days - int(days)) * 86_400)
    return Moment(date, min(seconds, 86_399) if days != int(days) else None, None)


def clock(text: str) -> tuple[int, int | None]:
    """Seconds of the day, and minutes east of UTC if the text names them. Raises BadCell."""
    text, offset = text.strip().removeprefix(TYPED), None
    if text.startswith("0.") or text == "0":  # a spreadsheet's share of a day
        try:
            return min(round(Decimal(text) * 86_400), 86_399), None
        except InvalidOperation:
            raise BadCell("import_bad_time") from None
    if match := _ZONE.fullmatch(text):
        text, zone = match[1], match[2].replace(":", "")
        offset = 0 if zone == "Z" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:5]))
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadCell("import_bad_time")
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= 12:
            raise BadCell("import_bad_time")
        hour = hour % 12 + (12 if match[4] in "pP" else 0)
    if hour > 23 or minute > 59 or second > 59 or (offset is not None and abs(offset) > 14 * 60):
        raise BadCell("import_bad_time")
    return hour * 3600 + minute * 60 + second, offset


class Guess(NamedTuple):
    """What texts suggest, and whether they could as well mean something else."""

    value: str
    sure: bool


def guess_order(texts: Iterable[str]) -> Guess:
    """The order of dates: sure if some day is above twelve, none contradicts, or nobody writes them otherwise."""
    days_first = months_first = dotted = year_first = other = 0
    for text in texts:
        text = text.strip()
        if not text or text.startswith(TYPED):
            continue
        if _YMD.fullmatch(text) or _COMPACT.fullmatch(text):
            year_first += 1
        elif match := _OTHER.fullmatch(text):
            other += 1
            days_first += int(match[1]) > 12
            months_first += int(match[3]) > 12
            dotted += match[2] == "."
    if not other:
        return Guess(YMD, True)
    if days_first or months_first:
        return Guess(DMY if days_first >= months_first else MDY, not (days_first and months_first) and not year_first)
    return Guess(DMY, dotted == other and not year_first)


def guess_decimal(texts: Iterable[str]) -> Guess:
    """The sign before decimals: sure unless all that is there could also be a sign between thousands."""
    points = commas = unclear = 0
    for text in texts:
        text = _CURRENCY.sub("", text.strip())
        if text.startswith(TYPED):
            continue
        point, comma = text.rfind("."), text.rfind(",")
        if point < 0 and comma < 0:
            continue
        if point >= 0 and comma >= 0:
            points, commas = points + (point > comma), commas + (comma > point)
            continue
        at, sign = max(point, comma), text[max(point, comma)]
        whole = _DIGITS.sub("", text[:at])
        if text.count(sign) > 1:
            points, commas = points + (sign == ","), commas + (sign == ".")
        elif len(text) - at - 1 != 3 or len(whole) > 3 or whole in ("", "0"):
            points, commas = points + (sign == "."), commas + (sign == ",")
        else:
            unclear += 1
    if points or commas:
        return Guess("." if points >= commas else ",", not (points and commas))
    return Guess(".", not unclear)
