"""WHAT WILL HAPPEN: model versions, and immutable issues of forecasts."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.models import Department
from forecasting.choices import Origin, Rule, VersionState
from forecasting.querysets import (
    AccuracyQuerySet,
    BakeTermsQuerySet,
    ForecastQuerySet,
    ItemForecastQuerySet,
    ModelVersionQuerySet,
    OfDepartments,
    OwnForecastsQuerySet,
)
from items.models import Product, QuantityField
from runs.models import Run
from sales.choices import DayState
from sales.money import MoneyField


class ModelVersion(models.Model):
    """A fit of a recipe: a manifest and LightGBM texts. A model is data, never a pickle."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField(_("version"))
    recipe = models.CharField(_("recipe"), max_length=60)
    code_version = models.CharField(_("version of the code"), max_length=40)
    contract = models.CharField(max_length=64)
    trained_through = models.DateField(_("trained through"))
    manifest = models.JSONField(default=dict)
    metrics = models.JSONField(_("metrics"), default=dict)
    backtest = models.JSONField(default=dict, help_text=_("Measures of the long backtest by kind of group"))
    tried = models.CharField(
        max_length=64, blank=True, help_text=_("Digest of the texts that were loaded without harm")
    )
    gate = models.JSONField(default=dict, help_text=_("Why the version was let in or refused"))
    state = models.CharField(_("state"), max_length=10, choices=VersionState, default=VersionState.CANDIDATE)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    activated_at = models.DateTimeField(_("serving since"), null=True, blank=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-number"]
        permissions = [("train_model", "Can train the model"), ("roll_back_model", "Can roll the model back")]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "number"], name="forecasting_version_number_once"),
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(state="serving"), name="forecasting_one_serving_version"
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class ModelText(models.Model):
    """One LightGBM model as text, with the hash that is checked before it is loaded."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="texts")
    name = models.CharField(max_length=60)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="forecasting_model_text_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.name}"


class ForecastIssue(models.Model):
    """One immutable set of forecasts; of an old one only some are kept (forecasting.thinning).

    `promised_on` is the local date whose 07:00 the issue was made before: an issue counts as promised h days
    before a date t when promised_on <= t - h. A replayed issue was computed later from what was known then.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="forecast_issues")
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="issues", verbose_name=_("model version")
    )
    made_at = models.DateTimeField(_("made"))
    promised_on = models.DateField(_("promised on"))
    data_as_of = models.DateField(_("data up to"))
    origin = models.CharField(_("made by"), max_length=10, choices=Origin)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    thinned_to = models.DateField(null=True, blank=True, help_text=_("Up to this date only some forecasts are kept"))

    class Meta:
        verbose_name = _("issue of forecasts")
        verbose_name_plural = _("issues of forecasts")
        ordering = ["-made_at"]
        indexes = [models.Index(fields=["organisation", "-made_at"], name="forecasting_issue_newest")]

    def __str__(self) -> str:
        return f"{self.made_at:%d.%m.%Y %H:%M}"


class Forecast(models.Model):
    """A department's business date in an issue. `lead_days` = date - promised_on; `horizon` counts from the cutoff.

    `replaced_on` is set when issues of the date are thinned: the morning from which a newer forecast stood in its place,
    which may not be kept.
    """

    issue = models.ForeignKey(ForecastIssue, on_delete=models.CASCADE, related_name="forecasts", db_index=False)
    department = models.ForeignKey(
        Department,
        on_delete=models.CASCADE,
        related_name="forecasts",
        db_index=False,
        verbose_name=_("department"),
    )
    date = models.DateField(_("date"))
    cutoff = models.DateField(_("data up to"))
    horizon = models.PositiveSmallIntegerField(_("days ahead"))
    lead_days = models.SmallIntegerField(_("promised days before"))
    predicted_sales = MoneyField(_("forecast"))
    lower_80 = MoneyField()
    upper_80 = MoneyField()
    lower_95 = MoneyField()
    upper_95 = MoneyField()
    rule = models.CharField(_("rule"), max_length=20, choices=Rule, default=Rule.MODEL)
    hours = models.JSONField(_("hours"), default=list, help_text=_("24 amounts as text; they add up to the forecast"))
    replaced_on = models.DateField(null=True, blank=True)

    objects = ForecastQuerySet.as_manager()

    class Meta:
        db_table = "forecasts"
        verbose_name = _("forecast")
        verbose_name_plural = _("forecasts")
        ordering = ["date", "department"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "department", "date"], name="forecasts_once_per_issue"),
        ]
        indexes = [models.Index(fields=["department", "date", "lead_days"], name="forecasts_as_promised")]

    def __str__(self) -> str:
        return f"{self.department} {self.date:%d.%m.%Y}"


