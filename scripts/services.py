"""Find or start what the tests talk to, then run a command with it named in the environment.

    services.py [--only NAME,...] -- COMMAND ...

    PostgreSQL  TEST_POSTGRES_URL     RabbitMQ  TEST_RABBITMQ_URL     gettext (msgfmt, xgettext)
    Redis       TEST_REDIS_URL        Chromium  CHROMIUM

For each: what the environment names (and nothing else, if it does), what answers on the standard port, a container
when a Docker engine answers, Debian's package when root. Else it ends with exit code 1 and says what is missing and
how to get it. Nothing is skipped. What was found is remembered in var/test-services.env, readable by its owner only.
"""

import getpass
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

REMEMBERED = Path(os.environ.get("VAR_DIR", "var")) / "test-services.env"
TEST_ROLE = "salesforecast_test"
PATIENCE = 90.0


class Missing(Exception):
    """A service cannot be had; the text says why and what to do."""


def say(text: str) -> None:
    print(f"services: {text}", file=sys.stderr, flush=True)


def quiet(command: list[str], seconds: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


# What proves that a service is there: None, or the reason why not.


def postgres_refuses(url: str) -> str | None:
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=3)
    except psycopg2.Error as error:
        return str(error).strip().splitlines()[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
        (allowed,) = cursor.fetchone() or (False,)
    connection.close()
    return None if allowed else "its user may not create databases (ALTER ROLE ... CREATEDB)"


def redis_refuses(url: str) -> str | None:
    import redis

    try:
        redis.Redis.from_url(url, socket_connect_timeout=3).ping()
    except redis.RedisError as error:
        return str(error)
    return None


def rabbitmq_refuses(url: str) -> str | None:
    from kombu import Connection

    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.connect()
    except Exception as error:  # every transport raises its own kinds
        return str(error) or type(error).__name__
    return None


def program_refuses(path: str) -> str | None:
    try:
        done = quiet([path, "--version"], seconds=60)
    except OSError as error:
        return error.strerror or str(error)
    return None if done.returncode == 0 else f"`{path} --version` failed: {done.stderr.strip()[:200]}"


# Debian's packages, without systemd.


def is_root_with_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> None:
    say(f"installing {' '.join(packages)} with apt-get ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    for refresh in (False, True):
        if refresh:
            subprocess.run(["apt-get", "update"], capture_output=True, env=environment, check=False)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode == 0:
            return
    raise Missing(f"apt-get could not install {' '.join(packages)}:\n{done.stdout[-500:]}{done.stderr[-1000:]}")


def start_postgres() -> None:
    if not shutil.which("pg_ctlcluster"):
        apt_install("postgresql")
    clusters = [line.split() for line in quiet(["pg_lsclusters", "--no-header"]).stdout.splitlines()]
    if not clusters:
        raise Missing("PostgreSQL is installed but has no cluster: pg_createcluster 15 main (with your version)")
    for version, name, port, state, *_ in clusters:
        if port == "5432" and not state.startswith("online"):
            quiet(["pg_ctlcluster", "--skip-systemctl-redirect", version, name, "start"])


def own_postgres_role() -> Iterable[str]:
    """A role for the tests in the local cluster, with a new random password; root can make it."""
    password = secrets.token_hex(16)
    sql = (
        f"DO $$ BEGIN CREATE ROLE {TEST_ROLE}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        f" ALTER ROLE {TEST_ROLE} LOGIN CREATEDB PASSWORD '{password}'"
    )
    as_postgres = ["runuser", "-u", "postgres", "--", "psql", "-q", "-d", "postgres", "-c", sql]
    if os.geteuid() == 0 and shutil.which("psql") and quiet(as_postgres).returncode == 0:
        yield f"postgresql://{TEST_ROLE}:{password}@127.0.0.1:5432/postgres"


def start_redis() -> None:
    if not shutil.which("redis-server"):
        apt_install("redis-server")
    if redis_refuses("redis://127.0.0.1:6379"):
        quiet(
            ["redis-server", "--daemonize", "yes", "--bind", "127.0.0.1", "--save", "", "--dir", tempfile.gettempdir()]
        )


def start_rabbitmq() -> None:
    if not shutil.which("rabbitmq-server"):
        apt_install("rabbitmq-server")
    if rabbitmq_refuses("amqp://guest:guest@127.0.0.1:5672//"):
        subprocess.run(
            ["rabbitmq-server", "-detached"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )


def start_container(image: str, ports: str, *options: str) -> bool:
    name = f"salesforecast-test-{image.split(':')[0]}"
    say(f"starting the container {name} ({image}) ...")
    quiet(["docker", "rm", "--force", name])
    done = quiet(
        ["docker", "run", "--detach", "--rm", "--name", name, "--publish", f"127.0.0.1:{ports}", *options, image]
    )
    if done.returncode:
        say(f"docker: {done.stderr.strip()[-300:]}")
    return done.returncode == 0


def docker_answers() -> bool:
    return shutil.which("docker") is not None and quiet(["docker", "info"], seconds=30).returncode == 0


@dataclass(frozen=True)
class Service:
    name: str
    variable: str
    refuses: Callable[[str], str | None]
    candidates: Callable[[], Iterable[str]]
    start: Callable[[], None]
    remedy: str
    container: tuple[str, ...] = ()
    container_url: str = ""
    after_start: Callable[[], Iterable[str]] = tuple


def postgres_candidates() -> Iterable[str]:
    users = dict.fromkeys(("postgres", getpass.getuser(), "root"))
    for user in users:
        yield f"postgresql://{user}@127.0.0.1:5432/postgres"


def chromium_candidates() -> Iterable[str]:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            yield path
    installed = Path.home() / ".cache" / "ms-playwright"
    yield from (str(path) for path in sorted(installed.glob("chromium-*/chrome-linux*/chrome"), reverse=True))


def gettext_candidates() -> Iterable[str]:
    if (msgfmt := shutil.which("msgfmt")) and shutil.which("xgettext"):
        yield msgfmt


SERVICES = (
    Service(
        "postgres",
        "TEST_POSTGRES_URL",
        postgres_refuses,
        postgres_candidates,
        start_postgres,
        "a PostgreSQL 15 or newer on 127.0.0.1:5432, or TEST_POSTGRES_URL=postgresql://user:password@host:port/postgres"
        " of a user who may create databases",
        ("postgres:17-alpine", "55432:5432", "--env", "POSTGRES_HOST_AUTH_METHOD=trust"),
        "postgresql://postgres@127.0.0.1:55432/postgres",
        own_postgres_role,
    ),
    Service(
        "redis",
        "TEST_REDIS_URL",
        redis_refuses,
        lambda: ["redis://127.0.0.1:6379"],
        start_redis,
        "a Redis on 127.0.0.1:6379, or TEST_REDIS_URL=redis://host:port without a database number",
        ("redis:7-alpine", "56379:6379"),
        "redis://127.0.0.1:56379",
    ),
    Service(
        "rabbitmq",
        "TEST_RABBITMQ_URL",
        rabbitmq_refuses,
        lambda: ["amqp://guest:guest@127.0.0.1:5672//"],
        start_rabbitmq,
        "a RabbitMQ on 127.0.0.1:5672, or TEST_RABBITMQ_URL=amqp://user:password@host:port//",
        ("rabbitmq:4-alpine", "55672:5672"),
        "amqp://guest:guest@127.0.0.1:55672//",
    ),
    Service(
        "chromium",
        "CHROMIUM",
        program_refuses,
        chromium_candidates,
        lambda: apt_install("chromium"),
        "Chromium or Chrome on the PATH (Debian: apt-get install chromium), or CHROMIUM=/path/to/it",
    ),
    Service(
        "gettext",
        "MSGFMT",
        program_refuses,
        gettext_candidates,
        lambda: apt_install("gettext"),
        "msgfmt and xgettext (Debian: apt-get install gettext; Fedora: dnf install gettext)",
    ),
)


def first_that_answers(service: Service, candidates: Iterable[str], reasons: list[str]) -> str | None:
    for candidate in candidates:
        why = service.refuses(candidate)
        if why is None:
            return candidate
        reasons.append(f"{without_password(candidate)}: {why}")
    return None


def wait_for(service: Service, candidates: Callable[[], Iterable[str]], reasons: list[str]) -> str | None:
    deadline = time.monotonic() + PATIENCE
    while True:
        latest: list[str] = []
        if found := first_that_answers(service, candidates(), latest):
            return found
        if time.monotonic() > deadline:
            reasons += latest
            return None
        time.sleep(1)


def without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}://{credentials.split(':')[0]}@{host}" if separator and at else url


def provide(service: Service, remembered: dict[str, str]) -> str:
    if named := os.environ.get(service.variable):
        if why := service.refuses(named):
            raise Missing(f"{service.variable} names {without_password(named)}, which does not answer: {why}")
        return named
    reasons: list[str] = []
    known = [remembered[service.variable]] if service.variable in remembered else []
    if found := first_that_answers(service, [*known, *service.candidates()], reasons):
        return found
    if (
        service.container
        and docker_answers()
        and start_container(*service.container)
        and (found := wait_for(service, lambda: [service.container_url], reasons))
    ):
        return found
    if is_root_with_apt():
        service.start()
        extra = list(service.after_start())
        if found := wait_for(service, lambda: [*service.candidates(), *extra], reasons):
            return found
    raise Missing(
        "\n".join([f"{service.name} is missing. Needed: {service.remedy}.", *(f"  tried {r}" for r in reasons)])
    )


def read_remembered() -> dict[str, str]:
    if not REMEMBERED.exists():
        return {}
    lines = REMEMBERED.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def remember(found: dict[str, str]) -> None:
    REMEMBERED.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(REMEMBERED, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in found.items())


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = arguments[:split], arguments[split + 1 :]
    wanted = options[1].split(",") if options[:1] == ["--only"] else [service.name for service in SERVICES]
    found, missing = read_remembered(), []
    for service in SERVICES:
        if service.name not in wanted:
            continue
        try:
            found[service.variable] = provide(service, found)
            say(f"{service.name:<9} {without_password(found[service.variable])}")
        except Missing as error:
            missing.append(str(error))
    remember(found)
    if missing:
        print("", *missing, sep="\n", file=sys.stderr)
        return 1
    if command:
        os.execvpe(command[0], command, {**os.environ, **found})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
