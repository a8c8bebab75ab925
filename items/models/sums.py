"""What lines come to, level by level."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import Connection, Department
from items.models.catalogue import Product
from items.models.fields import UNCHECKED, QuantityField
from items.querysets import OrganisationRows, RollupQuerySet
from sales.money import MoneyField


class Measures(models.Model):
    """What lines come to. An amount is NULL when not all lines know it."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, **UNCHECKED)
    lines = models.IntegerField(_("lines"))
    receipts = models.IntegerField(_("receipts"), null=True, blank=True)
    quantity = QuantityField(_("quantity"))
    revenue = MoneyField(_("revenue"), null=True, blank=True)
    gross = MoneyField(_("gross"), null=True, blank=True)

    class Meta:
        abstract = True


class ItemDay(Measures):
    """What a source's lines of a department's day come to.

    `is_counted`: whether this source is the one whose lines count for products on that day; at most one is.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, **UNCHECKED)
    date = models.DateField(_("date"))
    is_counted = models.BooleanField(_("counted"), default=True)
    updated_at = models.DateTimeField(_("changed"))

    objects = RollupQuerySet.as_manager()

    class Meta:
        db_table = "item_days"
        verbose_name = _("day of item sales")
        verbose_name_plural = _("days of item sales")
        ordering = ["-date", "department"]
        constraints = [
            models.UniqueConstraint(fields=["department", "date", "connection"], name="items_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.department_id} {self.date:%d.%m.%Y}"


class ProductDay(Measures):
    """A product's day in a department, of the counted source."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE, **UNCHECKED)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, **UNCHECKED)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    date = models.DateField(_("date"))

    objects = RollupQuerySet.as_manager()

    class Meta:
        db_table = "product_days"
        verbose_name = _("product's day")
        verbose_name_plural = _("products by day")
        ordering = ["-date", "department", "product"]
        constraints = [
            models.UniqueConstraint(fields=["department", "date", "product"], name="items_product_day_once"),
        ]
        indexes = [models.Index(fields=["product", "date"], name="items_product_day_of_product")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.date:%d.%m.%Y}"


class ProductMonth(Measures):
    """A product's month in a department: the sum of its days. `month` is its first day."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE, **UNCHECKED)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, **UNCHECKED)
    month = models.DateField(_("month"))

    objects = RollupQuerySet.as_manager()

    class Meta:
        db_table = "product_months"
        verbose_name = _("product's month")
        verbose_name_plural = _("products by month")
        ordering = ["-month", "department", "product"]
        constraints = [
            models.UniqueConstraint(fields=["department", "month", "product"], name="items_product_month_once"),
        ]
        indexes = [models.Index(fields=["product", "month"], name="items_product_month_of_product")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.month:%m.%Y}"


class SalesProduct(models.Model):
    """All that was ever sold of a product. `average_price` is revenue over the quantity whose revenue is known."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, primary_key=True, related_name="sold")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    last_sale_date = models.DateField(_("last sold"), null=True, blank=True)
    total_sales_count = models.IntegerField(_("lines"), default=0)
    total_quantity = QuantityField(_("quantity"), default=0)
    total_revenue = MoneyField(_("revenue"), null=True, blank=True)
    average_price = MoneyField(_("average price"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed"))

    objects = OrganisationRows.as_manager()

    class Meta:
        db_table = "sales_products"
        verbose_name = _("sold product")
        verbose_name_plural = _("sold products")

    def __str__(self) -> str:
        return str(self.product)


class StaleDay(models.Model):
    """A day whose lines changed and whose roll-ups and published sales do not know it yet."""

    pk = models.CompositePrimaryKey("connection_id", "department_id", "date")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, **UNCHECKED)
    date = models.DateField()

    class Meta:
        db_table = "item_stale_days"

    def __str__(self) -> str:
        return f"{self.department_id} {self.date:%d.%m.%Y}"