class Reasons(models.Model):
    """Why the forecasts of a department in an issue are what they are. Only the newest issues keep theirs.

    `by_date`: {"2026-04-01": [money of each of engine.explain.REASONS as text]}, adding up to the forecast.
    """

    issue = models.ForeignKey(ForecastIssue, on_delete=models.CASCADE, related_name="reasons", db_index=False)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+", db_index=False)
    by_date = models.JSONField(default=dict)

    class Meta:
        db_table = "forecast_reasons"
        verbose_name = _("reasons")
        verbose_name_plural = _("reasons")
        constraints = [
            models.UniqueConstraint(fields=["issue", "department"], name="forecast_reasons_once"),
        ]

    def __str__(self) -> str:
        return f"{self.issue} {self.department}"


class OwnForecasts(models.Model):
    """Forecasts of somebody's own, uploaded to be scored beside ours. Only the newest of an organisation are kept.

    `rows`: [[department id, date, forecast, lower 80 or null, upper 80 or null], ...], money as text. `result`: see
    forecasting.scoring; empty until they are scored.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=200)
    days_before = models.PositiveSmallIntegerField(_("promised days before"))
    rows = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = OwnForecastsQuerySet.as_manager()

    class Meta:
        db_table = "own_forecasts"
        verbose_name = _("uploaded forecasts")
        verbose_name_plural = _("uploaded forecasts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Accuracy(models.Model):
    """What was promised of a department's business date `horizon` days before it, beside what was sold. Kept for ever.

    `actual` is empty while nothing believable was sold; `state` is then that of the day, empty if nothing was loaded.
    `naive` is what repeating the last same weekday known at the forecast's cutoff would have promised, `scale` the
    mean absolute change of the department's sales from week to week in the two years before it (MASE).
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("department")
    )
    date = models.DateField(_("date"))
    horizon = models.PositiveSmallIntegerField(_("promised days before"))
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    origin = models.CharField(_("made by"), max_length=10, choices=Origin)
    rule = models.CharField(_("rule"), max_length=20, choices=Rule)
    cutoff = models.DateField(_("data up to"))
    predicted_sales = MoneyField(_("forecast"))
    lower_80 = MoneyField()
    upper_80 = MoneyField()
    lower_95 = MoneyField()
    upper_95 = MoneyField()
    actual = MoneyField(_("actual"), null=True)
    naive = MoneyField(_("repeating last week"), null=True)
    scale = models.FloatField(null=True)
    state = models.CharField(_("state"), max_length=12, choices=DayState, blank=True)
    is_settled = models.BooleanField(default=False, help_text=_("Nothing is expected to change the actual any more"))
    measured_at = models.DateTimeField()

    objects = AccuracyQuerySet.as_manager()

    class Meta:
        db_table = "forecast_accuracy_log"
        verbose_name = _("measured forecast")
        verbose_name_plural = _("measured forecasts")
        ordering = ["date", "department", "horizon"]
        constraints = [
            models.UniqueConstraint(fields=["department", "date", "horizon"], name="forecast_accuracy_once"),
        ]
        indexes = [models.Index(fields=["organisation", "horizon", "date"], name="forecast_accuracy_by_horizon")]

    def __str__(self) -> str:
        return f"{self.department} {self.date:%d.%m.%Y} −{self.horizon}"


