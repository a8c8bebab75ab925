"""The command line: exit code 0 = complete, 1 = failed or suspicious, 2 = wrong usage; a sentence, nothing changed."""

import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organisation
from departments.models import Connection, Department
from sales.models import SalesSummary
from sources.simulator import IikoServer
from sources.simulator.worlds.demo import demo_world

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(demo_world(1, days=40, departments=4), login="api", password="secret") as server:
        yield server


def run(*arguments, code=0):
    """Standard output and error of a command that must end with `code`."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
        ended = 0
    except SystemExit as left:
        ended = left.code
    except CommandError as error:
        ended = error.returncode
        err.write(str(error))
    assert ended == code, out.getvalue() + err.getvalue()
    return out.getvalue() + err.getvalue()


def add(till, password="secret", url=None, name="till"):
    run("add_connection", "--name", name, "--url", url or till.url, "--login", "api", "--password", password)


def test_from_an_empty_installation_to_sales(till):
    add(till)
    assert "login accepted" in run("check_connection", "till", "--sales")
    run("sync_departments")
    report = json.loads(run("sync_sales", "--json"))
    assert (report["state"], report["errors"]) == ("done", [])
    assert report["counts"]["days"] == 14
    assert SalesSummary.objects.count() == report["counts"]["summary_records"]
    again = json.loads(run("sync_sales", "--json"))
    assert again["counts"]["changed_rows"] == 0


def test_a_wrong_password_is_told_and_the_slot_is_free(till):
    add(till, password="wrong")
    assert "till" in run("check_connection", "till", code=1)
    run("sync_sales", code=1)
    assert till.tokens.live(3600) == []
    assert not SalesSummary.objects.exists()


def test_a_check_keeps_a_log_of_what_it_told_and_no_secret(till, settings, tmp_path):
    settings.LOG_DIR = tmp_path
    add(till)
    run("check_connection", "till", "--sales")
    run("check_connection", "till", "--json")
    add(till, password="wrong", name="another")
    json.loads(run("check_connection", "another", "--json", code=1))
    first, second, third = (file.read_text() for file in sorted(tmp_path.glob("sync_*.log")))
    assert ("login accepted" in first, "Sales of" in first) == (True, True)
    assert ("login accepted" in second, "Sales of" in second) == (True, False)
    assert "another" in third
    assert "secret" not in first + second + third


def test_an_unreachable_host_is_told(till):
    add(till, url="http://127.0.0.1:9")
    assert "127.0.0.1" in run("sync_sales", code=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sync_sales", "--from", "2026-03-18", "--to", "2026-03-01"],
        ["sync_sales", "--from", "1926-01-01", "--to", "2026-03-01"],
        ["sync_sales", "--connection", "nowhere"],
        ["sync_sales", "--department", "not-a-uuid"],
        ["add_connection", "--name", "x", "--url", "ftp://example.com", "--login", "a", "--password", "b"],
        ["add_connection", "--name", "x", "--url", "http://a:b@example.com", "--login", "a", "--password", "b"],
        ["forecast", "--horizon", "93"],
    ],
)
def test_wrong_usage_ends_with_two_and_changes_nothing(till, arguments):
    add(till)
    run(*arguments, code=2)
    assert Connection.objects.count() == 1
    assert not SalesSummary.objects.exists()


def test_without_a_connection_or_sales_the_next_step_is_named():
    assert run("sync_sales", code=1)
    assert run("train", code=1)
    assert run("forecast", code=1)


def test_a_dry_run_asks_and_writes_nothing(till):
    add(till)
    report = json.loads(run("sync_sales", "--dry-run", "--json"))
    assert report["counts"]["changed_rows"] > 0
    assert not SalesSummary.objects.exists()


def test_a_password_is_encrypted_at_rest_and_shown_nowhere(till):
    from django.db import connection

    add(till)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM departments_connection")
        stored = cursor.fetchone()[0]
    assert "secret" not in stored
    assert Connection.objects.get().password == "secret"
    assert "secret" not in repr(Connection.objects.values_list("facts", flat=True)) + str(Connection.objects.get())


def test_a_load_of_one_branch_by_its_id(till):
    add(till)
    run("sync_departments")
    branch = Department.objects.selling().first()
    yesterday = dt.date.today() - dt.timedelta(days=2)
    run("sync_sales", "--department", str(branch.pk), "--from", str(yesterday), "--to", str(yesterday))
    assert set(SalesSummary.objects.values_list("department", flat=True)) == {branch.pk}
    assert Organisation.objects.count() == 1
