"""What to bake: the units that suffice as often as a lost sale is worth more than a wasted unit."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import Organisation
from departments.models import Department
from departments.timing import organisation_today
from forecasting.engine.item_levels import LEVELS, TOLERANCE
from forecasting.models import BakeTerms, ItemAgreement, ItemForecast, ItemIssue
from items.choices import ProductType
from items.models import ItemDay, Product, ProductDay, ProductGroup

LEAST_LEVEL, MOST_LEVEL = Decimal(10), Decimal("97.5")  # percent, between which forecasts know what suffices
LOST_SALE, WASTE = Decimal(70), Decimal(30)  # percent of the price, unless an organisation says otherwise
ROUNDED = Decimal("0.0005")  # what is stored is
KNOWN_DAYS = 8  # in which items of a chain came, to be forecast at all
WEEK = dt.timedelta(days=7)
NOT_MADE = (ProductType.SERVICE, ProductType.MODIFIER, ProductType.RATE)  # sold, but by nobody laid out
_LOW, _HIGH = LEVELS.index(0.1), LEVELS.index(0.9)


@dataclass(frozen=True)
class Line:
    """A product of the list, in units. `level`: percent of days on which `bake` suffices; `last_week` and `sold` of that day
    and the same weekday before it, None where nothing is known.
    """

    product: Product
    expected: Decimal
    bake: Decimal
    lower_80: Decimal
    upper_80: Decimal
    level: Decimal
    batch: Decimal
    last_week: Decimal | None
    sold: Decimal | None


@dataclass(frozen=True)
class Agreement:
    """Money of a day: what the department's own forecast leaves for its items, and what their forecasts come to."""

    wanted: Decimal
    found: Decimal

    @property
    def difference(self) -> Decimal:
        return self.found / self.wanted - 1

    @property
    def holds(self) -> bool:
        return abs(self.difference) <= Decimal(str(TOLERANCE)) + ROUNDED


@dataclass(frozen=True)
class BakeList:
    """`lines` by the name of the product. `agreement` is None where the money of the items or of the department is not known."""

    department: Department
    date: dt.date
    issue: ItemIssue
    cutoff: dt.date
    lines: list[Line]
    agreement: Agreement | None

    @property
    def known(self) -> bool:
        """Whether it is known what was sold that day."""
        return any(line.sold is not None for line in self.lines)

    @property
    def baked(self) -> Decimal:
        return sum((line.bake for line in self.lines), Decimal(0))

    @property
    def expected(self) -> Decimal:
        return sum((line.expected for line in self.lines), Decimal(0))


def bake_list(
    department: Department, date: dt.date, *, level: Decimal | None = None, group: ProductGroup | None = None
) -> BakeList | None:
    """The list of a department for a date, by its products' terms or for a service `level` in percent, of a group or all.

    Of a date gone by it is what was promised in its morning. None where no issue speaks of the department that day.
    """
    issue = _issue_for(department, date)
    if issue is None:
        return None
    ahead = (date - issue.data_as_of).days - 1
    terms = Terms(department.organisation)
    last_week, sold = (_sold(department, day) for day in (date - WEEK, date))
    lines = []
    rows = (
        ItemForecast.objects.of(issue, department).exclude(product__type__in=NOT_MADE).filter(product__is_active=True)
    )
    if group:
        rows = rows.filter(product__group=group)
    for row in rows.select_related("product").order_by("product__name", "pk"):
        batch = terms.of(row.product_id).batch
        wanted = terms.level(row.product_id) if level is None else min(max(level, LEAST_LEVEL), MOST_LEVEL)
        quantiles = row.quantiles[ahead]
        lines.append(
            Line(
                product=row.product,
                expected=_units(row.expected[ahead]),
                bake=in_batches(enough(quantiles, wanted), batch),
                lower_80=_units(quantiles[_LOW]),
                upper_80=_units(quantiles[_HIGH]),
                level=wanted,
                batch=batch,
                last_week=None if last_week is None else last_week.get(row.product_id, Decimal(0)),
                sold=None if sold is None else sold.get(row.product_id, Decimal(0)),
            )
        )
    agreed = ItemAgreement.objects.get(issue=issue, department=department)
    return BakeList(department, date, issue, agreed.cutoff, lines, _agreement(agreed, ahead))


