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
# States whose figures a forecast may learn from.
TRUSTED = (DayState.COMPLETE, DayState.RESTATED)
