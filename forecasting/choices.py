from django.db import models
from django.utils.translation import gettext_lazy as _

LEAST_DAYS = 56 + 1 + 28  # of history: to learn from, the day of the origin, and to measure on


class VersionState(models.TextChoices):
    CANDIDATE = "candidate", _("candidate")
    SERVING = "serving", _("serving")
    RETIRED = "retired", _("retired")
    REFUSED = "refused", _("refused")


class Origin(models.TextChoices):
    """What made an issue."""

    NIGHTLY = "nightly", _("nightly")
    TRAINING = "training", _("training")
    MANUAL = "manual", _("by hand")
    REPLAY = "replay", _("replayed afterwards")


class Rule(models.TextChoices):
    """Which rule of the engine made a forecast."""

    MODEL = "model", _("model")
    BLEND = "blend", _("model and seasonal mean")
    SHORT_HISTORY = "short_history", _("short history: weekday means")
    NO_HISTORY = "no_history", _("no history: the chain's weekday means")
    CLOSED = "closed", _("closed that day")


VERSION_TONES = {
    VersionState.SERVING: "success",
    VersionState.REFUSED: "danger",
    VersionState.CANDIDATE: "info",
    VersionState.RETIRED: "default",
}
# The newest issues are kept whole; of older ones what was promised so many days before.
WHOLE_ISSUES = 14
PROMISES_KEPT = (1, 7, 28)
MOST_DAYS_BEFORE = 28  # that promises are measured
# What forecasts may be added up by.
SUMS_BY = ("total", "department", "day", "week", "month")