class ItemIssue(models.Model):
    """One immutable set of forecasts by product, for the `horizon` days after `data_as_of`.

    `promised_on` as of ForecastIssue; `manifest`: the model's share in the blend, the widths and what was measured
    while it was made. The model itself is not kept: it is fitted anew each time.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="item_issues")
    made_at = models.DateTimeField(_("made"))
    promised_on = models.DateField(_("promised on"))
    data_as_of = models.DateField(_("data up to"))
    horizon = models.PositiveSmallIntegerField(_("days ahead"))
    manifest = models.JSONField(default=dict)
    origin = models.CharField(_("made by"), max_length=10, choices=Origin)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "item_issues"
        verbose_name = _("issue of item forecasts")
        verbose_name_plural = _("issues of item forecasts")
        ordering = ["-made_at"]
        indexes = [models.Index(fields=["organisation", "-promised_on"], name="item_issue_newest")]

    def __str__(self) -> str:
        return f"{self.made_at:%d.%m.%Y %H:%M}"


class ItemForecast(models.Model):
    """A product of a department in an issue. `expected`: units by day; `quantiles`: units by day and engine.counts.LEVELS."""

    issue = models.ForeignKey(ItemIssue, on_delete=models.CASCADE, related_name="forecasts", db_index=False)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    price = MoneyField(_("price"), null=True)
    expected = models.JSONField(default=list)
    quantiles = models.JSONField(default=list)

    objects = ItemForecastQuerySet.as_manager()

    class Meta:
        db_table = "item_forecasts"
        verbose_name = _("item forecast")
        verbose_name_plural = _("item forecasts")
        constraints = [
            models.UniqueConstraint(fields=["issue", "department", "product"], name="item_forecast_once"),
        ]

    def __str__(self) -> str:
        return f"{self.department_id} {self.product_id}"


class ItemAgreement(models.Model):
    """How far an issue's forecasts of a department's items agree with that of the department, by day.

    `share` of the department's sales in the last four weeks came from items whose money is known; `wanted` is that share
    of its forecast, `found` what the items bring at their prices, as text, null where unknown; `factor` what the items
    were multiplied by for it. `cutoff`: the last day whose items are known.
    """

    issue = models.ForeignKey(ItemIssue, on_delete=models.CASCADE, related_name="agreements", db_index=False)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+")
    cutoff = models.DateField(_("data up to"))
    share = models.FloatField(null=True)
    wanted = models.JSONField(default=list)
    found = models.JSONField(default=list)
    factor = models.JSONField(default=list)

    objects = OfDepartments.as_manager()

    class Meta:
        db_table = "item_agreements"
        constraints = [
            models.UniqueConstraint(fields=["issue", "department"], name="item_agreement_once"),
        ]

    def __str__(self) -> str:
        return f"{self.department_id} {self.cutoff}"


class ItemAccuracy(models.Model):
    """What was promised of a department's items `horizon` days before a date, beside what was sold. Kept for ever.

    Sums over products, in units: `sold` of all, `expected`, `missed` (absolute errors), `naive_missed` (those of repeating
    the last same weekday that was known). Of `counted` forecasts `held` lay in their 80 % interval.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+", db_index=False)
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+", db_index=False)
    date = models.DateField(_("date"))
    horizon = models.PositiveSmallIntegerField(_("promised days before"))
    counted = models.PositiveIntegerField()
    held = models.PositiveIntegerField()
    sold = QuantityField()
    expected = QuantityField()
    missed = QuantityField()
    naive_missed = QuantityField()
    measured_at = models.DateTimeField()

    objects = OfDepartments.as_manager()

    class Meta:
        db_table = "item_accuracy_log"
        verbose_name = _("measured item forecasts")
        verbose_name_plural = _("measured item forecasts")
        ordering = ["date", "department", "horizon"]
        constraints = [
            models.UniqueConstraint(fields=["department", "date", "horizon"], name="item_accuracy_once"),
        ]
        indexes = [models.Index(fields=["organisation", "date"], name="item_accuracy_by_date")]

    def __str__(self) -> str:
        return f"{self.department_id} {self.date:%d.%m.%Y} −{self.horizon}"


PERCENT = [MinValueValidator(Decimal(1)), MaxValueValidator(Decimal(1000))]


class BakeTerms(models.Model):
    """What a lost sale and a wasted unit cost, in percent of the price, and in which numbers a product is baked.

    Without a `product` these are the organisation's own terms, for products that have none.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    lost_sale = models.DecimalField(_("a lost sale costs"), max_digits=6, decimal_places=2, validators=PERCENT)
    waste = models.DecimalField(_("a wasted unit costs"), max_digits=6, decimal_places=2, validators=PERCENT)
    batch = QuantityField(_("baked by"), default=1, validators=[MinValueValidator(Decimal("0.001"))])

    objects = BakeTermsQuerySet.as_manager()

    class Meta:
        db_table = "bake_terms"
        verbose_name = _("terms of the bake list")
        verbose_name_plural = _("terms of the bake list")
        constraints = [
            models.UniqueConstraint(fields=["organisation"], condition=Q(product=None), name="bake_terms_one_default"),
            models.UniqueConstraint(fields=["organisation", "product"], name="bake_terms_once"),
        ]

    def __str__(self) -> str:
        return f"{self.lost_sale} : {self.waste}"
