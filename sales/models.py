"""WHAT HAPPENED: what each source said (observations), and what is published of it per day and hour."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.formats import count, precise
from accounts.models import Organisation
from departments.models import Connection, Department
from runs.models import Run
from sales.choices import MONEY, DayState, Figure, Where
from sales.money import MoneyField
from sales.querysets import (
    AutoSyncLogQuerySet,
    DifferenceQuerySet,
    ObservedDayQuerySet,
    RestatementQuerySet,
    SalesQuerySet,
)

HOUR = [MaxValueValidator(23)]


class Figures(models.Model):
    """The measures of a day or an hour. Unknown is NULL, never 0."""

    revenue = MoneyField(_("revenue"), null=True, blank=True)
    gross = MoneyField(_("gross"), null=True, blank=True)
    orders = models.IntegerField(_("receipts"), null=True, blank=True)
    guests = models.IntegerField(_("guests"), null=True, blank=True)

    class Meta:
        abstract = True


class SourceDay(models.Model):
    """A unit: one connection, one business date, and what the last load of it came to.

    `fence` is the highest fence that committed this unit: an older run may not overwrite a newer one.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="days", db_index=False)
    date = models.DateField(_("business date"))
    state = models.CharField(_("state"), max_length=12, choices=DayState, default=DayState.MISSING)
    is_settled = models.BooleanField(default=False)
    raw_rows = models.PositiveIntegerField(default=0)
    digest = models.CharField(
        max_length=32, blank=True, help_text=_("Of the observations as they stand; empty: unknown")
    )
    fence = models.PositiveBigIntegerField(default=0)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    loaded_at = models.DateTimeField(_("loaded"), null=True, blank=True)

    class Meta:
        verbose_name = _("day of a source")
        verbose_name_plural = _("days of sources")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "connection", "date"], name="sales_source_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.connection} {self.date:%d.%m.%Y}"


# Millions of rows are written from ids that were just read: a constraint trigger per row and key would cost more than
# the rows themselves, so only the daily table asks the database to check its department.
UNCHECKED: dict[str, Any] = {"related_name": "+", "db_index": False, "db_constraint": False}


class ObservedDay(Figures):
    """What one source said of a day. `department` is empty while nobody knows the source's id.

    `hours`: [[hour, revenue, gross, orders, guests], ...] in the order of the hours, money as text with 4 places. They
    come, change and go with their day, so they live in its row. `state`: how far the load trusts the day; `doubt`: of
    a suspicious one {"code", "revenue" (what the source said), "usual"}, amounts as text or null.
    """

    pk = models.CompositePrimaryKey("connection_id", "date", "external_id")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    external_id = models.CharField(_("id at the source"), max_length=80)
    department = models.ForeignKey(Department, on_delete=models.SET_NULL, null=True, blank=True, **UNCHECKED)
    date = models.DateField(_("business date"))
    state = models.CharField(_("state"), max_length=12, choices=DayState, default=DayState.COMPLETE)
    hours = models.JSONField(_("hours"), default=list)
    doubt = models.JSONField(_("doubt"), null=True, blank=True)
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED)
    observed_at = models.DateTimeField()

    objects = ObservedDayQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organisation"], condition=Q(department=None), name="sales_observed_of_nobody"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.date:%d.%m.%Y}"


