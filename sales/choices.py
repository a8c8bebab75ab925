from django.db import models
from django.utils.translation import gettext_lazy as _


class DayState(models.TextChoices):
    COMPLETE = "complete", _("complete")
    OPEN_SHIFT = "open_shift", _("open shift")
    PARTIAL = "partial", _("partial")
    SUSPICIOUS = "suspicious", _("suspicious")
    RESTATED = "restated", _("restated")
    MISSING = "missing", _("missing")


TONES = {
    DayState.COMPLETE: "success",
    DayState.OPEN_SHIFT: "info",
    DayState.PARTIAL: "warning",
    DayState.SUSPICIOUS: "danger",
    DayState.RESTATED: "info",
    DayState.MISSING: "danger",
}
# What a state means and what to do, in one sentence.
EXPLAINED = {
    DayState.COMPLETE: _("The source sent the whole day and its control total agrees."),
    DayState.OPEN_SHIFT: _("Still being sold: the figures grow until the cash shift is closed; nothing is to be done."),
    DayState.PARTIAL: _("A part of the day is missing; load the day again, and look at the run if that does not help."),
    DayState.SUSPICIOUS: _("The source says something hard to believe; somebody has to decide whether it is right."),
    DayState.RESTATED: _(
        "The source changed this day after it was complete; what stood before is kept in the log of the day."
    ),
    DayState.MISSING: _("Nothing is known of this day; load it again if the branch was open."),
}
# States whose figures a forecast may learn from.
TRUSTED = (DayState.COMPLETE, DayState.RESTATED)


class Where(models.TextChoices):
    """What differs from the source, or from what was observed of it."""

    OBSERVED = "observed", _("what was loaded")
    PUBLISHED = "published", _("what is shown")
    KEPT = "kept", _("kept as suspicious")
    SOURCE = "source", _("the source's own word")


class Figure(models.TextChoices):
    TOTAL = "total", _("total sales")
    REVENUE = "revenue", _("revenue")
    GROSS = "gross", _("gross")
    ORDERS = "orders", _("receipts")
    GUESTS = "guests", _("guests")


MONEY = (Figure.TOTAL, Figure.REVENUE, Figure.GROSS)
