"""The books for people say what is so: commands parse, paths and pages exist, variables are those that are read, examples run."""

import ast
import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import polib
import pytest
import yaml
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import connection
from django.test import Client
from django.urls import is_valid_path

from sales.models import SalesSummary
from tests.world import World, build_world

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "ru")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BRANCH = "0d30c200-87b5-45a5-89f0-eb76e2892b4a"
# Names in capitals that are no variables of ours.
FOREIGN = {"OMP_WAIT_POLICY", "PRECONDITION_FAILED", "NAME_FILE", "B_EN"}
FOREIGN |= {"SALESFORECAST_URL", "SALESFORECAST_KEY"}
FOREIGN |= {"TEST_POSTGRES_URL", "TEST_REDIS_URL", "TEST_RABBITMQ_URL"}
# Variables that are read elsewhere than in the settings, and where.
READ_BY = {
    "PORT": "Procfile",
    "HOST": "Procfile",
    "CONNECTION_PASSWORD": "departments/management/commands/add_connection.py",
}

unit = pytest.mark.unit


def books(language: str) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / language).glob("*.md"))}


def everything() -> list[tuple[str, str]]:
    found = [(f"docs/{language}/{name}", text) for language in LANGUAGES for name, text in books(language).items()]
    return [*found, ("README.md", (ROOT / "README.md").read_text(encoding="utf-8"))]


EVERYTHING = pytest.mark.parametrize("text", [text for _, text in everything()], ids=[name for name, _ in everything()])


def prose(text: str) -> str:
    return FENCE.sub("", text)


def code(text: str, *kinds: str) -> list[str]:
    return [body for kind, body in FENCE.findall(text) if kind in kinds]


