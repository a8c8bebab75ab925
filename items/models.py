"""WHAT WAS SOLD: products, who sells them where, receipts and their lines, and what these come to.

Only ids are kept by hand on the large tables: nothing has a foreign key to a line, and the business date is part of
every natural key, so that months can become partitions the day a measurement asks for it.
"""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import BEGINNING, Connection, Department
from items.choices import CategoryKind, Channel, Grain, JobStatus, MadeFor, PriceKind, ProductType
from items.querysets import (
    DeliveryQuerySet,
    JobQuerySet,
    LineQuerySet,
    OrganisationRows,
    ProductQuerySet,
    RollupQuerySet,
)
from runs.models import Run
from sales.money import MoneyField

# Written in bulk from ids that were just read.
UNCHECKED: dict[str, Any] = {"related_name": "+", "db_index": False, "db_constraint": False}
HOUR = [MaxValueValidator(23)]


class QuantityField(models.DecimalField):
    """numeric(14, 3): pieces or kilograms; negative for what was returned."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 14)
        kwargs.setdefault("decimal_places", 3)
        super().__init__(*args, **kwargs)


class ItemSource(models.Model):
    """What a connection knows of item sales, and what is expected of it.

    `has_money`, `has_hours`: whether its lines carry amounts and instants; what a source does not know stays NULL.
    `expected_by`: the local hour by which yesterday should have been delivered; empty: nobody waits for it.
    `made_for`: what the product made it for, found again whatever a person calls the connection; empty: a person did.
    `client`: the API key or person that delivers it over HTTP, found again likewise.
    `kept_from`: lines of earlier dates were cleaned up, see `items.retention`.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="items", verbose_name=_("connection")
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    grain = models.CharField(_("grain"), max_length=12, choices=Grain, default=Grain.LINE)
    has_money = models.BooleanField(_("knows amounts"), default=True)
    has_hours = models.BooleanField(_("knows hours"), default=True)
    creates_products = models.BooleanField(
        _("creates unknown products"), default=False, help_text=_("Off: what names an unknown product is refused")
    )
    department = models.ForeignKey(
        Department,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("department"),
        help_text=_("Of sales that name none"),
    )
    expected_by = models.PositiveSmallIntegerField(
        _("expected by hour"), null=True, blank=True, validators=HOUR, help_text=_("Empty: not expected")
    )
    made_for = models.CharField(max_length=12, choices=MadeFor, blank=True, editable=False)
    client = models.CharField(max_length=80, blank=True, editable=False)
    kept_from = models.DateField(null=True, blank=True, editable=False)

    objects = OrganisationRows.as_manager()

    class Meta:
        verbose_name = _("source of item sales")
        verbose_name_plural = _("sources of item sales")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "made_for"], condition=~Q(made_for=""), name="items_source_made_once"
            ),
            models.UniqueConstraint(
                fields=["organisation", "client", "grain"], condition=~Q(client=""), name="items_source_client_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.connection)


class Named(models.Model):
    """What a source's catalogue lists beside products. Fields nobody asked for are kept in `additional_info`."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", verbose_name=_("connection"))
    external_id = models.CharField(_("id at the source"), max_length=80)
    name = models.CharField(_("name"), max_length=300)
    code = models.CharField(_("code"), max_length=60, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    additional_info = models.JSONField(_("other fields"), default=dict, blank=True)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True)

    objects = OrganisationRows.as_manager()

    class Meta:
        abstract = True
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class ProductGroup(Named):
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )

    class Meta(Named.Meta):
        abstract = False
        db_table = "product_groups"
        verbose_name = _("product group")
        verbose_name_plural = _("product groups")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "external_id"], name="items_product_group_once"
            ),
        ]


class Category(Named):
    kind = models.CharField(_("kind"), max_length=12, choices=CategoryKind, default=CategoryKind.PRODUCT)

    class Meta(Named.Meta):
        abstract = False
        db_table = "categories"
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "kind", "external_id"], name="items_category_once"
            ),
        ]


class Unit(Named):
    class Meta(Named.Meta):
        abstract = False
        db_table = "product_units"
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "connection", "external_id"], name="items_unit_once"),
        ]


class Store(Named):
    """A store house of a source; goods leave it, sales are the department's."""

    department = models.ForeignKey(
        Department,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="stores",
        verbose_name=_("department"),
    )

    class Meta(Named.Meta):
        abstract = False
        db_table = "stores"
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "connection", "external_id"], name="items_store_once"),
        ]


