"""A chain to look at: two simulated till servers and a 1C service, loaded, trained on and forecast like any other."""

import datetime as dt
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext

from accounts.models import Organisation, User
from departments.books import OBJECT
from departments.calendar import seed_holidays
from departments.connect import add_connection
from departments.models import Connection, Department, SourceDepartment
from departments.sync import start_sync as start_department_sync
from departments.timing import organisation_today
from forecasting.item_issue import start_item_forecast
from forecasting.models import ForecastIssue, ItemIssue
from forecasting.predict import start_forecast
from forecasting.replay import replay
from forecasting.series import latest_cutoff
from forecasting.train import start_training
from forecasting.versions import serving_version
from operations.demo_items import SOURCE as ITEMS
from operations.demo_items import push_demo_items
from operations.schedules import setup_schedules
from runs.choices import State, Trigger
from runs.ledger import run_now
from runs.models import Run
from runs.sentences import of_errors
from sales.sync import settled_range, start_sync
from sources.simulator import IikoServer
from sources.simulator.onec import OnecServer
from sources.simulator.worlds.demo import demo_world
from sources.simulator.worlds.demo_onec import demo_objects

NAMES = {1: "iiko Almaty", 2: "iiko Astana"}
BOOKS = "1C demo"
LOGIN = PASSWORD = KEY = "demo"
REPLAYED_DAYS, REPLAYED_ITEM_DAYS = 56, 10
FIRST_ORIGINS = 2  # the first page should not wait for the long backtest

Say = Callable[[str], None]


class DemoFailed(Exception):
    """A step of the demonstration did not end well; the text says which and why."""


def ports() -> dict[int, int]:
    """{number of the simulated server: its port}"""
    return {1: settings.DEMO_PORT, 2: settings.DEMO_PORT + 1}


def books_url() -> str:
    return f"http://127.0.0.1:{settings.DEMO_PORT + 2}/v1"


def login_file() -> Path:
    return Path(settings.VAR_DIR) / "demo-login.txt"


def build_demo(*, departments: int, days: int, say: Say) -> None:
    """Load, train and forecast the demonstration chain; what is there already is kept and only brought up to date.

    Where a person has added a connection of their own, nothing invented is mixed into their chain.
    """
    if own := Connection.objects.exclude(name__in=[*NAMES.values(), BOOKS, ITEMS]).first():
        setup_schedules()
        say(f"this is the chain of {own.name!r}: no demonstration is added to it")
        return
    organisation = _chain()
    _administrator(say)
    with simulators(departments, days) as urls:
        connections = [
            add_connection(organisation, kind="iiko", name=NAMES[number], url=url, login=LOGIN, password=PASSWORD)[0]
            for number, url in urls.items()
        ]
        books = add_connection(organisation, kind="onec", name=BOOKS, url=books_url(), api_key=KEY)[0]
        today = organisation_today(organisation)
        seed_holidays(organisation, range(today.year - 3, today.year + 2))
        _departments(organisation, books, say)
        _sales(organisation, connections, days, say)
    _segments(departments, days)
    _forecasts(organisation, say)
    _items(organisation, say)
    setup_schedules()


@contextmanager
def simulators(departments: int, days: int) -> Iterator[dict[int, str]]:
    """All servers on their ports for the time of the block; one that is running already is used as it is."""
    with ExitStack() as stack:
        urls = {}
        for number, port in ports().items():
            world = demo_world(server=number, days=days, departments=departments)
            urls[number] = f"http://127.0.0.1:{port}"
            try:
                server = IikoServer(world, port=port, login=LOGIN, password=PASSWORD)
            except OSError:
                continue  # served already, by a demonstration that is running
            stack.enter_context(server)
        with suppress(OSError):
            stack.enter_context(OnecServer(demo_objects(departments), port=settings.DEMO_PORT + 2, key=KEY))
        yield urls


def _chain() -> Organisation:
    organisation = Organisation.objects.main()
    if not Connection.objects.filter(organisation=organisation).exists():
        organisation.name = gettext("Demonstration chain")
        organisation.save(update_fields=["name"])
    return organisation


def _administrator(say: Say) -> None:
    if User.objects.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(9)
    User.objects.create_superuser("admin", password=password)
    path = login_file()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"login: admin\npassword: {password}\n")
    say(f"administrator created, see {path}")


def _departments(organisation: Organisation, books: Connection, say: Say) -> None:
    nobody = not Department.objects.filter(organisation=organisation).exists()
    if nobody or not SourceDepartment.objects.filter(connection=books, type=OBJECT).exists():
        say("synchronising departments")
        _must(run_now(start_department_sync(organisation=organisation, trigger=Trigger.COMMAND)[0]))


def _sales(organisation: Organisation, connections: list[Connection], days: int, say: Say) -> None:
    first, yesterday = settled_range(organisation)
    done = latest_cutoff(organisation)
    if done == yesterday:
        return
    if done is None:
        first = yesterday - dt.timedelta(days=days - 1)
    else:
        first = min(first, done)
    say(f"loading sales from {first} to {yesterday}")
    run = start_sync(
        organisation=organisation,
        from_date=first,
        to_date=yesterday,
        connections=connections,
        trigger=Trigger.COMMAND,
        log_as="first" if done is None else "daily",
    )[0]
    _must(run_now(run))


def _segments(departments: int, days: int) -> None:
    """Tills do not know segments; a person would choose them in the admin."""
    for number in ports():
        world = demo_world(server=number, days=days, departments=departments)
        for branch in world.branches:
            Department.objects.filter(sources__external_id=branch.id).update(segment_type=branch.segment)


def _forecasts(organisation: Organisation, say: Say) -> None:
    cutoff = latest_cutoff(organisation)
    if not ForecastIssue.objects.filter(organisation=organisation).exists():
        say("replaying the mornings of the last weeks")
        replay(organisation, days=REPLAYED_DAYS)
    if serving_version(organisation) is None:
        say("training")
        _must(run_now(start_training(organisation=organisation, trigger=Trigger.COMMAND, origins=FIRST_ORIGINS)[0]))
    elif cutoff and not ForecastIssue.objects.filter(organisation=organisation, data_as_of=cutoff).exists():
        say("forecasting")
        _must(run_now(start_forecast(organisation=organisation, trigger=Trigger.COMMAND)[0]))


def _items(organisation: Organisation, say: Say) -> None:
    """Products are forecast by the worker: the first page does not wait for them."""
    cutoff = latest_cutoff(organisation)
    if cutoff and not ItemIssue.objects.filter(organisation=organisation, data_as_of=cutoff).exists():
        say("bringing in the items of some bakeries")
        push_demo_items(organisation, cutoff)
        start_item_forecast(organisation=organisation, trigger=Trigger.COMMAND, replay_days=REPLAYED_ITEM_DAYS)


def _must(run: Run) -> None:
    if run.state not in (State.DONE, State.PARTIAL):
        raise DemoFailed("; ".join(of_errors(run.errors)) or f"{run} ended as {run.state}")