def shell_lines(text: str) -> list[str]:
    """The lines of shell, and what stands in the text as `code`."""
    return [line for body in code(text, "", "sh", "ini") for line in body.splitlines()] + re.findall(
        r"`([^`\n]+)`", prose(text)
    )


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables, without their heads."""
    lines = [line for line in prose(text).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [
        row for row, after in zip(cells, [*cells[1:], [""]], strict=True) if not {row[0][:3], after[0][:3]} & {"---"}
    ]


@unit
def test_both_languages_tell_the_same():
    english, russian = books("en"), books("ru")
    assert english.keys() == russian.keys() and len(english) >= 5
    for name, text in english.items():
        other = russian[name]
        for what in (r"^(#+) ", r"^(\d+\.|-) ", r"\]\(([^)#]+)"):
            assert re.findall(what, prose(text), re.MULTILINE) == re.findall(what, prose(other), re.MULTILINE), (
                name,
                what,
            )
        assert FENCE.findall(text) == FENCE.findall(other), name
        assert [len(row) for row in rows(text)] == [len(row) for row in rows(other)], name
        assert sorted(re.findall(r"`([A-Z_/{}a-z.]+)`", prose(text))) == sorted(
            re.findall(r"`([A-Z_/{}a-z.]+)`", prose(other))
        )


@unit
def test_the_map_names_every_package():
    shown = code((ROOT / "README.md").read_text(encoding="utf-8"), "")
    packages = {path.parent.name for path in ROOT.glob("*/apps.py")}
    told = {
        word.rstrip("/")
        for block in shown
        for line in block.splitlines()
        for word in line.split()
        if word.endswith("/")
    }
    assert len(packages) >= 6
    assert packages <= told


@unit
@EVERYTHING
def test_every_command_exists_and_its_options_parse(text):
    for line in shell_lines(text):
        if not (found := re.search(r"(?:manage\.py|^manage) (?!\"\$@\")([a-z_]+.*)", line)):
            continue
        name, *arguments = shlex.split(re.sub(r"\$\([^)]*\)", "X", found[1]), comments=True)
        app = get_commands()[name]
        command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
        try:
            command.create_parser("manage.py", name).parse_args(arguments)
        except CommandError as error:
            pytest.fail(f"{line}: {error}")


@unit
@EVERYTHING
def test_every_target_service_and_option_of_a_worker_exists(text):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    services = yaml.safe_load((ROOT / "docker-compose.prod.yml").read_text(encoding="utf-8"))["services"]
    known_options = set(re.findall(r"--[a-z-]+|-[A-Z]\b", " ".join(services["worker"]["command"])))
    for line in shell_lines(text):
        for target in re.findall(r"(?:^|PORT=\d+ )make (?:-C \S+ )?([a-z-]+)", line):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
        for named in re.findall(r"docker compose\b.*?(?:exec(?: -T)?|logs -f|run --rm) ([a-z-]+)", line):
            assert named in services, line
        for named in re.findall(r"--scale ([a-z-]+)=|\bstop ((?:[a-z-]+ ?)+)$", line):
            assert set(" ".join(named).split()) <= set(services), line
        if "celery -A" in line:
            assert set(re.findall(r"(?<!\S)--[a-z-]+|(?<!\S)-[A-Z]\b", line)) <= known_options, line


@unit
@EVERYTHING
def test_every_path_is_in_the_urlconf(text):
    for path in re.findall(r"(?<![\w.])(/(?:api|admin)/[^\s\"`'?)]*|/(?:healthz|readyz|metrics))\b/?", text):
        filled = re.sub(r"\{\w+\}", "1", path)
        assert is_valid_path(filled) or is_valid_path(filled.rstrip("/") + "/"), path


@unit
@EVERYTHING
def test_every_link_leads_somewhere(text, request):
    own = ROOT / request.node.callspec.id
    for target in re.findall(r"\]\(([^)]+)\)", prose(text)):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        path = (own.parent / name).resolve() if name else own
        assert path.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target
    for path in re.findall(r"`((?:deploy|docs|examples|scripts)/[^\s`]*)`", text):
        assert (ROOT / path).exists(), path


def defaults() -> dict[str, object]:
    """{variable: its default} of all that the settings read; None where the default is worked out."""
    found: dict[str, object] = {}
    for path in [*(ROOT / "salesforecast/settings").glob("*.py"), ROOT / "salesforecast/env.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            reader = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = node.args[0].value
            if reader not in ("text", "flag", "number", "words", "_secret") or not isinstance(name, str):
                continue
            nothing: object = {"flag": False}.get(reader, "")
            given = node.args[1] if len(node.args) > 1 else None
            constant = given is not None and not any(isinstance(part, ast.Call | ast.Name) for part in ast.walk(given))
            value = eval(compile(ast.Expression(given), "settings", "eval")) if constant else None  # type: ignore[arg-type]
            found[name] = nothing if given is None else value
    return found


@unit
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_variables_are_those_that_are_read_with_their_defaults(language):
    known = defaults() | dict.fromkeys([*READ_BY, "DATABASE_URL"])
    for name, path in READ_BY.items():
        assert name in (ROOT / path).read_text(encoding="utf-8")
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(books(language)["environment.md"])}
    assert told.keys() == known.keys()
    shown = {True: "yes", False: "no"}
    wrong = {
        name: (told[name], value)
        for name, value in known.items()
        if value is not None and told[name] != shown.get(value, str(value))  # type: ignore[call-overload]
    }
    assert not wrong


@unit
@EVERYTHING
def test_no_other_variable_is_named(text):
    text = FENCE.sub(lambda fence: "" if fence[1] == "python" else fence[2], text)
    named = set(re.findall(r"(?<![\w-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w-])", text))
    assert named <= defaults().keys() | READ_BY.keys() | FOREIGN


def marked_texts() -> set[str]:
    """What code and templates hold in quotes: the texts a page may show, in English."""
    apps = [path for path in ROOT.iterdir() if (path / "apps.py").exists()]
    places = [ROOT / "templates", ROOT / "salesforecast", *apps]
    files = [file for place in places for kind in ("*.py", "*.html") for file in place.rglob(kind)]
    return {text for file in files for text in re.findall(r'"([^"\n]+)"', file.read_text(encoding="utf-8"))}


@unit
def test_what_is_printed_bold_stands_on_the_screen():
    entries = polib.pofile(str(ROOT / "locale/ru/LC_MESSAGES/django.po"))
    screens = {"en": marked_texts(), "ru": {entry.msgstr for entry in entries}}
    for language, texts in screens.items():
        known = {text.casefold() for text in texts}
        for name, text in books(language).items():
            for bold in re.findall(r"\*\*([^*\n]+)\*\*", prose(text)):
                assert bold.casefold() in known, (language, name, bold)


@unit
@pytest.mark.parametrize("language", LANGUAGES)
def test_refusals_are_told_in_the_words_of_the_product(language):
    entries = polib.pofile(str(ROOT / "locale/ru/LC_MESSAGES/django.po"))
    screen = [(entry.msgid if language == "en" else entry.msgstr).casefold() for entry in entries]
    told = rows(books(language)["first-till.md"])
    assert len(told) >= 15
    for said, *_rest in told:
        pieces = [piece.strip().casefold() for piece in said.split("…")]
        assert any(all(piece in sentence for piece in pieces) for sentence in screen), said


@unit
def test_the_units_of_systemd_start_what_the_containers_start():
    services = yaml.safe_load((ROOT / "docker-compose.prod.yml").read_text(encoding="utf-8"))["services"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    web = re.search(r'^CMD \["(.+)"\]$', dockerfile, re.MULTILINE)
    assert web
    commands = {
        "web": " ".join(web[1].split('", "')).replace("0.0.0.0:8000", "127.0.0.1:8002"),
        "beat": " ".join(services["beat"]["command"]).replace("--pidfile  ", "--pidfile= "),
    } | {name: " ".join(services[name]["command"]).replace("%h", "%%h") for name in ("worker", "worker-train")}
    units = {path.stem.removeprefix("salesforecast-"): path for path in (ROOT / "deploy/systemd").glob("*.service")}
    assert units.keys() == commands.keys()
    for name, path in units.items():
        unit_file = configparser.ConfigParser(interpolation=None)
        unit_file.read(path, encoding="utf-8")
        service = unit_file["Service"]
        assert service["ExecStart"] == f"/opt/salesforecast/.venv/bin/{commands[name]}"
        assert (service["KillMode"], service["Restart"]) == ("mixed", "always")
    for language in LANGUAGES:
        for name in units:
            assert f"salesforecast-{name}" in books(language)["installation.md"]


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_the_example_in_python_runs(world: World, live_server):
    (example,) = code(books("en")["integration.md"], "python")
    surroundings = {"SALESFORECAST_URL": live_server.url, "SALESFORECAST_KEY": world.integrator_key}
    done = subprocess.run(
        [sys.executable, "-c", example],
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *forecasts, sold = done.stdout.splitlines()
    assert len(forecasts) == 3 * 29 and any("Cafe on Abay" in line for line in forecasts)
    mine = SalesSummary.objects.filter(organisation=world.organisation).exclude(total_sales=None)
    assert float(sold.split()[1]) == pytest.approx(float(sum(mine.values_list("total_sales", flat=True))), abs=0.05)
    refused = subprocess.run(
        [sys.executable, "-c", example],
        env={**os.environ, **surroundings, "SALESFORECAST_KEY": "nonsense"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1 and refused.stderr.strip() and "Traceback" not in refused.stderr


@pytest.mark.integration
@pytest.mark.django_db
def test_the_questions_in_sql_are_answered(world: World):
    asked = re.findall(r'psql .*-c "([^"]+)"', books("en")["operations.md"])
    assert len(asked) >= 3
    with connection.cursor() as cursor:
        for question in asked:
            cursor.execute(question)
    tables = set(connection.introspection.table_names())
    named = re.search(r"the tables (.*?);", books("en")["operations.md"], re.DOTALL)
    assert named and set(re.findall(r"`(\w+)`", named[1])) <= tables


@pytest.mark.integration
@pytest.mark.django_db
def test_the_examples_with_curl_are_answered(db):
    import datetime as dt

    world = build_world(dt.date(2026, 3, 20))
    lines = [line for body in code(books("en")["integration.md"], "sh") for line in body.splitlines() if "$URL" in line]
    assert len(lines) >= 14
    for line in lines:
        options = shlex.split(line)
        (address,) = [option for option in options if option.startswith("$URL")]
        method = options[options.index("-X") + 1] if "-X" in options else "GET"
        headers = dict(options[number + 1].split(": ", 1) for number, option in enumerate(options) if option == "-H")
        headers["Authorization"] = headers["Authorization"].replace("$KEY", world.integrator_key)
        path = address.removeprefix("$URL").replace(BRANCH, str(world.cafe.pk))
        answer = Client(headers=headers).generic(method, path)
        assert answer.status_code == (202 if method == "POST" else 200), (line, answer.content[:300])
        if answer.streaming:
            assert b"".join(answer.streaming_content)
