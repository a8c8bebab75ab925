"""A check that was recorded once can be played again, and holds no secret."""

import hashlib
import json
from datetime import date

import pytest

from accounts.models import Organisation
from departments.clients import ask_for_sales, check_connection
from departments.connect import add_connection
from departments.models import Connection
from sources.errors import SourceError
from sources.simulator import IikoServer
from sources.simulator.onec import OnecServer
from sources.simulator.replay import ReplayServer
from sources.simulator.worlds.demo import demo_world
from sources.simulator.worlds.demo_onec import demo_objects
from sources.transcript import REMOVED, read
from tests.test_commands import run

pytestmark = [pytest.mark.django_db(transaction=True)]
LOGIN, PASSWORD, API_KEY = "forecast-reader", "päss wörd & more", "key-of-the-books"


@pytest.fixture(autouse=True)
def quick(settings):
    settings.SOURCE_PATIENCE = 0


def iiko(url: str, password: str = PASSWORD) -> Connection:
    return add_connection(
        Organisation.objects.main(), kind="iiko", name="till", url=url, login=LOGIN, password=password
    )[0]


def books(url: str) -> Connection:
    return add_connection(Organisation.objects.main(), kind="onec", name="books", url=url, api_key=API_KEY)[0]


@pytest.mark.parametrize("by_form", [False, True])
def test_a_recorded_check_says_the_same_when_played_again(tmp_path, by_form):
    file = tmp_path / "till.json"
    with IikoServer(demo_world(1, days=5), login=LOGIN, password=PASSWORD) as server:
        server.faults.query_login_refused = by_form
        run("check_connection", iiko(server.url).name, "--sales", "--record", str(file))
    facts = Connection.objects.get().facts
    text = file.read_text()
    for secret in (LOGIN, PASSWORD, hashlib.sha1(PASSWORD.encode()).hexdigest(), "127.0.0.1"):
        assert secret not in text
    paths = [one["path"] for one in json.loads(text)["exchanges"]]
    assert paths.count("/resto/api/logout") == 2
    # The two tokens were in the login's answer and in each question after it.
    answers = {
        one["answer"] for one in json.loads(text)["exchanges"] if one["path"].endswith("/auth") and one["status"] == 200
    }
    assert answers == {REMOVED}
    with ReplayServer(read(file)) as again:
        connection = iiko(again.url)
        check_connection(connection)
        assert connection.facts == facts
        question = next(
            one for one in read(file).exchanges if one["path"].endswith("/olap") and one["method"] == "POST"
        )
        day = json.loads(question["body"])["filters"]["OpenDate.Typed"]["from"][:10]
        assert len(ask_for_sales(connection, date.fromisoformat(day)).rows) > 10


def test_a_failure_is_recorded_too_and_fails_the_same_way(tmp_path):
    file = tmp_path / "till.json"
    with IikoServer(demo_world(1, days=5), login=LOGIN, password=PASSWORD) as server:
        run("check_connection", iiko(server.url, "wrong").name, "--record", str(file), code=1)
    with ReplayServer(read(file)) as again, pytest.raises(SourceError) as caught:
        check_connection(iiko(again.url))
    assert caught.value.code == "wrong_password"


def test_the_books_can_be_recorded_as_well(tmp_path):
    file = tmp_path / "books.json"
    with OnecServer(demo_objects(14), key=API_KEY) as server:
        run("check_connection", books(server.url).name, "--record", str(file))
    assert API_KEY not in file.read_text()
    facts = Connection.objects.get().facts
    with ReplayServer(read(file)) as again:
        connection = books(f"{again.url}/v1")
        check_connection(connection)
    assert connection.facts == facts


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 9, "exchanges": []}'])
def test_what_is_no_transcript_is_told(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="transcript"):
        read(tmp_path / "x.json")
