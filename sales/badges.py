"""How a day's state looks wherever its number shows: a coloured word, and a quiet mark while the day may still change."""

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.formats import exact_deviation
from accounts.templatetags.figures import badge
from sales.choices import EXPLAINED, TONES, DayState


def day_badge(state: str) -> SafeString:
    known = DayState(state)
    return badge(str(known.label), TONES[known], state_words(state))


def state_words(state: str) -> str:
    """What the state means and what to do."""
    return str(EXPLAINED[DayState(state)])


def settles_until(date: dt.date) -> dt.date:
    """The date of the last night that reads the day again by itself, unless a cash shift keeps it open."""
    return date + dt.timedelta(days=settings.SETTLING_DAYS)


def settling_words(date: dt.date, settled: bool) -> str:
    """Empty for a settled day."""
    if settled:
        return ""
    until = settles_until(date)
    return (
        _("settles until %(date)s") % {"date": f"{until:%d.%m}"} if until >= timezone.localdate() else _("not settled")
    )


def settling_mark(date: dt.date, settled: bool) -> SafeString:
    words = settling_words(date, settled)
    if not words:
        return SafeString("")
    why = _(
        "Late receipts and corrections may still change this day; the nightly load keeps comparing it with the source."
    )
    return format_html('<span class="sf-settling" title="{}">{}</span>', why, words)


def difference(change: Decimal) -> SafeString:
    """What was added or taken away, coloured."""
    tone = "up" if change > 0 else "down" if change < 0 else "soft"
    return format_html('<span class="sf-figure sf-{}">{}</span>', tone, exact_deviation(change))
