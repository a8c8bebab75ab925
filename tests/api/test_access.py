"""Who may do what, for every path under /api/. A path nobody has thought about fails this test."""

import re
import time

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.roles import Role
from accounts.throttling import Limits
from runs.ledger import open_run
from tests.world import World

pytestmark = pytest.mark.django_db

EVERYBODY = {"administrator", "manager", "analyst", "staff", "integrator"}
KNOW = EVERYBODY - {"staff"}
ADMINISTRATOR = {"administrator"}
WORKERS = {"administrator", "manager", "integrator"}
LOADERS = WORKERS - {"manager"}  # of the whole chain: this manager sees two branches
OPEN = {"no key"}  # readable before anyone has signed in

# (method, route): who gets past the door. What lies behind it may still be 404 or 400.
ALLOWED = {
    ("GET", "api/departments/"): EVERYBODY,
    ("GET", "api/departments/<str:pk>"): EVERYBODY,
    ("POST", "api/departments/"): ADMINISTRATOR,
    ("PUT", "api/departments/<str:pk>"): ADMINISTRATOR,
    ("PATCH", "api/departments/<str:pk>"): ADMINISTRATOR,
    ("DELETE", "api/departments/<str:pk>"): ADMINISTRATOR,
    ("GET", "api/departments/statistics"): EVERYBODY,
    ("POST", "api/departments/sync"): WORKERS,
    ("GET", "api/calendar/holidays"): KNOW - {"integrator"},
    ("POST", "api/calendar/holidays"): ADMINISTRATOR,
    ("GET", "api/calendar/holidays/<str:pk>"): KNOW - {"integrator"},
    **{(method, "api/calendar/holidays/<str:pk>"): ADMINISTRATOR for method in ("PUT", "PATCH", "DELETE")},
    **{
        (method, f"api/calendar/{kind}"): ADMINISTRATOR for method in ("GET", "POST") for kind in ("closures", "events")
    },
    **{
        (method, f"api/calendar/{kind}/<str:pk>"): ADMINISTRATOR
        for method in ("GET", "PUT", "PATCH", "DELETE")
        for kind in ("closures", "events")
    },
    ("POST", "api/calendar/import"): ADMINISTRATOR,
    ("GET", "api/calendar/export/csv"): KNOW - {"integrator"},
    ("GET", "api/sales/summary"): EVERYBODY,
    ("DELETE", "api/sales/summary/<str:pk>"): ADMINISTRATOR,
    ("GET", "api/sales/hourly"): EVERYBODY,
    ("DELETE", "api/sales/hourly/<str:pk>"): ADMINISTRATOR,
    ("GET", "api/sales/restatements"): EVERYBODY,
    ("GET", "api/sales/coverage"): EVERYBODY,
    ("GET", "api/sales/doubts"): EVERYBODY,
    ("POST", "api/sales/doubts/decide"): WORKERS,
    ("GET", "api/sales/export/csv"): EVERYBODY,
    ("GET", "api/sales/export/xlsx"): EVERYBODY,
    ("GET", "api/sales/stats"): EVERYBODY,
    ("POST", "api/sales/sync"): LOADERS,
    ("GET", "api/sales/auto-sync/status"): KNOW,
    ("POST", "api/sales/auto-sync/test"): LOADERS,
    ("POST", "api/sales"): WORKERS,
    ("POST", "api/sales/bulk-import"): WORKERS,
    ("GET", "api/products"): EVERYBODY,
    ("GET", "api/products/<str:pk>"): EVERYBODY,
    ("GET", "api/product-groups"): EVERYBODY,
    ("GET", "api/categories"): EVERYBODY,
    ("GET", "api/stores"): EVERYBODY,
    ("POST", "api/catalogue/sync"): WORKERS - {"integrator"},
    ("GET", "api/v1/sales"): EVERYBODY,
    ("POST", "api/v1/sales"): WORKERS,
    ("POST", "api/v1/sales/batch"): WORKERS,
    ("POST", "api/v1/sales/validate"): WORKERS,
    ("GET", "api/v1/sales/duplicates"): EVERYBODY,
    ("GET", "api/v1/sales/<str:pk>"): EVERYBODY,
    ("PUT", "api/v1/sales/<str:pk>"): {"administrator", "manager"},
    ("DELETE", "api/v1/sales/<str:pk>"): {"administrator", "manager"},
    ("GET", "api/v1/sales/export/csv"): EVERYBODY,
    ("GET", "api/v1/sales/export/excel"): EVERYBODY,
    ("GET", "api/forecast/accuracy"): EVERYBODY,
    ("GET", "api/forecast/aggregate"): EVERYBODY,
    ("GET", "api/forecast/batch"): EVERYBODY,
    ("GET", "api/forecast/comparison"): EVERYBODY,
    ("GET", "api/forecast/export/csv"): EVERYBODY,
    ("GET", "api/forecast/export/xlsx"): EVERYBODY,
    ("GET", "api/forecast/model/info"): KNOW - {"integrator"},
    ("GET", "api/forecast/models"): KNOW - {"integrator"},
    ("GET", "api/forecast/own"): KNOW - {"integrator"},
    ("POST", "api/forecast/own"): KNOW - {"integrator"},
    ("POST", "api/forecast/retrain"): {"administrator", "manager"},
    ("GET", "api/forecast/explain/<str:date>/<str:branch_id>"): EVERYBODY,
    ("GET", "api/forecast/hourly/<str:date>/<str:branch_id>"): EVERYBODY,
    ("GET", "api/forecast/items/<str:date>/<str:branch_id>"): EVERYBODY,
    ("GET", "api/forecast/today/<str:branch_id>"): EVERYBODY,
    ("GET", "api/forecast/<str:date>/<str:branch_id>"): EVERYBODY,
    ("POST", "api/v1/sales/import/csv"): WORKERS,
    ("POST", "api/v1/sales/import/excel"): WORKERS,
    ("GET", "api/v1/sales/import/jobs"): KNOW,
    ("GET", "api/v1/sales/import/jobs/<str:pk>"): KNOW,
    ("GET", "api/v1/sales/import/jobs/<str:pk>/errors"): KNOW,
    ("POST", "api/v1/sales/import/jobs/<str:pk>/cancel"): WORKERS,
    ("POST", "api/v1/sales/import/jobs/<str:pk>/undo"): WORKERS,
    ("GET", "api/runs/"): KNOW,
    ("GET", "api/runs/<str:pk>"): KNOW,
    ("POST", "api/runs/<str:pk>/cancel"): ADMINISTRATOR,  # one's own run: see test_starting_work
    ("GET", "api/schema/"): OPEN,
    ("GET", "api/docs/"): OPEN,
    ("GET", "healthz"): OPEN,
    ("GET", "readyz"): OPEN,
    ("GET", "metrics"): KNOW,
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes() -> dict[str, set[str]]:
    """Every route of the API with the methods its view has."""
    found: dict[str, set[str]] = {}

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for item in patterns:
            route = prefix + str(item.pattern)
            if isinstance(item, URLResolver):
                walk(item.url_patterns, route)
            elif route.startswith("api/") or route in ("healthz", "readyz", "metrics"):
                view = item.callback.cls
                found[route] = {method for method in METHODS if hasattr(view, method.lower())}

    walk(get_resolver().url_patterns, "")
    return found


def client_of(world: World, who: str) -> Client:
    return world.api() if who == "integrator" else world.client(who)


def path_of(route: str, world: World) -> str:
    parts = {"date": str(world.today), "branch_id": str(world.cafe.pk)}
    number = "1" if not route.startswith("api/departments") else str(world.cafe.pk)
    return "/" + re.sub(r"<str:(\w+)>", lambda match: parts.get(match[1], number), route)


def test_every_operation_is_listed_here():
    assert {(method, route) for route, methods in routes().items() for method in methods} == set(ALLOWED)


def test_who_gets_past_the_door(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 0
    nightly, _created = open_run("nightly", organisation=world.organisation)
    clients = {who: client_of(world, who) for who in EVERYBODY}
    wrong = []
    for (method, route), allowed in ALLOWED.items():
        if allowed == OPEN:
            continue
        path = path_of(route, world).replace("/runs/1", f"/runs/{nightly.pk}")
        for who, client in clients.items():
            status = client.generic(method, path).status_code
            hidden = status == 404 and "cancel" in route  # whose run is not seen
            if (status == 403 or hidden) == (who in allowed):
                wrong.append((who, method, route, status))
    assert wrong == []


def test_without_a_key_401_and_without_any_right_403(world: World):
    refused = ((Client(), 401), (world.api(world.expired_key), 401), (world.client("nobody"), 403))
    wrong = []
    for (method, route), allowed in ALLOWED.items():
        path = path_of(route, world)
        if allowed == OPEN:
            wrong += [
                (route, status) for status in [Client().generic(method, path).status_code] if status in (401, 403)
            ]
            continue
        for client, expected in refused:
            status = client.generic(method, path).status_code
            if status != expected:
                wrong.append((method, route, status, expected))
    assert wrong == []


def test_a_method_that_does_not_exist_is_405(world: World):
    client = world.client("administrator")
    wrong = []
    for route, methods in routes().items():
        for method in set(METHODS) - methods:
            response = client.generic(method, path_of(route, world))
            if response.status_code != 405:
                wrong.append((method, route, response.status_code))
    assert wrong == []


def test_roles_are_all_covered():
    assert set(Role.values) == EVERYBODY


def test_a_bad_key_is_401_in_the_one_shape(world: World):
    for key in ("nonsense", "abcdefgh." + "x" * 32, world.integrator_key[:-1], world.expired_key):
        response = world.api(key).get("/api/departments/")
        assert response.status_code == 401
        assert response.json()["type"] == "client_error"
        assert response.json()["errors"][0]["code"] in ("invalid_key", "expired_key")
        assert response["WWW-Authenticate"] == "Api-Key"


def test_a_revoked_key_and_a_switched_off_service_user_are_401(world: World):
    assert world.api().get("/api/departments/").status_code == 200
    from accounts.keys import revoke_api_key
    from accounts.models import ApiKey

    row = ApiKey.objects.get_from_key(world.integrator_key)
    row.user.is_active = False
    row.user.save()
    assert world.api().get("/api/departments/").json()["errors"][0]["code"] == "inactive_user"
    row.user.is_active = True
    row.user.save()
    revoke_api_key(row)
    assert world.api().get("/api/departments/").status_code == 401


def test_a_session_writes_only_with_the_csrf_token(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 0
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(world.administrator, backend="accounts.backends.RoleBackend")
    assert careful.post("/api/departments/sync").status_code == 403
    assert careful.get("/api/departments/").status_code == 200
    by_key = Client(enforce_csrf_checks=True, headers={"authorization": f"Api-Key {world.integrator_key}"})
    assert by_key.post("/api/departments/sync").status_code in (200, 202)


def test_too_many_requests_are_429(world: World, monkeypatch):
    monkeypatch.setattr(Limits, "rates", {"anon": "2/min", "user": "3/min", "work": "1/min"})
    client = world.api()
    with time_machine.travel(time.time() // 60 * 60 + 10, tick=False):  # counts begin anew with the clock's minute
        statuses = [client.get("/api/departments/").status_code for _ in range(4)]
        response = client.get("/api/departments/")
    assert statuses == [200, 200, 200, 429]
    assert response.json()["errors"][0]["code"] == "throttled"
    assert int(response["Retry-After"]) > 0
