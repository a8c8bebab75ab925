"""Nonsense is refused with 400 in the one error shape, and nothing is changed by it."""

import uuid

import pytest

from runs.models import Run
from tests.world import World

pytestmark = pytest.mark.django_db

LISTS = ("departments/", "sales/summary", "sales/hourly", "forecast/batch", "runs/")
RANGES = (
    "sales/summary",
    "sales/hourly",
    "sales/stats",
    "forecast/batch",
    "forecast/comparison",
    "forecast/export/csv",
)

BAD_DATES = [
    ("from_date=18.03.2026", "from_date", "invalid"),
    ("from_date=2026-3-8", "from_date", "invalid"),
    ("from_date=20260318", "from_date", "invalid"),
    ("to_date=2026-02-30", "to_date", "invalid"),
    ("to_date=yesterday", "to_date", "invalid"),
    ("from_date=", "from_date", "invalid"),
    ("from_date=1026-01-01", "from_date", "out_of_range"),
    ("from_date=2026-03-02&to_date=2026-03-01", "from_date", "range_reversed"),
    ("from_date=2000-01-01&to_date=2100-01-01", "to_date", "range_too_long"),
    ("department_id=abc", "department_id", "invalid"),
    ("department_id=1", "department_id", "invalid"),
]
BAD_LISTS = [
    ("skip=-1", "skip", "min_value"),
    ("skip=x", "skip", "invalid"),
    ("skip=99999999999999999999", "skip", "max_value"),
    ("limit=0", "limit", "min_value"),
    ("limit=10001", "limit", "max_value"),
    ("limit=1e3", "limit", "invalid"),
    ("page_size=0", "page_size", "min_value"),
    ("page_size=10001", "page_size", "max_value"),
    ("page_size=5&skip=5", "page_size", "mixed"),
    ("cursor=%00", "cursor", "null_characters_not_allowed"),
    ("cursor=nonsense", "cursor", "invalid_cursor"),
    ("cursor=W10", "cursor", "invalid_cursor"),
    ("ordering=password", "ordering", "unknown_ordering"),
    ("ordering=-", "ordering", "unknown_ordering"),
    ("ordering=id;drop", "ordering", "unknown_ordering"),
]


def check(response, attr, code, status=400):
    body = response.json()
    assert (response.status_code, response["Content-Type"]) == (status, "application/json"), body
    assert body["type"] == ("validation_error" if status == 400 else "client_error")
    error = body["errors"][0]
    assert error.keys() == {"code", "detail", "attr"}
    assert (error["attr"], error["code"]) == (attr, code)
    assert error["detail"]


@pytest.mark.parametrize(("query", "attr", "code"), BAD_DATES)
def test_bad_filters(world: World, query, attr, code):
    client = world.client("administrator")
    for path in RANGES:
        check(client.get(f"/api/{path}?{query}"), attr, code)


@pytest.mark.parametrize(("query", "attr", "code"), BAD_LISTS)
def test_bad_lists(world: World, query, attr, code):
    client = world.client("administrator")
    for path in LISTS:
        check(client.get(f"/api/{path}?{query}"), attr, code)


@pytest.mark.parametrize(
    ("path", "attr"),
    [
        ("departments/abc", "id"),
        ("runs/abc", "id"),
        ("runs/0", "id"),
        ("runs/99999999999999999999", "id"),
        ("forecast/tomorrow/{uuid}", "date"),
        ("forecast/2026-13-01/{uuid}", "date"),
        ("forecast/2026-03-01/cafe", "branch_id"),
        ("forecast/hourly/2026-03-01/cafe", "branch_id"),
    ],
)
def test_bad_paths(world: World, path, attr):
    response = world.client("administrator").get(f"/api/{path}".format(uuid=uuid.uuid4()))
    assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, attr)


@pytest.mark.parametrize(
    "path", ["summary/abc", "summary/0", "summary/-1", "hourly/1.5", "hourly/99999999999999999999"]
)
def test_bad_ids_delete_nothing(world: World, path):
    assert world.client("administrator").delete(f"/api/sales/{path}").status_code == 400


@pytest.mark.parametrize(
    ("query", "attr", "code"),
    [
        *(case for case in BAD_DATES if case[2] not in ("range_too_long",)),
        ("from_date=2020-01-01&to_date=2026-01-01", "to_date", "range_too_long"),
        ("from_date=2099-01-01", "to_date", "range_in_future"),
    ],
)
def test_a_load_that_makes_no_sense_opens_no_run(world: World, query, attr, code):
    check(world.client("administrator").post(f"/api/sales/sync?{query}"), attr, code)
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", ["{bad", "[1, 2]", '"text"', '{"from_date": 5}', '{"from_date": {"a": 1}}', "\x00"])
def test_a_garbage_body_opens_no_run(world: World, body):
    response = world.client("administrator").post("/api/sales/sync", body, content_type="application/json")
    assert (response.status_code, response.json()["errors"][0]["code"] in ("parse_error", "invalid")) == (400, True)
    assert not Run.objects.exists()


def test_an_unknown_media_type_is_415(world: World):
    response = world.client("administrator").post("/api/sales/sync", b"<a/>", content_type="application/xml")
    check(response, None, "unsupported_media_type", 415)


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/salesman", "/api/departments/a/b/c", "/api/v9/sales/"])
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_path_is_404_in_the_one_shape(world: World, path, debug, settings):
    settings.DEBUG = debug
    for client in (world.client("administrator"), world.api("nonsense")):
        response = client.get(path)
        check(response, None, "not_found", 404)


def test_a_date_beyond_the_horizon_has_no_forecast(world: World):
    response = world.client("analyst").get(f"/api/forecast/2099-01-01/{world.cafe.pk}")
    check(response, None, "no_forecast", 404)