class Verdict(models.Model):
    """A person's word on a suspicious day: what the source says is to be believed, or (`keeps`) what was known before.

    The second holds as long as the source says what it said then: `said`, NULL if it said nothing.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    external_id = models.CharField(_("id at the source"), max_length=80)
    date = models.DateField(_("business date"))
    keeps = models.BooleanField(_("keeps what was known"), default=False)
    said = MoneyField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "date", "external_id"], name="sales_verdict_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.date:%d.%m.%Y}"


class Published(Figures):
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    date = models.DateField(_("date"))
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, blank=True, **UNCHECKED)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))
    synced_at = models.DateTimeField(_("loaded"))
    changed_by = models.ForeignKey(Run, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED)

    objects = SalesQuerySet.as_manager()

    class Meta:
        abstract = True


class SalesSummary(Published):
    """A department's business date. `total_sales` is the measure the connection's setting names."""

    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="sales_days", db_index=False, verbose_name=_("department")
    )
    total_sales = MoneyField(_("total sales"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=DayState, default=DayState.COMPLETE)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        db_table = "sales_summary"
        verbose_name = _("daily sales")
        verbose_name_plural = _("daily sales")
        ordering = ["-date", "department"]
        permissions = [("load_sales", "Can load sales")]
        constraints = [
            models.UniqueConstraint(fields=["department", "date"], name="sales_summary_once"),
        ]
        # With the money, so that a selection is added up without a look at its rows.
        indexes = [models.Index(fields=["organisation", "-date", "total_sales"], name="sales_summary_by_date")]

    def __str__(self) -> str:
        return f"{self.department} {self.date:%d.%m.%Y}"


class SalesByHour(Published):
    """An hour of a business date; the hours of a day add up to its day."""

    department = models.ForeignKey(
        Department,
        on_delete=models.CASCADE,
        verbose_name=_("department"),
        **(UNCHECKED | {"related_name": "sales_hours"}),
    )
    hour = models.PositiveSmallIntegerField(_("hour"), validators=HOUR)
    sales_amount = MoneyField(_("sales"), null=True, blank=True)

    class Meta:
        db_table = "sales_by_hour"
        verbose_name = _("hourly sales")
        verbose_name_plural = _("hourly sales")
        ordering = ["-date", "department", "hour"]
        constraints = [
            models.UniqueConstraint(fields=["date", "department", "hour"], name="sales_by_hour_once"),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.date:%d.%m.%Y} {self.hour}:00"


class Restatement(models.Model):
    """A published day (`hour` empty) or hour whose figures changed after they had been told: what stood, what stands.

    `by`: the person who deleted it; everything else is changed by a run.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("department")
    )
    date = models.DateField(_("date"))
    hour = models.PositiveSmallIntegerField(_("hour"), null=True, blank=True)
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, blank=True, **UNCHECKED)
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, **UNCHECKED)
    changed_at = models.DateTimeField(_("changed"))
    old_total = MoneyField(_("was"), null=True, blank=True)
    old_revenue = MoneyField(null=True, blank=True)
    old_gross = MoneyField(null=True, blank=True)
    old_orders = models.IntegerField(null=True, blank=True)
    old_guests = models.IntegerField(null=True, blank=True)
    new_total = MoneyField(_("became"), null=True, blank=True)
    new_revenue = MoneyField(null=True, blank=True)
    new_gross = MoneyField(null=True, blank=True)
    new_orders = models.IntegerField(null=True, blank=True)
    new_guests = models.IntegerField(null=True, blank=True)

    objects = RestatementQuerySet.as_manager()

    class Meta:
        db_table = "sales_restatement"
        verbose_name = _("restatement")
        verbose_name_plural = _("restatements")
        ordering = ["-changed_at", "-id"]
        indexes = [
            models.Index(fields=["department", "date"], name="sales_restatement_of_day"),
            models.Index(fields=["organisation", "-changed_at"], name="sales_restatement_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.date:%d.%m.%Y}"

    @property
    def difference(self) -> Decimal:
        """By how much the total changed; what was not there counts as nothing."""
        return (self.new_total or Decimal(0)) - (self.old_total or Decimal(0))

    @property
    def who(self) -> str:
        """Who deleted it, or whose run it was: a person, or what started it; empty if the run is no longer kept."""
        if self.by:
            return str(self.by)
        return str(self.run.started_by or self.run.get_trigger_display()) if self.run else ""


class Difference(models.Model):
    """A figure that a comparison found to differ from its source. Money and counts alike in `ours` and `theirs`."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    external_id = models.CharField(_("id at the source"), max_length=80, blank=True)
    department = models.ForeignKey(Department, on_delete=models.SET_NULL, null=True, blank=True, **UNCHECKED)
    date = models.DateField(_("date"))
    hour = models.PositiveSmallIntegerField(_("hour"), null=True, blank=True)
    where = models.CharField(_("where"), max_length=10, choices=Where)
    what = models.CharField(_("figure"), max_length=10, choices=Figure)
    ours = MoneyField(_("here"), null=True, blank=True)
    theirs = MoneyField(_("at the source"), null=True, blank=True)

    objects = DifferenceQuerySet.as_manager()

    class Meta:
        db_table = "sales_difference"
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        # The two databases order NULL differently. Days come before their hours.
        ordering = [
            F("department__name").asc(nulls_last=True),
            "external_id",
            "date",
            F("hour").asc(nulls_first=True),
            "id",
        ]

    def __str__(self) -> str:
        return f"{self.department or self.external_id} {self.date:%d.%m.%Y}"

    @property
    def by(self) -> Decimal:
        """How much more there is here than there. What is not there at all counts as nothing."""
        return (self.ours or Decimal(0)) - (self.theirs or Decimal(0))

    def shown(self, value: Decimal | None) -> str:
        """`value` as a person reads a figure of this kind."""
        return precise(value) if value is None or self.what in MONEY else count(int(value))


class DepartmentCutoff(models.Model):
    """The last complete business date of a department: forecasts begin on the day after it."""

    department = models.OneToOneField(
        Department, on_delete=models.CASCADE, primary_key=True, related_name="sales_cutoff"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    date = models.DateField(_("last complete date"))
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("cutoff")
        verbose_name_plural = _("cutoffs")

    def __str__(self) -> str:
        return f"{self.department} {self.date:%d.%m.%Y}"


class AutoSyncLog(models.Model):
    """A line per scheduled or test load, in the words the users' SQL knows."""

    class Status(models.TextChoices):
        SUCCESS = "success", _("success")
        PARTIAL = "partial", _("partly done")
        ERROR = "error", _("error")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    sync_date = models.DateField(_("date"))
    sync_type = models.CharField(_("type"), max_length=20)
    status = models.CharField(_("status"), max_length=20, choices=Status)
    message = models.TextField(_("message"), blank=True)
    summary_records = models.IntegerField(_("daily records"), default=0)
    hourly_records = models.IntegerField(_("hourly records"), default=0)
    total_raw_records = models.IntegerField(_("rows of the source"), default=0)
    error_details = models.TextField(_("errors"), blank=True)
    executed_at = models.DateTimeField(_("executed"))
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = AutoSyncLogQuerySet.as_manager()

    class Meta:
        db_table = "auto_sync_log"
        verbose_name = _("automatic load")
        verbose_name_plural = _("automatic loads")
        ordering = ["-executed_at"]

    def __str__(self) -> str:
        return f"{self.sync_date:%d.%m.%Y} {self.status}"
