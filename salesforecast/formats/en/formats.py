"""Dates and numbers as people here write them."""

DATE_FORMAT = SHORT_DATE_FORMAT = "d.m.Y"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "d.m.Y H:i"
TIME_FORMAT = "H:i"
DATE_INPUT_FORMATS = ["%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y"]
THOUSAND_SEPARATOR = "\u202f"
DECIMAL_SEPARATOR = "."
NUMBER_GROUPING = 3
