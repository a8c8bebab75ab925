"""WORK IN PROGRESS: the ledger. A row per piece of background work, whoever started it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from runs.choices import UNFINISHED, Severity, State, Trigger
from runs.querysets import AlarmQuerySet, RunQuerySet
from runs.registry import title
from runs.sentences import sentence


class Run(models.Model):
    """One piece of work. The row is the truth; the queue only wakes a worker up.

    `unit` names what is worked on (for a load: connection and business date); unfinished runs of a kind are
    unique per unit. A nightly run carries its `night`, so that a second beat cannot start it again.
    `fence` grows with every claim: whoever lost the lease is stopped by it before the commit.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="runs", verbose_name=_("organisation")
    )
    kind = models.CharField(_("kind"), max_length=40)
    unit = models.CharField(_("unit"), max_length=200, blank=True)
    night = models.DateField(_("night"), null=True, blank=True)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    trigger = models.CharField(_("started by"), max_length=10, choices=Trigger, default=Trigger.PAGE)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    from_date = models.DateField(_("from"), null=True, blank=True)
    to_date = models.DateField(_("to"), null=True, blank=True)
    params = models.JSONField(default=dict, blank=True)

    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    message_code = models.CharField(max_length=60, blank=True)
    message_params = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    errors = models.JSONField(_("errors"), default=list, blank=True)

    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    fence = models.PositiveBigIntegerField(default=0)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    waiting = models.BooleanField(default=False, help_text=_("For the runs it started"))
    cancel_asked = models.BooleanField(default=False)
    not_before = models.DateTimeField(default=timezone.now)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        permissions = [("cancel_run", "Can cancel a run")]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "unit"],
                condition=Q(state__in=[str(state) for state in UNFINISHED]),
                name="runs_run_unfinished_once_per_unit",
            ),
            models.UniqueConstraint(
                fields=["organisation", "kind", "unit", "night"],
                condition=Q(night__isnull=False),
                name="runs_run_once_per_unit_and_night",
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=Q(state__in=[str(state) for state in UNFINISHED]),
                name="runs_run_unfinished",
            ),
            models.Index(fields=["organisation", "kind", "-id"], name="runs_run_kind_newest"),
        ]

    def __str__(self) -> str:
        return title(self.kind)

    @property
    def finished(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def progress(self) -> float:
        """Share done, 0 to 1."""
        if self.state == State.DONE:
            return 1.0
        return min(self.progress_done / self.progress_total, 1.0) if self.progress_total else 0.0


class Heartbeat(models.Model):
    """Who does a thing of which one at a time is enough, and when it was last alive; by the database's clock."""

    name = models.CharField(max_length=40, unique=True)
    owner = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.owner}"


class Alarm(models.Model):
    """A trouble that somebody should know of. `key` names it: of one trouble one alarm stands at a time."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="alarms")
    code = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    params = models.JSONField(default=dict, blank=True)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity, default=Severity.WARNING)
    # Of the floor above, for whoever sees only some branches; empty: the chain as a whole.
    department = models.UUIDField(null=True, blank=True)
    began_at = models.DateTimeField(_("since"), auto_now_add=True)
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("seen by"),
    )
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "key"], condition=Q(ended_at__isnull=True), name="runs_alarm_once_per_trouble"
            ),
        ]

    def __str__(self) -> str:
        return sentence(self.code, self.params)


class Outbox(models.Model):
    """A message on its way out. A row found `sending` after its lease was begun by somebody who died.

    `may_have_gone`: an earlier attempt ended in a way that does not tell whether it arrived.
    """

    class Event(models.TextChoices):
        BEGAN = "began", _("began")
        ENDED = "ended", _("over")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("not delivered")

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="messages")
    event = models.CharField(_("event"), max_length=10, choices=Event)
    channel = models.CharField(_("channel"), max_length=10)
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.WAITING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    may_have_gone = models.BooleanField(default=False)
    error = models.CharField(_("error"), max_length=200, blank=True)
    not_before = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["alarm", "event", "channel"], name="runs_outbox_once"),
        ]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(status__in=["waiting", "sending"]), name="runs_outbox_due"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.event} {self.alarm}"
