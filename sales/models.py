"""WHAT HAPPENED: what each source said (observations), and what is published of it per day and hour."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import Connection, Department
from runs.models import Run
from sales.choices import DayState
from sales.money import MoneyField
from sales.querysets import AutoSyncLogQuerySet, SalesQuerySet

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


class Observation(Figures):
    """What one source said. `department` is empty while nobody knows the source's id."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    external_id = models.CharField(_("id at the source"), max_length=80)
    department = models.ForeignKey(Department, on_delete=models.SET_NULL, null=True, blank=True, **UNCHECKED)
    date = models.DateField(_("business date"))
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED)
    observed_at = models.DateTimeField()

    class Meta:
        abstract = True


class ObservedDay(Observation):
    pk = models.CompositePrimaryKey("connection_id", "date", "external_id")

    def __str__(self) -> str:
        return f"{self.external_id} {self.date:%d.%m.%Y}"


class ObservedHour(Observation):
    pk = models.CompositePrimaryKey("connection_id", "date", "external_id", "hour")
    hour = models.PositiveSmallIntegerField(_("hour"), validators=HOUR)

    def __str__(self) -> str:
        return f"{self.external_id} {self.date:%d.%m.%Y} {self.hour}"


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
        indexes = [models.Index(fields=["organisation", "-date"], name="sales_summary_by_date")]

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
