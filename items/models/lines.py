"""Receipts and their lines.

Only ids are kept by hand: nothing has a foreign key to a line, and the business date is part of every natural key, so
that months can become partitions the day a measurement asks for it.
"""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import Connection, Department
from items.choices import Channel
from items.models.catalogue import Product
from items.models.fields import HOUR, UNCHECKED, QuantityField
from items.querysets import LineQuerySet
from runs.models import Run
from sales.money import MoneyField


class Receipt(models.Model):
    """The head of a receipt, of sources that know more of it than its lines do. Lines name it by `transaction_id`."""

    pk = models.CompositePrimaryKey("connection_id", "date", "external_id")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, **UNCHECKED)
    date = models.DateField(_("business date"))
    external_id = models.CharField(_("id at the source"), max_length=100)
    number = models.CharField(_("number"), max_length=40, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    guests = models.IntegerField(_("guests"), null=True, blank=True)
    payment_method = models.CharField(_("payment"), max_length=50, blank=True)
    revenue = MoneyField(_("revenue"), null=True, blank=True)
    gross = MoneyField(_("gross"), null=True, blank=True)
    additional_info = models.JSONField(_("other fields"), default=dict, blank=True)
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED)

    objects = LineQuerySet.as_manager()

    class Meta:
        db_table = "receipts"
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        indexes = [models.Index(fields=["department", "date"], name="items_receipt_of_day")]

    def __str__(self) -> str:
        return f"{self.number or self.external_id} {self.date:%d.%m.%Y}"


class LineValues(models.Model):
    """`total`: after discounts; `gross`: before. Whatever the source does not know is NULL."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, verbose_name=_("connection"), **UNCHECKED)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, verbose_name=_("department"), **UNCHECKED)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, verbose_name=_("product"), **UNCHECKED)
    date = models.DateField(_("business date"))
    external_id = models.CharField(_("id at the source"), max_length=120)
    sold_at = models.DateTimeField(_("sold"), null=True, blank=True)
    hour = models.PositiveSmallIntegerField(_("hour"), null=True, blank=True, validators=HOUR)
    quantity = QuantityField(_("quantity"))
    unit_price = MoneyField(_("unit price"), null=True, blank=True)
    gross = MoneyField(_("gross"), null=True, blank=True)
    discount = MoneyField(_("discount"), null=True, blank=True)
    tax = MoneyField(_("tax"), null=True, blank=True)
    total = MoneyField(_("total"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    channel = models.CharField(_("channel"), max_length=50, blank=True, default=Channel.POS)
    location = models.CharField(_("location"), max_length=255, blank=True)
    customer = models.CharField(_("customer"), max_length=100, blank=True)
    transaction_id = models.CharField(_("receipt"), max_length=100, blank=True)
    payment_method = models.CharField(_("payment"), max_length=50, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    metadata = models.JSONField(_("other fields"), null=True, blank=True)
    job = models.UUIDField(_("import"), null=True, blank=True)
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED)
    is_deleted = models.BooleanField(_("deleted"), default=False)
    deleted_at = models.DateTimeField(_("deleted on"), null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED
    )
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, null=True, blank=True, **UNCHECKED
    )

    class Meta:
        abstract = True


class SaleLine(LineValues):
    """One product of one receipt, or of one day when the source knows no receipts.

    `id` is made of (connection, date, external_id), see `items.keys.line_id`: the natural key is the primary key.
    `job`: the import that wrote it last, if nobody has changed it since.
    """

    id = models.UUIDField(primary_key=True, editable=False)

    objects = LineQuerySet.as_manager()

    class Meta:
        db_table = "sales_data"
        verbose_name = _("sale")
        verbose_name_plural = _("sales by item")
        ordering = ["-date", "id"]
        permissions = [("push_sales", "Can deliver item sales"), ("import_sales", "Can import item sales")]
        indexes = [
            BrinIndex(fields=["date"], name="items_line_by_date"),
            models.Index(fields=["department", "date"], name="items_line_of_day"),
            models.Index(fields=["job"], condition=Q(job__isnull=False), name="items_line_of_import"),
        ]

    def __str__(self) -> str:
        return f"{self.date:%d.%m.%Y} {self.quantity}"


class ReplacedLine(LineValues):
    """What a line was before an import changed or deleted it, or before anybody changed what an import had brought.

    `by_job`: the import that did it, empty for anybody else; `was_deleted`: it deleted the line.
    """

    line = models.UUIDField()
    by_job = models.UUIDField(null=True)
    was_deleted = models.BooleanField(default=False)
    kept_at = models.DateTimeField()

    class Meta:
        db_table = "replaced_lines"
        constraints = [models.UniqueConstraint(fields=["line", "by_job"], name="items_replaced_once")]
        indexes = [
            models.Index(fields=["job"], condition=Q(job__isnull=False), name="items_replaced_of_import"),
            models.Index(fields=["by_job"], condition=Q(by_job__isnull=False), name="items_replaced_by_import"),
            models.Index(fields=["department", "date"], name="items_replaced_of_day"),
            models.Index(fields=["kept_at"], name="items_replaced_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.date:%d.%m.%Y} {self.quantity}"
