"""The tree of departments follows the source in any order; nothing is deleted and an empty list changes nothing."""

import random
import uuid

import pytest

from accounts.models import Organisation
from departments.models import Authority, Connection, Department, SourceDepartment
from departments.sync import start_sync, store_departments
from runs.choices import State
from runs.ledger import RunFailed, run_now
from runs.sentences import of_errors
from sources.iiko.types import RemoteDepartment
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.static import StaticWorld

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ROOT, FIRM, CAFE, BAR, STORE = (
    str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in "root firm cafe bar store".split()
)


def remote(id, parent, name, type="DEPARTMENT", code="", taxpayer=""):
    return RemoteDepartment(id, parent, name, type, code, taxpayer)


TREE = [
    remote(CAFE, FIRM, "Кафе Абая", code="12", taxpayer="123456789012"),
    remote(BAR, FIRM, "Бар"),
    remote(STORE, CAFE, "Склад", "STORE"),
    remote(FIRM, ROOT, "ТОО Пример", "JURPERSON"),
    remote(ROOT, None, "Сеть", "CORPORATION"),
]


@pytest.fixture
def till():
    return Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url="http://till.test", login="api", password="secret"
    )


def tree():
    return {row.name: row.parent.name if row.parent else None for row in Department.objects.select_related("parent")}


@pytest.mark.parametrize("seed", range(6))
def test_the_tree_stands_whatever_the_order(till, seed):
    shuffled = random.Random(seed).sample(TREE, len(TREE))
    result = store_departments(till, shuffled)
    assert tree() == {"Кафе Абая": "ТОО Пример", "Бар": "ТОО Пример", "ТОО Пример": "Сеть", "Сеть": None}
    assert (result.found, result.created, result.orphans) == (5, 4, [])


def test_a_department_takes_the_sources_id_and_keeps_it(till):
    store_departments(till, TREE)
    cafe = Department.objects.get(name="Кафе Абая")
    assert str(cafe.pk) == CAFE
    assert (cafe.code, cafe.taxpayer_id_number) == ("12", "123456789012")


def test_synchronised_twice_changes_nothing_and_peoples_edits_stay(till):
    store_departments(till, TREE)
    Department.objects.filter(pk=CAFE).update(segment_type="cafe", code_tco="000102")
    result = store_departments(till, TREE)
    assert (result.created, result.changed, result.unchanged) == (0, 0, 4)
    cafe = Department.objects.get(pk=CAFE)
    assert (cafe.segment_type, cafe.code_tco) == ("cafe", "000102")


def test_a_new_name_arrives(till):
    store_departments(till, TREE)
    store_departments(till, [remote(CAFE, FIRM, "Кафе Сатпаева", code="12", taxpayer="123456789012"), *TREE[1:]])
    assert Department.objects.get(pk=CAFE).name == "Кафе Сатпаева"


def test_an_unknown_parent_is_kept_and_named(till):
    result = store_departments(till, [TREE[0]])
    assert result.orphans == ["Кафе Абая"]
    assert SourceDepartment.objects.get().external_parent_id == FIRM
    store_departments(till, TREE)
    assert tree()["Кафе Абая"] == "ТОО Пример"


def test_what_the_source_no_longer_names_stays(till):
    store_departments(till, TREE)
    store_departments(till, TREE[1:])
    assert Department.objects.filter(pk=CAFE, is_active=True).exists()


def test_an_empty_list_changes_nothing(till):
    store_departments(till, TREE)
    before = list(Department.objects.order_by("pk").values())
    with pytest.raises(RunFailed):
        store_departments(till, [])
    assert list(Department.objects.order_by("pk").values()) == before


def test_branches_get_an_authority_and_the_nodes_above_do_not(till):
    store_departments(till, TREE)
    assert set(Authority.objects.values_list("department__name", flat=True)) == {"Кафе Абая", "Бар"}


def test_the_same_branch_on_a_second_server_is_one_department_and_the_first_stays_the_truth(till):
    store_departments(till, TREE)
    other = Connection.objects.create(organisation=till.organisation, name="other", url="http://other.test")
    store_departments(other, [remote(CAFE, None, "Cafe as the second server calls it")])
    assert Department.objects.get(pk=CAFE).name == "Кафе Абая"
    assert SourceDepartment.objects.filter(department=CAFE).count() == 2
    assert Authority.objects.get(department=CAFE).connection == till


def test_anothers_organisation_is_never_touched(till):
    store_departments(till, TREE)
    stranger = Connection.objects.create(
        organisation=Organisation.objects.create(name="Another"), name="till", url="http://x.test"
    )
    store_departments(stranger, TREE)
    assert Department.objects.get(pk=CAFE).organisation == till.organisation
    assert Department.objects.filter(organisation=stranger.organisation).count() == 4


def test_over_the_wire_as_a_run(till, settings):
    settings.SOURCE_PATIENCE = 0
    world = StaticWorld([], [Node(CAFE, FIRM, "Кафе", "DEPARTMENT"), Node(FIRM, None, "ТОО", "JURPERSON")])
    with IikoServer(world, login="api", password="secret") as server:
        Connection.objects.filter(pk=till.pk).update(url=server.url)
        run = run_now(start_sync(organisation=till.organisation, trigger="command")[0])
        assert (run.state, run.counts["created"]) == (State.DONE, 2)
        server.world = StaticWorld([], [])
        run = run_now(start_sync(organisation=till.organisation, trigger="command")[0])
    assert run.state == State.FAILED
    assert "till" in of_errors(run.errors)[0]
    assert Department.objects.count() == 2
