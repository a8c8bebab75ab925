"""What a person may write into a field of several tables."""

import re
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("Write the time zone as Continent/City, for example Asia/Almaty."), "time_zone")


def validate_currency(code: str) -> None:
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValidationError(_("Write the currency as three capital letters, for example KZT."), "currency")
