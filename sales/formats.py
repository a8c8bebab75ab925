"""Figures as people read them: groups of three digits, no currency sign, never a rounded sum of rounded parts."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import get_format

from sales.money import rounded

THIN = "\u202f"  # narrow no-break space
NOTHING = "—"


def amount(value: Decimal | None) -> str:
    """Rounded to whole units: `1 234 567`."""
    return NOTHING if value is None else _grouped(value.quantize(Decimal(1), ROUND_HALF_UP))


def exact(value: Decimal | None) -> str:
    """With two places: `1 234 567,89`."""
    return NOTHING if value is None else _grouped(rounded(value) or Decimal(0))


def count(value: int | None) -> str:
    return NOTHING if value is None else _grouped(Decimal(value))


def percent(share: float | Decimal | None, *, signed: bool = False) -> str:
    """A share as percent with one place: 0.1234 is `12,3 %`."""
    if share is None:
        return NOTHING
    value = (Decimal(str(share)) * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{_sign(value) if signed else ''}{_grouped(value)}{THIN}%"


def deviation(value: Decimal | None) -> str:
    """A rounded difference with its sign."""
    if value is None:
        return NOTHING
    whole = value.quantize(Decimal(1), ROUND_HALF_UP)
    return _sign(whole) + _grouped(whole)


def _sign(value: Decimal) -> str:
    return "+" if value > 0 else ""


def _grouped(value: Decimal) -> str:
    text = f"{value:,f}".replace(",", THIN).replace(".", get_format("DECIMAL_SEPARATOR"))
    return text.replace("-", "\u2212") if value else text.replace("-", "")
