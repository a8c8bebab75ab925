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
    REOPENED = "reopened", _("model, back after a long closure")
    MOVED = "moved", _("model, on a new level since a pause")
    LEVEL_SHIFT = "level_shift", _("model, on a new level")
    SHORT_HISTORY = "short_history", _("short history: weekday means")
    NO_HISTORY = "no_history", _("no history: the chain's weekday means")
    NO_SALES = "no_sales", _("no sales for a year: zero")
    CLOSED = "closed", _("closed that day")


# What a person is told of how a forecast was made.
RULE_SENTENCES = {
    Rule.MODEL: _("The model made it from what this branch and the others have sold."),
    Rule.BLEND: _("Means of the weekday made it, with season and holidays, and the model where there was one."),
    Rule.REOPENED: _("The branch is back after at least three weeks without sales: its days before and since count."),
    Rule.MOVED: _(
        "The branch was away for some days and sells on another level since, as after a move: its newest weeks count."
    ),
    Rule.LEVEL_SHIFT: _(
        "The branch has been selling on another level for some weeks, unlike the others: its newest weeks count."
    ),
    Rule.SHORT_HISTORY: _(
        "The branch has sold for less than four weeks: its own days count, and what first weeks of others were like."
    ),
    Rule.NO_HISTORY: _("The branch has not sold a day yet: it is expected to be like the middle of the others."),
    Rule.NO_SALES: _("The branch sold nothing in the last year, or no more than it took back: zero until it sells."),
    Rule.CLOSED: _("The branch is expected to be closed that day."),
}
VERSION_TONES = {
    VersionState.SERVING: "success",
    VersionState.REFUSED: "danger",
    VersionState.CANDIDATE: "info",
    VersionState.RETIRED: "default",
}
# The newest issues are kept whole; of older ones what was promised so many days before.
WHOLE_ISSUES = 14
PROMISES_KEPT = (1, 7, 28)
# What is promised further ahead than the first of these is a plan: of a date to come only these stay in older issues.
PLANS_KEPT = (35, 56, 84)
MOST_DAYS_BEFORE = 28  # that promises are measured
LONGEST_HORIZON = 92  # days ahead that can be forecast: a quarter
# What forecasts may be added up by.
SUMS_BY = ("total", "department", "day", "week", "month")