class Product(models.Model):
    """An article. The id is ours and never changes; codes are case-sensitive and may be missing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="products", verbose_name=_("organisation")
    )
    code = models.CharField(_("code"), max_length=60, blank=True)
    name = models.CharField(_("name"), max_length=300)
    type = models.CharField(_("type"), max_length=12, choices=ProductType, default=ProductType.DISH)
    group = models.ForeignKey(
        ProductGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="products", verbose_name=_("group")
    )
    category = models.ForeignKey(
        Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("category")
    )
    tax_category = models.ForeignKey(
        Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("tax category")
    )
    accounting_category = models.ForeignKey(
        Category,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("accounting category"),
    )
    unit = models.ForeignKey(
        Unit, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("unit")
    )
    default_price = MoneyField(_("price"), null=True, blank=True)
    description = models.TextField(_("description"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    additional_info = models.JSONField(_("other fields"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        db_table = "products"
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "code"], condition=~Q(code=""), name="items_product_code_once"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "name"], name="items_product_by_name")]

    def __str__(self) -> str:
        return self.name


class SourceProduct(models.Model):
    """What a source calls a product: an id of its own, a code or a name. The only place that knows it."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="source_products")
    external_id = models.CharField(_("id at the source"), max_length=300)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="sources", verbose_name=_("product"))
    seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)

    class Meta:
        verbose_name = _("product at a source")
        verbose_name_plural = _("products at sources")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "external_id"], name="items_source_product_once"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class ProductModifier(models.Model):
    """A modifier that may or must be sold with a product."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="modifiers", verbose_name=_("product"))
    modifier = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("modifier"))
    at_least = models.PositiveIntegerField(_("at least"), default=0)
    at_most = models.PositiveIntegerField(_("at most"), null=True, blank=True)
    by_default = models.PositiveIntegerField(_("by default"), default=0)
    is_required = models.BooleanField(_("required"), default=False)
    additional_info = models.JSONField(_("other fields"), default=dict, blank=True)

    class Meta:
        db_table = "product_modifiers"
        verbose_name = _("modifier")
        verbose_name_plural = _("modifiers")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "product", "modifier"], name="items_modifier_once"),
        ]

    def __str__(self) -> str:
        return f"{self.product} + {self.modifier}"


class Price(models.Model):
    """What a product costs, or is made for, from a date on; `department` empty: everywhere else."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="prices", verbose_name=_("product"))
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    kind = models.CharField(_("kind"), max_length=4, choices=PriceKind, default=PriceKind.SALE)
    from_date = models.DateField(_("from"), default=BEGINNING)
    amount = MoneyField(_("amount"))
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = OrganisationRows.as_manager()

    class Meta:
        db_table = "product_prices"
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["product", "kind", "-from_date"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "product", "department", "kind", "from_date"], name="items_price_once"
            ),
            models.UniqueConstraint(
                fields=["organisation", "product", "kind", "from_date"],
                condition=Q(department=None),
                name="items_price_everywhere_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.amount}"


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
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, **UNCHECKED)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, **UNCHECKED)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, **UNCHECKED)
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


class Delivery(models.Model):
    """One attempt of a push client: what it brought, what became of it, and the answer it was given.

    The same `idempotency_key` again is answered with the stored `answer`; with another body it is refused.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("connection")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    what = models.CharField(_("what"), max_length=40)
    at = models.DateTimeField(_("received"), auto_now_add=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (NULLs are distinct)
    body_sha256 = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    answer = models.TextField(blank=True)
    inserted = models.PositiveIntegerField(_("added"), default=0)
    updated = models.PositiveIntegerField(_("changed"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    from_date = models.DateField(_("from"), null=True, blank=True)
    to_date = models.DateField(_("to"), null=True, blank=True)
    errors = models.JSONField(_("errors"), default=list, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "idempotency_key"], name="items_delivery_key_once"
            ),
        ]
        indexes = [models.Index(fields=["connection", "-at"], name="items_delivery_newest")]

    def __str__(self) -> str:
        return f"{self.connection} {timezone.localtime(self.at):%d.%m.%Y %H:%M}"


class ImportJob(models.Model):
    """A file of item sales on its way into the store: what it is, how it is read, how far it got."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="imports", verbose_name=_("connection")
    )
    department = models.ForeignKey(
        Department, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    job_name = models.CharField(_("name"), max_length=255, blank=True)
    file_name = models.CharField(_("file"), max_length=255)
    file_size_bytes = models.BigIntegerField(_("size"))
    file_type = models.CharField(_("type"), max_length=50)
    sha256 = models.CharField(max_length=64)
    status = models.CharField(_("state"), max_length=50, choices=JobStatus, default=JobStatus.PENDING)
    total_rows = models.IntegerField(_("rows"), null=True, blank=True)
    processed_rows = models.IntegerField(_("read"), default=0)
    successful_rows = models.IntegerField(_("stored"), default=0)
    failed_rows = models.IntegerField(_("refused"), default=0)
    error_log = models.JSONField(_("errors"), default=list, blank=True)
    column_mapping = models.JSONField(_("columns"), default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    completed_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "sales_import_jobs"
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.job_name or self.file_name


class ImportChunk(models.Model):
    """A piece of an import's file, or of the rows it refused: where every worker and every backup finds it."""

    class What(models.TextChoices):
        FILE = "file"
        REFUSED = "refused"

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="chunks")
    what = models.CharField(max_length=8, choices=What)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "sales_import_chunks"
        ordering = ["job", "what", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "what", "number"], name="items_import_chunk_once")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.what} {self.number}"


class ImportLayout(models.Model):
    """How files with these columns were read before; `signature`: of the names of their columns."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    signature = models.CharField(max_length=64)
    layout = models.JSONField(default=dict)
    used_at = models.DateTimeField(auto_now=True)

    objects = OrganisationRows.as_manager()

    class Meta:
        db_table = "sales_import_layouts"
        constraints = [models.UniqueConstraint(fields=["organisation", "signature"], name="items_import_layout_once")]

    def __str__(self) -> str:
        return ", ".join(self.layout.get("columns", {}))
