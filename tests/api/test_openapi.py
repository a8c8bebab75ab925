"""The committed OpenAPI document is the one the code describes, and answers are what it says."""

import io
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.core.management import call_command

from runs.ledger import open_run
from tests.world import World

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
REMEDY = "docs/openapi.yaml is not current: make it with `manage.py spectacular --lang en --file docs/openapi.yaml`"


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


@pytest.mark.unit
def test_the_document_is_current_and_free_of_warnings():
    out = io.StringIO()
    call_command("spectacular", "--lang", "en", "--validate", "--fail-on-warn", stdout=out)
    assert out.getvalue().strip() == DOCUMENT.read_text(encoding="utf-8").strip(), REMEDY


@pytest.mark.unit
def test_every_operation_says_how_one_signs_in(document):
    schemes = document["components"]["securitySchemes"]
    assert schemes["Api-Key"] == {
        "type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key <the key>`",
    }  # fmt: skip
    assert schemes["cookieAuth"]["in"] == "cookie"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path in ("/healthz", "/readyz"):
                assert not operation.get("security"), path
            else:
                assert {"Api-Key": []} in operation["security"], (method, path)
                assert operation["responses"].keys() >= {"401", "403", "404", "429"}


@pytest.mark.integration
@pytest.mark.django_db
def test_answers_are_what_the_document_says(world: World, document, settings):
    settings.RUN_ANSWER_SECONDS = 0
    administrator = world.client("administrator")
    run, _created = open_run("nightly", organisation=world.organisation, started_by=world.manager)
    open_run("forecast", organisation=world.organisation, parent=run)
    values = {"/api/departments/{id}": world.cafe.pk, "/api/runs/{id}": run.pk}
    checked = []
    for path, operations in document["paths"].items():
        if "get" not in operations or "application/json" not in operations["get"]["responses"]["200"]["content"]:
            continue
        url = path.format(id=values.get(path, 1), date=world.today, branch_id=world.cafe.pk)
        urls = [url]
        if any(parameter["name"] == "page_size" for parameter in operations["get"].get("parameters", [])):
            urls.append(f"{url}?page_size=2")
        for asked in urls:
            response = administrator.get(asked)
            check(document, operations["get"], response)
        checked.append(path)
        check(document, operations["get"], administrator.get(f"{url}?from_date=x&cursor=%00&id=x"))
    assert len(checked) >= 13
    sync = document["paths"]["/api/departments/sync"]["post"]
    check(document, sync, administrator.post("/api/departments/sync"))
    check(document, sync, world.client("nobody").post("/api/departments/sync"))


def check(document, operation, response):
    """The answer's body against the schema the document gives for its status."""
    declared = operation["responses"][str(response.status_code)]["content"]["application/json"]["schema"]
    body = json.loads(response.content)
    jsonschema.validate(body, {**closed(declared), "components": closed(document["components"])})


def closed(schema):
    """OpenAPI 3.0 as JSON Schema: `nullable` told apart, and objects without undeclared fields."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(value) for name, value in schema.items() if name != "nullable"}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        result["additionalProperties"] = False
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") is True else result


@pytest.mark.django_db
def test_the_documentation_loads_nothing_from_elsewhere(client):
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page
    assert client.get("/api/schema/").status_code == 200
