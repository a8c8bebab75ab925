from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    PARTIAL = "partial", _("partly done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


UNFINISHED = (State.QUEUED, State.RUNNING)
TONES = {
    State.QUEUED: "info",
    State.RUNNING: "info",
    State.DONE: "success",
    State.PARTIAL: "warning",
    State.FAILED: "danger",
    State.CANCELLED: "default",
}


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", _("schedule")
    PAGE = "page", _("page")
    API = "api", _("API")
    COMMAND = "command", _("command")
    RUN = "run", _("another run")
    CALENDAR = "calendar", _("change of the calendar")


class Severity(models.TextChoices):
    CRITICAL = "critical", _("critical")
    WARNING = "warning", _("warning")
    INFO = "info", _("info")


SEVERITY_TONES = {Severity.CRITICAL: "danger", Severity.WARNING: "warning", Severity.INFO: "info"}
