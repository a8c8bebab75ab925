from django.db import models
from django.utils.translation import gettext_lazy as _


class ProductType(models.TextChoices):
    """iiko's types of nomenclature."""

    GOODS = "GOODS", _("goods")
    DISH = "DISH", _("dish")
    PREPARED = "PREPARED", _("semi-finished")
    SERVICE = "SERVICE", _("service")
    MODIFIER = "MODIFIER", _("modifier")
    OUTER = "OUTER", _("outer goods")
    RATE = "RATE", _("rate")


class CategoryKind(models.TextChoices):
    TAX = "tax", _("tax category")
    PRODUCT = "product", _("product category")
    ACCOUNTING = "accounting", _("accounting category")


class PriceKind(models.TextChoices):
    SALE = "sale", _("price")
    COST = "cost", _("cost")


class Grain(models.TextChoices):
    """The finest thing a source knows of its sales."""

    LINE = "line", _("lines of receipts")
    PRODUCT_DAY = "product_day", _("product and day")


class MadeFor(models.TextChoices):
    """Sources every organisation has once it needs them."""

    FILES = "files", _("Files")
    HAND = "hand", _("By hand")


class Channel(models.TextChoices):
    POS = "pos", _("till")
    ONLINE = "online", _("online")
    MANUAL = "manual", _("by hand")


class JobStatus(models.TextChoices):
    """The four states that readers of `sales_import_jobs` know."""

    PENDING = "pending", _("pending")
    PROCESSING = "processing", _("processing")
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")
