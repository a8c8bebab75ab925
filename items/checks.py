"""What a value of an item sale may be. A value that may not be stored is `Unfit`, with a sentence that says why."""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from accounts.api.bodies import DEEPEST, depth
from accounts.api.fields import FIRST_DATE, LAST_DATE

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
# Digits before the point, and after it, of a quantity and of an amount of money.
QUANTITY, MONEY = (11, 3), (14, 4)
# What a program that adds up binary floats leaves behind the last digit it means.
NOISE = Decimal("1e-9")


class Unfit(Exception):
    """`code` and `params` name the sentence; `field` the value it is about."""

    def __init__(self, code: str, field: str, /, **params: Any) -> None:
        super().__init__(code)
        self.code, self.field, self.params = code, field, {"field": field, **params}

    def as_error(self) -> dict[str, Any]:
        """As the log of deliveries keeps it."""
        return {"code": self.code, "params": self.params, "field": self.field}


def present(record: Mapping[str, Any], field: str) -> Any:
    """The value, which must be there and not be empty."""
    value = record.get(field)
    if value is None or value == "":
        raise Unfit("item_required", field)
    return value


def number(value: Any, field: str, size: tuple[int, int]) -> Decimal:
    """An exact number: an int, a Decimal or decimal text; never a float or a bool."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise Unfit("item_not_a_number", field)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise Unfit("item_not_a_number", field)
    whole, places = size
    if isinstance(value, int) and value.bit_length() > 64:
        raise Unfit("item_too_large", field)
    try:
        exact = Decimal(value)
        if exact.adjusted() >= whole and exact:
            raise Unfit("item_too_large", field)
        kept = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:
        raise Unfit("item_not_a_number", field) from None
    if abs(kept - exact) > NOISE:
        raise Unfit("item_too_precise", field, places=places)
    return kept


def positive(value: Any, field: str, size: tuple[int, int] = QUANTITY) -> Decimal:
    exact = number(value, field, size)
    if exact <= 0:
        raise Unfit("item_not_positive", field)
    return exact


def not_negative(value: Any, field: str, size: tuple[int, int] = MONEY) -> Decimal:
    exact = number(value, field, size)
    if exact < 0:
        raise Unfit("item_negative", field)
    return exact


def date(value: Any, field: str, *, today: dt.date, since: dt.date = FIRST_DATE) -> dt.date:
    """A business date as YYYY-MM-DD, not after `today` and not before `since`, from when on lines are kept."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Unfit("item_bad_date", field)
    try:
        found = dt.date.fromisoformat(value)
    except ValueError:
        raise Unfit("item_bad_date", field) from None
    if not FIRST_DATE <= found <= LAST_DATE:
        raise Unfit("item_date_out_of_range", field)
    if found > today:
        raise Unfit("item_future", field)
    if found < since:
        raise Unfit("item_too_old", field)
    return found


def instant(value: Any, field: str, zone: dt.tzinfo) -> dt.datetime:
    """An ISO instant; without an offset it is the department's own clock."""
    if not isinstance(value, str) or len(value) > 40 or "T" not in value.upper().replace(" ", "T"):
        raise Unfit("item_bad_instant", field)
    try:
        found = dt.datetime.fromisoformat(value)
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        found.astimezone(dt.UTC), found.astimezone(zone)
    except (ValueError, OverflowError):
        raise Unfit("item_bad_instant", field) from None
    return found


def text(value: Any, field: str, most: int) -> str:
    """A text of at most `most` characters; nothing is an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unfit("item_not_a_text", field)
    if len(value) > most:
        raise Unfit("item_text_too_long", field, most=most)
    if not storable(value):
        raise Unfit("item_unreadable", field)
    return value


def storable(value: str) -> bool:
    """Whether a database can keep the text: no NUL, no half of a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def showable(value: str) -> str:
    """The text as it can be kept and shown, whatever somebody sent."""
    return value.encode(errors="replace").decode().replace("\0", "\ufffd")


def identifier(value: Any, field: str) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise Unfit("item_bad_id", field) from None


def extra(value: Any, field: str, most: int) -> dict[str, Any] | None:
    """An object of whatever the sender likes, within bounds; Decimals in it become plain numbers of JSON."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Unfit("item_not_an_object", field)
    if depth(value) > DEEPEST:
        raise Unfit("item_too_deep", field)
    plain = _plain(value, field)
    if len(repr(plain)) > most:
        raise Unfit("item_text_too_long", field, most=most)
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        return {_plain(name, field): _plain(part, field) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, field) for part in value]
    if isinstance(value, Decimal):
        # Other fields are nobody's sums: a number that JSON cannot carry exactly is kept as it was written.
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return str(value)
    if isinstance(value, str) and not storable(value):
        raise Unfit("item_unreadable", field)
    return value
