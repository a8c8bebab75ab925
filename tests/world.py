"""A small chain with everybody who may, and may not, see it. Plain functions, and the fixture `world`.

Two legal entities, three departments, a week of sales up to yesterday with a bad day and a missing one, and one
issue of forecasts that covers the same week and the four weeks ahead.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.keys import create_api_key
from accounts.models import Membership, Organisation, User
from accounts.roles import Role
from departments.models import Department
from departments.scopes import limit_to
from departments.timing import organisation_today
from forecasting.choices import Origin, Rule, VersionState
from forecasting.models import Forecast, ForecastIssue, ModelVersion
from runs.models import Run
from sales.choices import DayState
from sales.models import Restatement, SalesByHour, SalesSummary

PLACES = Decimal("0.0001")
PASSWORD = "correct horse battery staple"
DAYS = 7
AHEAD = 28
HOURS = {8: Decimal("12000.25"), 13: Decimal("40000.5033"), 20: Decimal("7999.9999")}
BACKEND = "accounts.backends.RoleBackend"


@dataclass
class World:
    """`days` are the business dates with sales, oldest first; `today` is the organisation's."""

    organisation: Organisation
    other_organisation: Organisation
    coffee_company: Department
    bread_company: Department
    cafe: Department
    bar: Department
    bakery: Department
    foreign: Department
    administrator: User
    manager: User
    analyst: User
    staff: User
    nobody: User
    stranger: User
    integrator_key: str
    expired_key: str
    manager_key: str
    today: dt.date
    days: list[dt.date]
    version: ModelVersion
    issue: ForecastIssue
    people: dict[str, User] = field(default_factory=dict)

    @property
    def departments(self) -> list[Department]:
        """The three that sell."""
        return [self.cafe, self.bar, self.bakery]

    def client(self, who: str | User) -> Client:
        """A browser in which somebody is signed in."""
        client = Client()
        client.force_login(self.people[who] if isinstance(who, str) else who, backend=BACKEND)
        return client

    def api(self, key: str | None = None) -> Client:
        """A program with an API key (the integrator's)."""
        return Client(headers={"authorization": f"Api-Key {key or self.integrator_key}"})


def build_world(today: dt.date | None = None) -> World:
    organisation = Organisation.objects.create(name="Morning Coffee")
    other = Organisation.objects.create(name="Other Chain")
    today = today or organisation_today(organisation)
    coffee = _department(organisation, "Coffee LLP", type="JURPERSON")
    bread = _department(organisation, "Bread LLP", type="JURPERSON")
    cafe = _department(organisation, "Cafe on Abay", parent=coffee, segment_type="coffeehouse", code="1")
    bar = _department(organisation, "Bar 22", parent=coffee, segment_type="bar", code="2")
    bakery = _department(organisation, "Bakery", parent=bread, segment_type="bakery", code="3")
    foreign = _department(other, "Foreign cafe")

    administrator = _person("administrator", organisation, Role.ADMINISTRATOR)
    manager = _person("manager", organisation, Role.MANAGER, only=[cafe, bar])
    analyst = _person("analyst", organisation, Role.ANALYST)
    staff = _person("staff", organisation, Role.STAFF, only=[cafe])
    nobody = User.objects.create_user("nobody", password=PASSWORD)
    stranger = _person("stranger", other, Role.ADMINISTRATOR)

    _row, integrator_key = create_api_key(organisation=organisation, name="till", role=Role.INTEGRATOR)
    row, manager_key = create_api_key(
        organisation=organisation, name="branch", role=Role.MANAGER, all_departments=False
    )
    limit_to(Membership.objects.get(user=row.user), [cafe, bar])
    expired, expired_key = create_api_key(organisation=organisation, name="old", role=Role.ADMINISTRATOR)
    type(expired).objects.filter(pk=expired.pk).update(expiry_date=timezone.now() - dt.timedelta(days=1))

    days = [today - dt.timedelta(days=back) for back in range(DAYS, 0, -1)]
    for department, factor in ((cafe, Decimal(1)), (bar, Decimal(2)), (bakery, Decimal("0.5")), (foreign, Decimal(3))):
        sell(department, days, factor)
    # The bar's newest day is not to be trusted and the day before it is missing.
    SalesSummary.objects.filter(department=bar, date=days[-1]).update(state=DayState.SUSPICIOUS)
    SalesByHour.objects.filter(department=bar, date=days[-2]).delete()
    SalesSummary.objects.filter(department=bar, date=days[-2]).update(
        state=DayState.MISSING, total_sales=None, revenue=None, gross=None, orders=None, guests=None
    )
    version, issue = forecast(
        [cafe, bar, bakery], made_on=days[0] - dt.timedelta(days=1), last=today + dt.timedelta(days=AHEAD)
    )
    forecast([foreign], made_on=days[0] - dt.timedelta(days=1), last=today + dt.timedelta(days=AHEAD))
    people = {user.username: user for user in (administrator, manager, analyst, staff, nobody, stranger)}
    return World(
        organisation=organisation,
        other_organisation=other,
        coffee_company=coffee,
        bread_company=bread,
        cafe=cafe,
        bar=bar,
        bakery=bakery,
        foreign=foreign,
        administrator=administrator,
        manager=manager,
        analyst=analyst,
        staff=staff,
        nobody=nobody,
        stranger=stranger,
        integrator_key=integrator_key,
        expired_key=expired_key,
        manager_key=manager_key,
        today=today,
        days=days,
        version=version,
        issue=issue,
        people=people,
    )


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def sell(department: Department, days: list[dt.date], factor: Decimal = Decimal(1)) -> None:
    """`HOURS` times `factor` on each of the days; the hours add up to the day."""
    now = timezone.now()
    common = {
        "organisation": department.organisation,
        "department": department,
        "created_at": now,
        "updated_at": now,
        "synced_at": now,
    }
    hours, summaries = [], []
    for date in days:
        amounts = {hour: (amount * factor).quantize(PLACES) for hour, amount in HOURS.items()}
        total = sum(amounts.values(), Decimal(0))
        figures = {"date": date, **common}
        summaries.append(
            SalesSummary(total_sales=total, revenue=total, gross=total + 1000, orders=60, guests=75, **figures)
        )
        hours += [
            SalesByHour(hour=hour, sales_amount=amount, revenue=amount, gross=amount, orders=20, **figures)
            for hour, amount in amounts.items()
        ]
    SalesSummary.objects.bulk_create(summaries)
    SalesByHour.objects.bulk_create(hours)


