"""Fields that several tables have."""

from typing import Any

from django.core.validators import MaxValueValidator
from django.db import models

# Written in bulk from ids that were just read.
UNCHECKED: dict[str, Any] = {"related_name": "+", "db_index": False, "db_constraint": False}
HOUR = [MaxValueValidator(23)]


class QuantityField(models.DecimalField):
    """numeric(14, 3): pieces or kilograms; negative for what was returned."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 14)
        kwargs.setdefault("decimal_places", 3)
        super().__init__(*args, **kwargs)
