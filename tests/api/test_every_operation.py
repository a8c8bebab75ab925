"""Whatever is sent, no operation fails within, and every answer is one that the OpenAPI document announces."""

from decimal import Decimal

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.views import APIView
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from accounts.keys import create_api_key
from accounts.roles import Role
from items.lines import Line
from items.models import Product, SaleLine
from items.sources import by_hand
from items.store import store_lines
from runs.ledger import open_run
from salesforecast.wsgi import application
from tests.world import World

pytestmark = pytest.mark.django_db

# Each of them on rows of its own, so that what one has written does not burden all that follow.
PARTS = 6
CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance]


@pytest.fixture
def one_connection():
    """A request that ends closes no connection: the test's transaction lives in it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def schema(world: World, settings, one_connection):
    settings.RUN_ANSWER_SECONDS = 0
    return schemathesis.openapi.from_wsgi("/api/schema/", application)


def a_record(world: World) -> SaleLine:
    source = by_hand(world.organisation)
    product = Product.objects.create(organisation=world.organisation, code="L-1", name="Latte")
    store_lines(source, [Line("1", world.cafe.pk, product.pk, world.days[0], quantity=Decimal(2))])
    return SaleLine.objects.get()


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    "cases", [pytest.param(10, marks=pytest.mark.postgres), pytest.param(250, marks=pytest.mark.deep)]
)
def test_nothing_breaks(schema, world: World, monkeypatch, cases, part):
    """`cases` requests to each operation of a part, half of them about rows that are there."""
    monkeypatch.setattr(APIView, "throttle_classes", [])
    _row, key = create_api_key(organisation=world.organisation, name="all", role=Role.ADMINISTRATOR)
    run, _created = open_run("nightly", organisation=world.organisation)
    record = a_record(world)
    there = {"date": str(world.today), "branch_id": str(world.cafe.pk)}
    wrong = []
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > PARTS
    for operation in operations[part::PARTS]:
        if operation.path == "/readyz":  # says, as it should, that nobody works here
            continue
        there["id"] = str(world.cafe.pk if "departments" in operation.path else run.pk)
        if operation.path == "/api/v1/sales/{id}":
            there["id"] = str(record.pk)

        @settings(
            max_examples=cases, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(), real=st.booleans())
        def send(case, real):
            if real and case.path_parameters:
                case.path_parameters = {name: there.get(name, value) for name, value in case.path_parameters.items()}
            response = case.call(headers={"Authorization": f"Api-Key {key}"})
            case.validate_response(response, checks=CHECKS)

        try:
            send()
        except (Exception, BaseExceptionGroup) as error:
            parts = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
            wrong += [f"{operation.label}: {part}"[:1500] for part in parts]
    assert wrong == [], "\n\n".join(wrong)
