"""An organisation whose sales are only pushed has nights too, and old lines go at night where that was asked for."""

import datetime as dt
import random
from decimal import Decimal

import pytest

from accounts.models import Organisation
from departments.models import Department
from departments.timing import organisation_today
from forecasting.models import ForecastIssue
from forecasting.train import start_training
from items.lines import Line
from items.models import Product, SaleLine
from items.sources import item_source
from items.store import store_lines
from operations.night import start_night, start_nights
from runs.choices import State
from runs.ledger import run_now
from runs.models import Run

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def organisation():
    """Two branches whose lines of 120 days were pushed."""
    organisation = Organisation.objects.main()
    today = organisation_today(organisation)
    source = item_source(organisation, "till")
    product = Product.objects.create(organisation=organisation, name="Latte")
    chance = random.Random(7)
    lines = []
    for name, factor in (("Cafe", 1), ("Bar", 2)):
        department = Department.objects.create(organisation=organisation, name=name)
        for back in range(1, 121):
            date = today - dt.timedelta(days=back)
            for hour in (9, 18):
                amount = Decimal(factor * (1000 + 100 * date.weekday() + chance.randint(-150, 150)))
                lines.append(
                    Line(
                        f"{name} {hour}", department.pk, product.pk, date, hour=hour, quantity=Decimal(1), total=amount
                    )
                )
    store_lines(source, lines)
    return organisation


@pytest.mark.postgres
def test_pushed_sales_are_forecast_at_night(organisation):
    training = run_now(start_training(organisation=organisation, trigger="command", origins=1)[0])
    assert training.state == State.DONE, training.errors
    opened = start_nights()
    night = run_now(Run.objects.get(pk=opened[0]))
    assert night.state == State.DONE, night.errors
    issue = ForecastIssue.objects.get(origin="nightly")
    assert issue.data_as_of == organisation_today(organisation) - dt.timedelta(days=1)
    assert issue.forecasts.count() == 2 * 35
    assert not night.children.filter(kind__in=("sync_sales", "clean_items")).exists()


@pytest.mark.integration
def test_old_lines_go_at_night_where_that_was_asked_for(organisation, settings):
    settings.AUTO_CLEANUP_ENABLED = True
    settings.SALES_DATA_RETENTION_YEARS = 0
    night = run_now(start_night(organisation)[0])
    assert night.state == State.DONE, night.errors
    assert night.children.get(kind="clean_items").counts["lines"] == 480
    assert not SaleLine.objects.exists()


@pytest.mark.integration
def test_an_organisation_without_sources_has_no_night(db):
    assert start_nights() == []
    assert run_now(start_night(Organisation.objects.main())[0]).state == State.FAILED