def enough(quantiles: list[float], level: Decimal) -> float:
    """The units that suffice on `level` percent of days, between the stored quantiles by a straight line."""
    wanted = float(level) / 100
    last = next((number for number, known in enumerate(LEVELS) if known >= wanted), len(LEVELS) - 1)
    first = max(last - 1, 0)
    if LEVELS[last] <= LEVELS[first]:
        return quantiles[last]
    part = min((wanted - LEVELS[first]) / (LEVELS[last] - LEVELS[first]), 1.0)
    return quantiles[first] + part * (quantiles[last] - quantiles[first])


def in_batches(units: float, batch: Decimal) -> Decimal:
    """The least whole number of batches that holds the units; what is a hair above a batch is that batch."""
    return (Decimal(str(round(units, 3))) / batch - Decimal("0.001")).to_integral_value(ROUND_CEILING) * batch


class Terms:
    """The terms of an organisation's products."""

    def __init__(self, organisation: Organisation) -> None:
        rows = {row.product_id: row for row in BakeTerms.objects.filter(organisation=organisation)}
        default = BakeTerms(organisation=organisation, lost_sale=LOST_SALE, waste=WASTE, batch=Decimal(1))
        self.default, self.own = rows.pop(None, default), rows

    def of(self, product: UUID) -> BakeTerms:
        return self.own.get(product, self.default)

    def level(self, product: UUID) -> Decimal:
        """Percent of days on which it pays that the product is not sold out: the newsvendor's answer."""
        terms = self.of(product)
        level = 100 * terms.lost_sale / (terms.lost_sale + terms.waste)
        return min(max(level.quantize(Decimal("0.1")), LEAST_LEVEL), MOST_LEVEL)


def sells_items(organisation: Organisation) -> bool:
    """Whether products of any department are known lately enough to be forecast."""
    since = organisation_today(organisation) - dt.timedelta(days=KNOWN_DAYS)
    return ItemDay.objects.filter(organisation=organisation, date__gte=since).counted().exists()


def forecast_departments(organisation: Organisation, among: Iterable[UUID]) -> set[UUID]:
    """Those of `among` that the newest issue speaks of."""
    issue = ItemIssue.objects.filter(organisation=organisation).first()
    rows = ItemAgreement.objects.filter(issue=issue, department__in=list(among))
    return set(rows.values_list("department", flat=True))


def _issue_for(department: Department, date: dt.date) -> ItemIssue | None:
    """The newest issue made before the morning of `date`; if there is none yet, the newest that speaks of it."""
    spoken = ItemAgreement.objects.filter(department=department, issue__data_as_of__lt=date).order_by(
        "-issue__made_at", "-issue_id"
    )
    rows = spoken.select_related("issue")
    for row in (rows.filter(issue__promised_on__lte=date).first(), rows.first()):
        if row and (date - row.issue.data_as_of).days <= row.issue.horizon:
            return row.issue
    return None


def _sold(department: Department, date: dt.date) -> dict[UUID, Decimal] | None:
    """Units by product, None where the items of the day are not known."""
    if not ItemDay.objects.filter(department=department, date=date).counted().exists():
        return None
    return dict(ProductDay.objects.filter(department=department, date=date).values_list("product", "quantity"))


def _agreement(agreed: ItemAgreement, ahead: int) -> Agreement | None:
    wanted, found = agreed.wanted[ahead], agreed.found[ahead]
    if wanted is None or found is None or not Decimal(wanted):
        return None
    return Agreement(Decimal(wanted), Decimal(found))


def _units(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.1"))


def save_terms(organisation: Organisation, rows: Iterable[BakeTerms], left: Iterable[Product]) -> None:
    """Store terms; products in `left` go by the organisation's own from now on."""
    with transaction.atomic():
        BakeTerms.objects.filter(organisation=organisation, product__in=list(left)).delete()
        for row in rows:
            BakeTerms.objects.update_or_create(
                organisation=organisation,
                product=row.product,
                defaults={"lost_sale": row.lost_sale, "waste": row.waste, "batch": row.batch},
            )
