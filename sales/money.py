"""Money: Decimal with four places in the database, two on the screen and in JSON."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models
from django.db.models import Sum

CENT = Decimal("0.01")
PLACES = 4
SCALE = 10**PLACES


class MoneyField(models.DecimalField):
    """numeric(18, 4). On SQLite exact up to 11 digits before the point."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", PLACES)
        super().__init__(*args, **kwargs)


class MoneySum(Sum):
    """The exact sum of a money column. SQLite would add binary floats: there whole 1/10000ths are added."""

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="%(function)s(%(distinct)sCAST(ROUND(%(expressions)s * 10000) AS INTEGER))",
            **extra,
        )

    def get_db_converters(self, connection: Any) -> list[Any]:
        if connection.vendor != "sqlite":
            return super().get_db_converters(connection)
        return [lambda value, expression, connection: None if value is None else Decimal(int(value)) / SCALE]


def rounded(amount: Decimal | None) -> Decimal | None:
    """`amount` with two places, halves away from zero; unknown stays unknown."""
    return None if amount is None else amount.quantize(CENT, ROUND_HALF_UP)
