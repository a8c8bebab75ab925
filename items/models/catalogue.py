"""What may be sold: products and what sorts them, as sources list it and people add to it."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import BEGINNING, Connection, Department
from items.choices import CategoryKind, PriceKind, ProductType
from items.querysets import OrganisationRows, PriceQuerySet, ProductQuerySet, StoreQuerySet
from sales.money import MoneyField

# What a source says of a product. A person who wants it otherwise says so: `Product.overridden`.
PRODUCT_FIELDS = (
    "name",
    "code",
    "type",
    "group",
    "category",
    "tax_category",
    "accounting_category",
    "unit",
    "default_price",
    "description",
    "is_active",
)


class Catalogue(models.Model):
    """What an iiko server is asked for beside its sales, and how far that is known.

    `revision`: products are known up to it, later changes are asked for; empty: this server cannot tell.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="catalogue", verbose_name=_("connection")
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    at_night = models.BooleanField(_("catalogue every night"), default=True)
    receipts_at_night = models.BooleanField(
        _("receipts every night"), default=False, help_text=_("Line by line: a long question for a large chain")
    )
    revision = models.BigIntegerField(_("revision"), null=True, blank=True, editable=False)
    full_at = models.DateTimeField(_("read as a whole"), null=True, blank=True, editable=False)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True, editable=False)

    objects = OrganisationRows.as_manager()

    class Meta:
        db_table = "catalogues"
        verbose_name = _("catalogue of a server")
        verbose_name_plural = _("catalogues of servers")
        ordering = ["connection__name"]
        permissions = [("sync_catalogue", "Can synchronise the catalogue")]

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
    """A store house of a source; goods leave it, sales are the department's.

    `is_matched_by_hand`: a person said whose it is, or that it is nobody's; else the source's tree says so.
    """

    department = models.ForeignKey(
        Department,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="stores",
        verbose_name=_("department"),
    )
    is_matched_by_hand = models.BooleanField(_("department chosen by hand"), default=False)

    objects: ClassVar[Any] = StoreQuerySet.as_manager()

    class Meta(Named.Meta):
        abstract = False
        db_table = "stores"
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "connection", "external_id"], name="items_store_once"),
        ]


class Product(models.Model):
    """An article. The id is ours and never changes; codes are case-sensitive and may be missing.

    `said_by`: the server that has the say over PRODUCT_FIELDS, but for those of them that `overridden` names.
    """

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
    said_by = models.ForeignKey(
        Connection, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    overridden = models.JSONField(_("kept by hand"), default=list, blank=True)
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
    """What a source calls a product: an id of its own, a code or a name. The only place that knows it.

    `is_active`: the source's catalogue still lists it, not as deleted.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="source_products")
    external_id = models.CharField(_("id at the source"), max_length=300)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="sources", verbose_name=_("product"))
    is_active = models.BooleanField(_("active"), default=True)
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
    connection = models.ForeignKey(
        Connection,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("connection"),
    )

    objects = PriceQuerySet.as_manager()

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