def restate(
    department: Department, date: dt.date, *, by: Decimal, hour: int = 13, run: Run | None = None
) -> list[Restatement]:
    """`by` was sold more in that hour than had been told: the figures of now, and what they were."""
    now = timezone.now()
    day = SalesSummary.objects.get(department=department, date=date)
    row = SalesByHour.objects.get(department=department, date=date, hour=hour)
    common = {"organisation": department.organisation, "department": department, "date": date, "changed_at": now}
    log = []
    for figures, amount, number in ((day, "total_sales", None), (row, "sales_amount", hour)):
        old = getattr(figures, amount)
        log.append(
            Restatement(
                hour=number,
                run=run,
                old_total=old,
                new_total=old + by,
                old_orders=figures.orders,
                new_orders=figures.orders + 1,
                **common,
            )
        )
        setattr(figures, amount, old + by)
        figures.orders += 1
        figures.save()
    SalesSummary.objects.filter(pk=day.pk).update(state=DayState.RESTATED, changed_by=run)
    return Restatement.objects.bulk_create(log)


def forecast(departments: list[Department], *, made_on: dt.date, last: dt.date) -> tuple[ModelVersion, ForecastIssue]:
    """A serving version and an issue it made on the morning of `made_on`, from that day to `last`."""
    organisation = departments[0].organisation
    version = ModelVersion.objects.create(
        organisation=organisation,
        number=1,
        recipe="daily",
        code_version="1",
        contract="0" * 64,
        trained_through=made_on - dt.timedelta(days=1),
        manifest={"features": ["weekday", "lag_7", "mean_28"]},
        metrics={"wape": 0.11, "bias": -0.01, "snaive_wape": 0.17, "origins": 4, "horizon": 28},
        state=VersionState.SERVING,
        activated_at=timezone.now(),
    )
    issue = ForecastIssue.objects.create(
        organisation=organisation,
        version=version,
        made_at=timezone.make_aware(dt.datetime.combine(made_on, dt.time(2, 30))),
        promised_on=made_on,
        data_as_of=made_on - dt.timedelta(days=1),
        origin=Origin.NIGHTLY,
    )
    rows = []
    for ahead in range((last - made_on).days + 1):
        value = Decimal("60000.50") + 100 * ahead
        hours = ["0.00"] * 24
        hours[9], hours[19] = "20000.25", str(value - Decimal("20000.25"))
        rows.append(
            Forecast(
                issue=issue,
                department=departments[0],
                date=made_on + dt.timedelta(days=ahead),
                cutoff=issue.data_as_of,
                horizon=ahead + 1,
                lead_days=ahead,
                predicted_sales=value,
                lower_80=value * Decimal("0.9"),
                upper_80=value * Decimal("1.1"),
                lower_95=value * Decimal("0.8"),
                upper_95=value * Decimal("1.2"),
                rule=Rule.BLEND,
                hours=hours,
            )
        )
    Forecast.objects.bulk_create(rows)
    _as_of_the_first(departments, issue)
    return version, issue


def _as_of_the_first(departments: list[Department], issue: ForecastIssue) -> None:
    """The others' forecasts are those of the first: the database copies them, in a fifth of the time of making rows."""
    fields = Forecast._meta.concrete_fields
    columns = ", ".join(field.column for field in fields if field.column not in ("id", "department_id"))
    key = Forecast._meta.get_field("department").get_db_prep_value
    first, *others = (key(department.pk, connection, prepared=False) for department in departments)
    with connection.cursor() as cursor:
        for other in others:
            cursor.execute(
                f"INSERT INTO forecasts (department_id, {columns})"
                f" SELECT %s, {columns} FROM forecasts WHERE issue_id = %s AND department_id = %s ORDER BY id",
                [other, issue.pk, first],
            )


def _department(organisation: Organisation, name: str, **fields: object) -> Department:
    return Department.objects.create(organisation=organisation, name=name, **fields)


def _person(name: str, organisation: Organisation, role: str, only: list[Department] | None = None) -> User:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    membership = Membership.objects.create(
        user=user, organisation=organisation, role=role, all_departments=only is None
    )
    if only is not None:
        limit_to(membership, only)
    return user
