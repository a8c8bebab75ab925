"""A PostgreSQL cluster, a Redis and a RabbitMQ of one's own, on free ports, that may be killed at will."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2

from tests.stack.stack import free_port

HOW = "make chaos needs {what}: on Debian, `apt-get install {package}`."


def _binary(name: str, package: str) -> str:
    places = [shutil.which(name), *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True)]
    if found := next(filter(None, places), None):
        return found
    raise AssertionError(HOW.format(what=name, package=package))


def as_user(name: str, folder: Path) -> list[str]:
    """What goes before a command that must not run as root; the folder is that user's."""
    if os.getuid() != 0:
        return []
    shutil.chown(folder, name, name)
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups"]


def _until(works: Callable[[], Any], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not works():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s it is still not so that {what}")
        time.sleep(0.05)


class Cluster:
    """PostgreSQL of its own. Its data are safe on disk (fsync), as a user's are.

    `made_with` goes to initdb, `settings` to postgresql.conf.
    """

    def __init__(
        self, folder: Path | None = None, settings: tuple[str, ...] = (), made_with: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="salesforecast-chaos-pg-"))
        self.port = free_port()
        self.settings = [part for setting in settings for part in ("-c", setting)]
        self.as_user = as_user("postgres", self.folder)
        where = ("-D", str(self.folder / "data"))
        self._run(_binary("initdb", "postgresql"), *where, "-U", "chaos", "-A", "trust", "-N", *made_with)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        self.execute("CREATE DATABASE chaos", database="postgres")

    def _run(self, *command: str) -> None:
        done = subprocess.run([*self.as_user, *command], capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr

    @property
    def url(self) -> str:
        return f"postgresql://chaos@127.0.0.1:{self.port}/chaos"

    def start(self) -> None:
        """As a service manager does: again, if it ends at once because something of its forerunner is still about."""

        def up() -> bool:
            if self.process is None or self.process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self.process = self._server(log)
                time.sleep(0.2)
            return self.answers()

        _until(up, "PostgreSQL answers")

    def start_again(self) -> None:
        """What a service manager does now and then: start a server that went down, whether it can come up or not."""
        if self.process and self.process.poll() is not None:
            with (self.folder / "log").open("ab") as log:
                self.process = self._server(log)

    def _server(self, log: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *self.as_user,
                _binary("postgres", "postgresql"),
                *("-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "restart_after_crash=on", *self.settings),
            ],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
        )

    def answers(self) -> bool:
        try:
            psycopg2.connect(self.url.rpartition("/")[0] + "/postgres", connect_timeout=2).close()
        except psycopg2.Error:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to the server and all its children, as a power cut of the machine."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        # Children of a killed postmaster notice at once; a new one refuses to start before they are gone.
        _until(lambda: not self._children(), "the old server's children are gone")

    def _children(self) -> bool:
        done = subprocess.run(["pgrep", "-f", str(self.folder / "data")], capture_output=True, check=False)
        return done.returncode == 0

    def execute(self, statement: str, *params: Any, database: str = "chaos") -> list[Any]:
        connection = psycopg2.connect(self.url.rpartition("/")[0] + f"/{database}")
        connection.autocommit = True
        try:
            cursor = connection.cursor()
            cursor.execute(statement, params or None)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # at once: what stands in it is wanted no more
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class OwnRedis:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="salesforecast-chaos-redis-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        import redis

        self.process = subprocess.Popen(
            [
                _binary("redis-server", "redis-server"),
                *("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--dir", str(self.folder)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def answers() -> bool:
            try:
                return bool(redis.Redis.from_url(self.url, socket_connect_timeout=1).ping())
            except redis.RedisError:
                return False

        _until(answers, "Redis answers")

    def kill(self) -> None:
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def flush(self) -> None:
        import redis

        redis.Redis.from_url(self.url).flushall()

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class OwnRabbit:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="salesforecast-chaos-rabbit-"))
        self.port, ports = free_port(), free_port()
        self.as_user = as_user("rabbitmq", self.folder)
        self.environment = {
            "PATH": f"/usr/lib/rabbitmq/bin:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(ports),
            "RABBITMQ_NODENAME": f"chaos{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "no-config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "no-environment"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "no-plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
        }
        # Its directory of nodes, which a node would else start as a daemon and leave behind.
        self.directory = self._process("epmd", "-address", "127.0.0.1", "-port", str(ports))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def _process(self, *command: str) -> subprocess.Popen[bytes]:
        path = next(
            (found for place in ("/usr/lib/rabbitmq/bin", None) if (found := shutil.which(command[0], path=place))),
            None,
        )
        assert path, HOW.format(what=command[0], package="rabbitmq-server")
        with (self.folder / "out").open("ab") as log:
            return subprocess.Popen(
                [*self.as_user, path, *command[1:]],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> None:
        from kombu import Connection

        self.process = self._process("rabbitmq-server")

        def answers() -> bool:
            try:
                with Connection(self.url, connect_timeout=2) as connection:
                    connection.connect()
            except OSError:
                return False
            return True

        _until(answers, "RabbitMQ answers", 60)

    def kill(self) -> None:
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()
        os.killpg(self.directory.pid, signal.SIGKILL)
        self.directory.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
