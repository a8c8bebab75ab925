"""What a server is given: compose files that are valid, keep the names the users' commands know, and hold no secret.

No container engine runs in the tests: the files are checked against the compose specification (compose_spec.json is
docker-compose 1.29's own, Apache License 2.0), and their commands are run as they stand, without containers.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from tests.databases import TEMPLATE, new_database
from tests.stack.stack import Stack, free_port

ROOT = Path(__file__).resolve().parents[2]
FILES = ("docker-compose.yml", "docker-compose.prod.yml")
SECRETS = ("DB_PASSWORD", "SECRET_KEY", "FIELD_ENCRYPTION_KEY")


def read(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def environment(name: str, **given: str) -> dict[str, str]:
    """The environment of the app as compose makes it of what is `given`. Raises KeyError for what must be given."""
    values = {}
    for variable, text in read(name)["services"]["sales-forecast-app"]["environment"].items():

        def put(match: re.Match[str]) -> str:
            return given[match[1]] if match[2] == ":?" else given.get(match[1]) or match[3]

        values[variable] = re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", put, str(text))
    return values


@pytest.mark.unit
@pytest.mark.parametrize("name", FILES)
def test_the_file_is_valid_and_every_service_waits_for_what_it_needs(name):
    schema = json.loads((Path(__file__).parent / "compose_spec.json").read_text(encoding="utf-8"))
    document = read(name)
    jsonschema.Draft7Validator(schema).validate(document)
    services = document["services"]
    assert set(services) == {
        "sales-forecast-db", "sales-forecast-redis", "migrate", "sales-forecast-app", "worker", "worker-train", "beat",
    }  # fmt: skip
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in document["volumes"]
        assert service["restart"] != "no" or "migrate" in str(service["command"])
    for waiting in ("sales-forecast-app", "worker", "worker-train", "beat"):
        assert services[waiting]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    queues = {
        services[worker]["command"][services[worker]["command"].index("-Q") + 1]
        for worker in ("worker", "worker-train")
    }
    assert queues == {"default", "train"}


@pytest.mark.unit
@pytest.mark.parametrize("name", FILES)
def test_the_users_commands_find_what_they_name(name):
    services = read(name)["services"]
    for container in ("sales-forecast-app", "sales-forecast-db"):
        assert services[container]["container_name"] == container
    assert services["sales-forecast-app"]["ports"][0].endswith("8002:8000")
    database = services["sales-forecast-db"]
    assert database["ports"] == ["127.0.0.1:5435:5432"]
    assert (database["environment"]["POSTGRES_USER"], database["environment"]["POSTGRES_DB"]) == (
        "sales_user",
        "sales_forecast",
    )
    assert database["healthcheck"]["test"][:4] == ["CMD", "pg_isready", "-U", "sales_user"]


@pytest.mark.unit
def test_no_secret_has_a_default():
    for variable in (*SECRETS, "ALLOWED_HOSTS"):
        given = {name: "x" * 40 for name in (*SECRETS, "ALLOWED_HOSTS") if name != variable}
        with pytest.raises(KeyError):
            environment(FILES[0], **given)
    production = read(FILES[1])
    app = production["services"]["sales-forecast-app"]
    for variable in SECRETS:
        assert variable not in app["environment"]
        path = app["environment"][f"{variable}_FILE"]
        assert path == f"/run/secrets/{variable.lower()}"
        assert production["secrets"][variable.lower()] == {"file": f"./secrets/{variable.lower()}"}
    assert (
        "/secrets/" in (ROOT / ".gitignore").read_text().split()
        and "secrets" in (ROOT / ".dockerignore").read_text().split()
    )


@pytest.mark.unit
def test_the_image_is_small_and_its_processes_are_not_root():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    froms = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    assert len(froms) == 2 and lines[froms[0]].endswith(" AS build")
    last = lines[froms[1] :]
    assert [line for line in last if line.startswith("USER ")] == ["USER sales"]
    assert not any("build-essential" in line or "gcc" in line for line in last)
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _target = [part for part in shlex.split(line)[1:] if not part.startswith("--")]
            assert all((ROOT / source).exists() for source in sources)


@pytest.mark.unit
def test_the_workflow_runs_what_the_house_has():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert "make test" in steps
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test:", makefile, re.MULTILINE)
    services = read(FILES[1])["services"]
    for container in re.findall(r"docker exec (\S+)", "\n".join(steps)):
        assert container in services
    assert all(name in jobs["test"]["env"] for name in ("TEST_POSTGRES_URL", "TEST_REDIS_URL", "TEST_RABBITMQ_URL"))


@pytest.mark.long
@pytest.mark.stack
def test_the_commands_of_production_bring_the_product_up(tmp_path, postgres_url, redis_url):
    """migrate, then web, workers and beat, as the file says, with secrets from files; then its own health check."""
    services = read(FILES[1])["services"]
    stack = Stack(tmp_path)
    with new_database(postgres_url, template=TEMPLATE) as url, closing(stack):
        server = urlsplit(url)
        values = environment(FILES[1], ALLOWED_HOSTS="localhost,127.0.0.1", BEHIND_PROXY="no", HTTPS_ONLY="no")
        for name in SECRETS:
            (tmp_path / name.lower()).write_text("s" * 40 + name)
            values[f"{name}_FILE"] = str(tmp_path / name.lower())
        (tmp_path / "db_password").write_text(server.password or "")
        values |= {
            "DB_HOST": server.hostname or "127.0.0.1",
            "DB_PORT": str(server.port or 5432),
            "DB_NAME": server.path.removeprefix("/"),
            "DB_USER": server.username or "postgres",
            "REDIS_URL": redis_url,
        }
        inherited = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TZ")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        stack.environment = {**inherited, "PATH": path, "VAR_DIR": str(tmp_path), "RUN_SWEEP_SECONDS": "2", **values}
        whole = {"cwd": ROOT, "env": stack.environment, "capture_output": True, "timeout": 120}
        subprocess.run(["python", "manage.py", "collectstatic", "--no-input", "--verbosity", "0"], check=True, **whole)
        subprocess.run(services["migrate"]["command"], check=True, **whole)

        web_port = free_port()
        dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        web = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)[0])
        check = json.loads(re.findall(r"^ +CMD (\[.*\])$", dockerfile, re.MULTILINE)[0])
        commands = {name: services[name]["command"] for name in ("worker", "worker-train", "beat")}
        commands["web"] = [part.replace("8000", str(web_port)) for part in web]
        for name, command in commands.items():
            program = shutil.which(command[0], path=path)
            assert program and Path(program).parent == Path(sys.executable).parent
            stack.start(name, program, *command[1:])
        health = [part.replace("8000", str(web_port)) for part in check]

        def healthy() -> bool:
            return subprocess.run(health, env=stack.environment, capture_output=True, check=False).returncode == 0

        stack.until(healthy, "the image's health check passes", 60)
        stack.web = f"http://127.0.0.1:{web_port}"
        ready = stack.until(lambda: _ready(stack), "worker and beat are seen alive", 90)
        assert ready["worker"] == ready["beat"] == "ok"
        for name, process in stack.processes.items():
            assert process.poll() is None, (name, (tmp_path / f"{name}.log").read_text()[-2000:])


def _ready(stack: Stack):
    answer = stack.call("GET", "/readyz")
    return answer.json()["checks"] if answer.status_code == 200 else None
