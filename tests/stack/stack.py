"""The product as whole processes: web, worker and a till server, with a database, a broker and files of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from tests.databases import TEMPLATE

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Stack:
    """Processes under one environment; `close` ends them all."""

    def __init__(self, folder: Path, database_url: str = "", broker_url: str = "") -> None:
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ")}
        self.environment = {
            **inherited,
            "VAR_DIR": str(folder),
            "DEBUG": "1",
            "LANGUAGE_CODE": "ru",
            "SOURCE_PATIENCE": "5",
            "RUN_SWEEP_SECONDS": "2",
            "THROTTLE_USER": "100000/min",
            "THROTTLE_WORK": "100000/min",
            "PYTHONUNBUFFERED": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        if broker_url:
            self.environment["CELERY_BROKER_URL"] = broker_url
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.web = ""
        self.key = ""

    def manage(self, *arguments: str, code: int = 0, **more: str) -> str:
        """The standard output of a management command that must end with `code`."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, (
            f"{arguments} ended with {done.returncode}: {done.stderr[-2000:]}{done.stdout[-500:]}"
        )
        return done.stdout if code == 0 else done.stdout + done.stderr

    def migrate(self) -> None:
        """Tables, unless its database was made of the template; an embedded one is a copy of the file of all tests."""
        template = os.environ.get("TEST_SQLITE_TEMPLATE", "")
        if "DATABASE_URL" in self.environment:
            migrated = bool(TEMPLATE)
        elif migrated := bool(template):
            shutil.copyfile(template, self.folder / "salesforecast.sqlite3")
        if not migrated:
            self.manage("migrate", "--verbosity", "0")

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_web(self) -> None:
        port = free_port()
        self.web = f"http://127.0.0.1:{port}"
        self.start("web", "-m", "gunicorn", "salesforecast.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4")
        self.until(lambda: self._answers(f"{self.web}/healthz"), "the web process answers")

    def start_worker(self) -> None:
        self.start(
            "worker", "-m", "celery", "-A", "salesforecast", "worker", "--concurrency", "1", "-Q", "default,train",
            "--loglevel", "info",
        )  # fmt: skip

    def start_till(self, world: str) -> str:
        port = free_port()
        self.start("till", "manage.py", "simulate_iiko", "--port", str(port), "--world", world)
        url = f"http://127.0.0.1:{port}"
        self.until(lambda: self._answers(f"{url}/resto/api/logout?key=none"), "the till server answers", seconds=60)
        return url

    def kill(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Signal the process itself, as a supervisor does; children that outlive it by 20 s are ended, too."""
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            process.wait(20)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        for name in list(self.processes):
            with suppress(subprocess.TimeoutExpired):
                self.kill(name)

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            requests.get(url, timeout=2)
        except (requests.ConnectionError, requests.Timeout):
            return False
        return True

    @staticmethod
    def until(happens: Any, what: str, seconds: float = 40) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := happens():
                return found
            time.sleep(0.1)
        raise AssertionError(f"after {seconds} s it is still not so that {what}")

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Api-Key {self.key}", **options.pop("headers", {})}
        return requests.request(method, self.web + path, headers=headers, timeout=60, **options)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text[:500]
        return json.loads(answer.text, parse_float=Decimal)

    def work(self, path: str, seconds: float = 240, **params: Any) -> dict[str, Any]:
        """Start work over the API, without waiting for it there, and return its run when it has ended."""
        answer = self.call("POST", path, params=params, headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, f"{answer.status_code} {answer.text[:500]}"
        location = answer.headers["Location"]

        def ended() -> Any:
            run = self.get(location)
            return run if run["state"] not in ("queued", "running") else None

        return self.until(ended, f"{path} has ended", seconds)
