"""What the two commands promise before they do anything: remedies are named, secrets are kept, nothing is skipped."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import own_secrets, phases, services

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent


def tool(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=60,
    )


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_in_use_is_named_with_what_needs_it(taken_port):
    done = tool("scripts/ports.py", f"127.0.0.1:{taken_port}:the web pages")
    assert done.returncode == 1
    assert f"Port {taken_port} is taken; it is needed for the web pages." in done.stderr


def test_a_free_port_is_no_complaint(taken_port):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        free = found.getsockname()[1]
    assert tool("scripts/ports.py", f"127.0.0.1:{free}:the web pages").returncode == 0
    assert tool("scripts/ports.py", "--answers", f"127.0.0.1:{free}").returncode == 1
    assert tool("scripts/ports.py", "--answers", f"127.0.0.1:{taken_port}").returncode == 0


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path):
    path = tmp_path / "var" / "secrets.env"
    own_secrets.ensure(path)
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {line.split("=")[0] for line in first.splitlines()} == {"SECRET_KEY", "FIELD_ENCRYPTION_KEY"}
    assert all(len(line.split("=")[1]) >= 32 for line in first.splitlines())
    own_secrets.ensure(path)
    assert path.read_text() == first


def test_a_secret_that_is_there_survives_the_making_of_the_other(tmp_path):
    path = tmp_path / "secrets.env"
    path.write_text("FIELD_ENCRYPTION_KEY=" + "x" * 40 + "\n")
    own_secrets.ensure(path)
    lines = path.read_text().splitlines()
    assert lines[0] == "FIELD_ENCRYPTION_KEY=" + "x" * 40
    assert lines[1].startswith("SECRET_KEY=")


def test_settings_that_make_no_sense_are_one_sentence_and_no_traceback(tmp_path):
    done = tool("manage.py", "check", PATH=os.environ["PATH"], VAR_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("SECRET_KEY is not set.")
    assert "Traceback" not in done.stderr


def test_without_a_python_the_installation_says_which_it_looked_for(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env", "dirname", "id", "uname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    stub = folder / "python3.12"
    stub.write_text(f"#!{shutil.which('bash')}\nexit 127\n")
    stub.chmod(0o755)
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(ROOT / "scripts" / "install", tmp_path / "scripts")
    done = subprocess.run(
        [script, "requirements.txt"], check=False, capture_output=True, text=True, env={"PATH": str(folder)}
    )
    assert done.returncode == 1
    assert "no Python 3.11 or newer was found" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_service_named_in_the_environment_must_answer_itself(taken_port, tmp_path):
    done = tool(
        "scripts/services.py",
        "--only",
        "redis",
        "--",
        "true",
        PATH=os.environ["PATH"],
        VAR_DIR=str(tmp_path),
        TEST_REDIS_URL="redis://:secret@127.0.0.1:1",
    )
    assert done.returncode == 1
    assert "TEST_REDIS_URL names redis://@127.0.0.1:1, which does not answer" in done.stderr
    assert "secret" not in done.stderr


def test_a_missing_service_says_what_is_needed_and_what_was_tried(monkeypatch):
    monkeypatch.delenv("NOWHERE_URL", raising=False)
    monkeypatch.setattr(services, "is_root_with_apt", lambda: False)
    nowhere = services.Service(
        "nowhere",
        "NOWHERE_URL",
        services.redis_refuses,
        lambda: ["redis://127.0.0.1:1"],
        lambda: pytest.fail("nothing may be installed without root"),
        "a server that is somewhere",
    )
    with pytest.raises(services.Missing) as missing:
        services.provide(nowhere, {})
    assert "nowhere is missing. Needed: a server that is somewhere." in str(missing.value)
    assert "tried redis://127.0.0.1:1: " in str(missing.value)


def test_every_marker_runs_in_some_phase():
    def selected(markers: set[str]) -> list[str]:
        everything = {"unit", "integration", "postgres", "browser", "stack", "row", "chaos", "real_time", "deep"}
        scope = {name: name in markers for name in everything}
        return [
            f"{tier}: {phase.title}"
            for tier, listed in phases.TIERS.items()
            for phase in listed
            if eval(phase.select, {}, scope)
        ]

    assert selected(set()) == selected({"unit"}) == ["test: SQLite, no broker"]
    assert selected({"integration"}) == ["test: SQLite, no broker", "test: PostgreSQL"]
    assert selected({"postgres"}) == ["test: PostgreSQL"]
    whole = ["test: browser, whole processes and a little of every fault"]
    assert selected({"integration", "browser"}) == selected({"browser"}) == whole
    assert selected({"stack"}) == selected({"row", "stack"}) == whole
    assert selected({"chaos"}) == selected({"stack", "chaos"}) == ["chaos: faults"]
    assert selected({"chaos", "real_time"}) == ["real-time: faults in real time"]
    assert selected({"deep"}) == selected({"integration", "deep"}) == ["deep: large, on SQLite"]
    assert selected({"postgres", "deep"}) == ["deep: large, on PostgreSQL"]


def test_a_phase_reads_every_file_with_a_test_of_it():
    """It leaves out files that do not name its marks: no test may get one from elsewhere."""
    listed = [phase for tier in phases.TIERS.values() for phase in tier]
    marks = {mark for phase in listed for mark in phase.marks}
    assert marks == {"integration", "postgres", "browser", "stack"}
    helpers = [path for path in [ROOT / "conftest.py", *ROOT.glob("[a-z]*/**/*.py")] if path.name[:5] != "test_"]
    lent = [path for path in helpers for mark in marks if f"mark.{mark}" in path.read_text(encoding="utf-8")]
    assert lent == []
    assert all(phase.select.startswith(f"({' or '.join(phase.marks)})") for phase in listed if phase.marks)
    assert "tests/stack/test_public_sales.py" in phases.files(phases.TIERS["test"][2])
    assert "forecasting/engine/tests/test_forecasts.py" not in phases.files(phases.TIERS["test"][2])
