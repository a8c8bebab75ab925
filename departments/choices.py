from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    IIKO = "iiko", _("iiko server")
    ONEC = "onec", _("1C service")
    PUSH = "push", _("push client")


# Sources that name departments, or what the books hold instead of them.
NAMING_KINDS = (Kind.IIKO, Kind.ONEC)


class Measure(models.TextChoices):
    REVENUE = "revenue", _("revenue (after discounts)")
    GROSS = "gross", _("gross (before discounts)")


class Segment(models.TextChoices):
    COFFEEHOUSE = "coffeehouse", _("coffee house")
    RESTAURANT = "restaurant", _("restaurant")
    CONFECTIONERY = "confectionery", _("confectionery")
    FOOD_COURT = "food_court", _("food court")
    STORE = "store", _("store")
    FAST_FOOD = "fast_food", _("fast food")
    BAKERY = "bakery", _("bakery")
    CAFE = "cafe", _("cafe")
    BAR = "bar", _("bar")


# iiko's corporation item types at which money is earned.
SELLING_TYPES = ("DEPARTMENT", "SALEPOINT")

# iiko's names of the nodes of a chain's tree; another name is shown as it comes.
TYPES = {
    "CORPORATION": _("chain"),
    "JURPERSON": _("legal entity"),
    "ORGDEVELOPMENT": _("division"),
    "DEPARTMENT": _("branch"),
    "SALEPOINT": _("point of sale"),
    "MANUFACTURE": _("production"),
    "CENTRALOFFICE": _("head office"),
}
