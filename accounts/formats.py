"""Figures as people read them: groups of three digits, no currency sign, never a rounded sum of rounded parts."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import get_format

THIN = "\u202f"  # narrow no-break space
NOTHING = "—"


def amount(value: Decimal | str | None) -> str:
    """Rounded to whole units: `1 234 567`."""
    return NOTHING if value is None or isinstance(value, str) else _grouped(value.quantize(Decimal(1), ROUND_HALF_UP))


def exact(value: Decimal | None) -> str:
    """With two places: `1 234 567,89`."""
    return NOTHING if value is None else _grouped(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


def precise(value: Decimal | None) -> str:
    """With all its places that say something, at least two: `1 234,0001`, `1 234,50`."""
    if value is None:
        return NOTHING
    return exact(value) if value == value.quantize(Decimal("0.01")) else _grouped(value.normalize())


def pieces(value: Decimal | None) -> str:
    """A quantity with the places that say something: `1 234`, `0,35`."""
    return NOTHING if value is None else _grouped(value.normalize())


def count(value: int | None) -> str:
    return NOTHING if value is None else _grouped(Decimal(value))


def percent(share: float | Decimal | str | None, *, signed: bool = False) -> str:
    """A share as percent with one place: 0.1234 is `12,3 %`."""
    if share is None or share == "":  # a template's way to say that there is none
        return NOTHING
    return points(Decimal(str(share)) * 100, signed=signed)


def points(value: Decimal | None, *, signed: bool = True) -> str:
    """A percentage with one place: -12.34 is `−12,3 %`."""
    if value is None:
        return NOTHING
    shown = value.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{_sign(shown) if signed else ''}{_grouped(shown)}{THIN}%"


def deviation(value: Decimal | None) -> str:
    """A rounded difference with its sign."""
    if value is None:
        return NOTHING
    whole = value.quantize(Decimal(1), ROUND_HALF_UP)
    return _sign(whole) + _grouped(whole)


def exact_deviation(value: Decimal) -> str:
    """A difference with its sign and two places."""
    return _sign(value.quantize(Decimal("0.01"), ROUND_HALF_UP)) + exact(value)


def _sign(value: Decimal) -> str:
    return "+" if value > 0 else ""


def _grouped(value: Decimal) -> str:
    text = f"{value:,f}".replace(",", THIN).replace(".", get_format("DECIMAL_SEPARATOR"))
    return text.replace("-", "\u2212") if value else text.replace("-", "")
