"""The run that brings a server's catalogue: whole at first and weekly, changes in between, never a false success."""

import datetime as dt
import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone, translation

from accounts.models import Organisation
from departments.models import Connection
from items.catalogue.sync import start_sync
from items.models import Catalogue, Category, Price, Product, ProductGroup, Store, Unit
from runs.ledger import run_now
from runs.sentences import of_errors
from sources.simulator import IikoServer
from sources.simulator.worlds.demo import demo_world

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(settings):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(demo_world(1, days=3, departments=2), login="api", password="secret") as running:
        running.faults.states_revision = True
        yield running


@pytest.fixture
def till(server):
    return Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=server.url, login="api", password="secret"
    )


def sync(**options):
    return run_now(start_sync(organisation=Organisation.objects.main(), trigger="command", **options)[0])


def told(run):
    with translation.override("en"):
        return of_errors(run.errors)


def changes(run):
    return run.counts["created"], run.counts["changed"]


def test_a_server_s_catalogue_arrives_and_the_second_time_changes_nothing(server, till):
    first = sync()
    assert (first.state, changes(first)[1]) == ("done", 0)
    found = {model.__name__: model.objects.count() for model in (Product, ProductGroup, Category, Unit, Store)}
    assert found == {"Product": 56, "ProductGroup": 18, "Category": 8, "Unit": 3, "Store": 1}
    assert first.counts["entities"]["products"]["created"] == 56
    assert Product.objects.filter(group=None).count() == Product.objects.filter(default_price=None).count() == 0
    assert Price.objects.exclude(department=None).count() == 0  # no department is known by now: told
    assert {error["code"] for error in first.errors} == {"catalogue_prices_of_nobody", "catalogue_stores_of_nobody"}
    again = sync()
    assert (again.state, changes(again)) == ("done", (0, 0))


def test_between_whole_lists_only_changes_are_asked_for(server, till):
    sync()
    known = Catalogue.objects.get().revision
    dishes = list(server.edited.menu.articles)
    server.edited.rename_product(dishes[0], "Плов праздничный")
    server.edited.delete_product(dishes[1])
    run = sync(entity="products")
    assert run.counts["entities"]["products"] == {
        "found": 2, "created": 0, "changed": 2, "unchanged": 0, "deactivated": 1,
    }  # fmt: skip
    assert Product.objects.get(sources__external_id=dishes[0]).name == "Плов праздничный"
    assert not Product.objects.get(sources__external_id=dishes[1]).is_active
    catalogue = Catalogue.objects.get()
    assert catalogue.revision > known
    assert sync(entity="products", full=True).counts["entities"]["products"]["found"] == 56
    Catalogue.objects.update(full_at=timezone.now() - dt.timedelta(days=8))
    assert sync(entity="products").counts["entities"]["products"]["found"] == 56


def test_an_empty_list_is_partial_and_keeps_all(server, till):
    sync()
    server.faults.plan("products", "empty_list", count=None)
    run = sync(full=True)
    assert run.state == "partial"
    assert "till: the server sent no products at all. Nothing was deactivated." in told(run)
    assert Product.objects.active().count() == 55  # one is deleted at the server
    assert Catalogue.objects.get().revision  # what was not believed is not remembered


def test_an_empty_whole_list_does_not_count_as_read(server, till):
    sync()
    Catalogue.objects.update(full_at=timezone.now() - dt.timedelta(days=8))
    before = Catalogue.objects.values_list("revision", "full_at").get()
    server.edited.rename_product(next(iter(server.edited.menu.articles)), "Плов праздничный")
    server.faults.plan("products", "empty_list", count=1)
    assert sync(entity="products").state == "partial"
    assert Catalogue.objects.values_list("revision", "full_at").get() == before
    whole = sync(entity="products").counts["entities"]["products"]
    assert (whole["found"], whole["changed"]) == (56, 1)  # the rename between was not passed over


def test_a_list_that_makes_no_sense_costs_that_list_only(server, till):
    server.faults.plan("product_groups", "row_without_id", count=None)
    run = sync()
    assert run.state == "partial"
    assert (Product.objects.count(), ProductGroup.objects.count()) == (56, 0)
    assert told(run)[0] == "till: the answer makes no sense (a row without id). Nothing of it was used."


def test_a_server_without_price_lists_is_complete(server, till):
    server.faults.plan("prices", "not_found", count=None)
    run = sync()
    assert run.state == "done"
    assert "till: the server has nothing at /resto/api/v2/price" in told(run)[0]


def test_a_server_that_falls_silent_keeps_what_it_said_before(server, till):
    server.faults.plan("products", "error_503", count=None)
    run = sync()
    assert (run.state, run.errors[0]["transient"]) == ("partial", True)
    assert (ProductGroup.objects.count(), Product.objects.count(), Store.objects.count()) == (18, 0, 0)


def test_a_wrong_password_fails_and_one_server_does_not_cost_the_other(server, till):
    till.password = "wrong"
    till.save()
    assert sync().state == "failed"
    Connection.objects.create(
        organisation=till.organisation, name="another", url=server.url, login="api", password="secret"
    )
    assert sync().state == "partial"
    assert Product.objects.count() == 56


def command(*arguments):
    out, err = StringIO(), StringIO()
    code = 0
    try:
        with translation.override("en"):
            call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as left:
        code = left.code
    return code, out.getvalue(), err.getvalue()


def test_the_command_keeps_a_log_of_bounded_number(server, till, settings, tmp_path):
    settings.LOG_DIR, settings.LOG_FILES = tmp_path / "logs", 2
    code, out, _err = command("sync_catalog", "--entity", "stores", "--json")
    assert (code, json.loads(out)["counts"]["entities"]["stores"]["created"]) == (0, 1)
    assert Product.objects.count() == 0
    server.faults.plan("categories", "empty_list", count=None)
    for _ in range(2):
        command("sync_catalog", "--entity", "categories")
    server.faults.plan("entities", "no_list", count=None)
    code, _out, err = command("sync_catalog", "--entity", "categories")
    assert (code, "makes no sense" in err) == (1, True)
    files = sorted((tmp_path / "logs").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    assert len(files) == 2
    assert all(re.fullmatch(r"sync_\d{8}_\d{6}(_\d+)?\.log", file.name) for file in files)
    text = files[-1].read_text()
    assert "makes no sense" in text
    assert "secret" not in text


def test_a_folder_that_cannot_be_written_costs_the_log_only(server, till, settings, tmp_path):
    (tmp_path / "logs").write_text("a file stands here")
    settings.LOG_DIR = tmp_path / "logs"
    assert command("sync_catalog", "--entity", "stores")[0] == 0


def test_analyze_tells_the_structure_of_all_answers_and_stores_nothing(server, till, settings, tmp_path):
    settings.LOG_DIR = tmp_path
    code, out, _err = command("analyze", "till", "--json")
    assert code == 0
    lists = {one["name"]: one for one in json.loads(out)["lists"]}
    assert (lists["products"]["rows"], lists["stores"]["rows"], lists["departments"]["rows"]) == (56, 1, 4)
    fields = {field["name"]: field for field in lists["products"]["fields"]}
    assert fields["num"] == {"name": "num", "filled": 1.0, "types": ["text"]}
    assert fields["extra.frontImageId"]["filled"] == 0
    assert 0 < fields["modifiers"]["filled"] < 1
    assert Product.objects.count() == 0
    server.faults.plan("prices", "not_found", count=None)
    code, out, _err = command("analyze", "till")
    assert (code, "prices: till: the server has nothing at" in out, "secret" in out) == (1, True, False)
