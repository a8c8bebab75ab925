"""Objects of 1C and departments: what is proposed, and that only a person's word changes anything."""

import random
import time

import pytest

from accounts.roles import Role
from departments.books import OBJECT, store_objects
from departments.choices import Kind
from departments.edit import Refused
from departments.matching import SURE, confirm, matching, propose, release
from departments.models import Change, Connection, Department, SourceDepartment
from departments.sync import store_departments
from sources.iiko.types import RemoteDepartment
from sources.onec.types import OnecObject
from sources.simulator.worlds.demo_chain import branches
from sources.simulator.worlds.demo_onec import UNKNOWN_TO_BOOKS, demo_objects
from tests.reading import content, reader, rows, words
from tests.world import World, _department, _person

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = "/admin/departments/connection/matching/"
BIN, OTHER = "123456789012", "998877665544"


def item(code, name, bin=""):
    return SourceDepartment(external_id=code, name=name, taxpayer_id=bin)


def branch(name, code_tco="", bin=""):
    return Department(name=name, code_tco=code_tco, taxpayer_id_number=bin)


def pairs(proposals):
    return {(one.item.name, one.department.name) for one in proposals}


def test_the_code_is_decisive_even_against_the_names():
    items = [item("000000102", "Point 7"), item("000000103", "Cafe on Abay")]
    (one, *_others) = propose(items, [branch("Cafe on Abay", code_tco="102")])
    assert (one.item.external_id, one.confidence >= SURE, "code" in one.reasons) == ("000000102", True, True)


def test_names_written_differently_still_meet():
    items = [item("1", "Абая 17 Теплый угол"), item("2", "Склад №2"), item("3", "Миндаль и мёд Гоголя")]
    departments = [branch("Кондитерская «Миндаль и мёд», ул. Гоголя 75"), branch("Кофейня «Тёплый угол», пр. Абая 17")]
    assert pairs(propose(items, departments)) == {
        ("Абая 17 Теплый угол", "Кофейня «Тёплый угол», пр. Абая 17"),
        ("Миндаль и мёд Гоголя", "Кондитерская «Миндаль и мёд», ул. Гоголя 75"),
    }


def test_a_shared_bin_raises_and_a_foreign_one_lowers_the_confidence():
    departments = [branch("Cafe on Abay", bin=BIN), branch("Elsewhere", bin=BIN)]
    same, unknown, other = (
        propose([item("1", "Cafe on Abay", bin), item("2", "x", bin)], departments)[0].confidence
        for bin in (BIN, "", OTHER)
    )
    assert same > unknown > other


def test_a_bin_that_only_two_share_proposes_without_any_likeness():
    (one,) = propose([item("1", "Точка", BIN)], [branch("Кафе Абая", bin=BIN)])
    assert one.confidence == 0.7


def test_two_equally_likely_ones_are_never_sure():
    (one,) = propose([item("1", "Cafe on Abay"), item("2", "Cafe on Abay")], [branch("Cafe on Abay")])
    assert one.confidence < SURE and "rival" in one.reasons


def test_houses_of_one_street_are_told_apart_by_their_numbers():
    items = [item("1", "Кафе Арча ул. Тимирязева 42"), item("2", "Кафе Арча ул. Тимирязева 44")]
    (one,) = propose(items, [branch("Кафе «Арча», ул. Тимирязева 42")])
    assert (one.item.external_id, "rival" in one.reasons) == ("1", False)


def test_what_resembles_nothing_is_not_proposed():
    assert propose([item("1", "Склад")], [branch("Bakery")]) == []
    assert propose([], [branch("Bakery")]) == propose([item("1", "x")], []) == []


@pytest.mark.parametrize("departments", [14, 200])
def test_every_branch_of_the_demonstration_finds_its_object_in_any_order(departments):
    known = [one for one in branches(departments) if one.number != UNKNOWN_TO_BOOKS]
    items = [item(one["object_code"], one["object_name"], one["object_bin"]) for one in demo_objects(departments)]
    ours = [branch(one.name, bin=one.taxpayer_id) for one in branches(departments)]
    random.Random(5).shuffle(items)
    found = {one.department.name: one.item.external_id for one in propose(items, ours) if one.confidence >= SURE}
    truth = {one.name: f"{100 + one.number:09d}" for one in known}
    assert all(truth[name] == code for name, code in found.items()), "a sure proposal is wrong"
    assert len(found) >= 0.9 * len(truth)


@pytest.fixture
def books(world: World) -> Connection:
    connection = Connection.objects.create(
        organisation=world.organisation, kind=Kind.ONEC, name="books", url="http://books.example/v1"
    )
    store_objects(
        connection,
        [
            OnecObject("000000101", "Abay cafe", "10", "Coffee LLP", BIN),
            OnecObject("000000102", "Bar 22", "10", "Coffee LLP", BIN),
            OnecObject("000000900", "Warehouse", "10", "Coffee LLP", BIN),
        ],
    )
    return connection


def said(page) -> str:
    return words(page.content.decode())


def named(code: str) -> SourceDepartment:
    return SourceDepartment.objects.get(external_id=code)


def test_nothing_is_matched_until_a_person_says_so(world: World, books):
    found = matching(world.organisation, world.administrator)
    assert pairs(found.proposals) == {("Bar 22", "Bar 22"), ("Abay cafe", "Cafe on Abay")}
    assert [one.name for one in found.departments] == ["Bakery"]
    assert [one.name for one in found.items] == ["Warehouse"]
    assert not SourceDepartment.objects.filter(type=OBJECT).exclude(department=None).exists()


def test_a_confirmed_match_brings_code_company_and_bin_and_is_audited(world: World, books):
    assert confirm([(named("000000101"), world.cafe)], by=world.administrator) == 1
    world.cafe.refresh_from_db()
    assert (world.cafe.code_tco, world.cafe.company, world.cafe.taxpayer_id_number) == ("000000101", "Coffee LLP", BIN)
    change = Change.objects.get(row=world.cafe.pk)
    assert (change.by, change.after["code_tco"]) == (world.administrator, "000000101")
    assert confirm([(named("000000101"), world.cafe)], by=world.administrator) == 0


def test_the_books_go_on_carrying_and_the_till_does_not_overrule_their_bin(world: World, books):
    till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.example")
    told = [RemoteDepartment(str(world.cafe.pk), None, "Cafe on Abay", "DEPARTMENT", "1", OTHER)]
    store_departments(till, told)
    confirm([(named("000000101"), world.cafe)], by=world.administrator)
    store_objects(books, [OnecObject("000000101", "Abay cafe", None, "Coffee and Co LLP", BIN)])
    store_departments(till, told)
    world.cafe.refresh_from_db()
    assert (world.cafe.company, world.cafe.taxpayer_id_number) == ("Coffee and Co LLP", BIN)
    release(named("000000101"), by=world.administrator)
    store_departments(till, told)
    world.cafe.refresh_from_db()
    assert (world.cafe.company, world.cafe.code_tco, world.cafe.taxpayer_id_number) == ("", "", OTHER)


def test_one_object_is_one_department_and_a_refusal_matches_nothing(world: World, books):
    confirm([(named("000000101"), world.cafe)], by=world.administrator)
    for code, department in (("000000101", world.bar), ("000000102", world.cafe), ("000000102", world.foreign)):
        with pytest.raises(Refused):
            confirm([(named("000000900"), world.bakery), (named(code), department)], by=world.administrator)
    assert SourceDepartment.objects.filter(connection=books).exclude(department=None).count() == 1


def test_a_department_matched_with_1c_is_still_its_owners_to_edit(world: World, books):
    confirm([(named("000000101"), world.cafe)], by=world.administrator)
    api = world.client("administrator")
    answer = api.patch(f"/api/departments/{world.cafe.pk}", {"name": "Cafe 1"}, content_type="application/json")
    assert answer.status_code == 200, answer.content


def test_the_page_confirms_and_undoes(world: World, books):
    person = reader(world, "administrator")
    assert "Abay cafe" in content(person.get(PAGE))
    choice = {"pair": [f"{named('000000101').pk}:{world.cafe.pk}"]}
    assert "1 match was confirmed" in said(person.post(PAGE, choice, follow=True))
    by_hand = {f"object_of_{world.bakery.pk}": "000000900"}
    assert "1 match was confirmed" in said(person.post(PAGE, by_hand, follow=True))
    assert {row.split(" 0000")[0] for row in rows(person.get(PAGE), 'id="confirmed"')} == {
        "Cafe on Abay Abay cafe",
        "Bakery Warehouse",
    }
    person.post(PAGE, {"release": named("000000900").pk})
    world.bakery.refresh_from_db()
    assert world.bakery.code_tco == "" and named("000000900").department is None


def test_what_is_not_in_the_list_is_refused_in_words(world: World, books):
    told = said(reader(world, "administrator").post(PAGE, {f"object_of_{world.bakery.pk}": "<b>x"}, follow=True))
    assert "“<b>x” is no object of 1C" in told


def test_who_may_not_change_departments_changes_nothing(world: World, books):
    choice = {"pair": [f"{named('000000101').pk}:{world.cafe.pk}"]}
    for who in ("manager", "analyst", "staff"):
        assert reader(world, who).post(PAGE, choice).status_code in (302, 403)
    limited = _person("limited", world.organisation, Role.ADMINISTRATOR, only=[world.bar])
    world.people["limited"] = limited
    person = reader(world, "limited")
    assert "Cafe on Abay" not in content(person.get(PAGE))
    person.post(PAGE, choice)
    stranger = reader(world, "stranger")
    assert "Abay cafe" not in content(stranger.get(PAGE))
    stranger.post(PAGE, {"pair": [f"{named('000000101').pk}:{world.foreign.pk}"]})
    assert named("000000101").department is None
    confirm([(named("000000101"), world.cafe)], by=world.administrator)
    person.post(PAGE, {"release": named("000000101").pk})
    assert named("000000101").department == world.cafe


def test_without_a_1c_service_the_page_says_how_to_get_one(world: World):
    assert "API_BASE_URL" in content(reader(world, "administrator").get(PAGE))


def test_the_page_of_a_large_chain_asks_few_questions(world: World, books, django_assert_max_num_queries):
    for number in range(100):
        _department(world.organisation, f"Branch {number}", parent=world.coffee_company)
    store_objects(books, [OnecObject(f"{n:09d}", f"Branch {n - 5000}", None, "", "") for n in range(5000, 5600)])
    person = reader(world, "administrator")
    person.get(PAGE)
    with django_assert_max_num_queries(25):
        assert "Branch 99" in content(person.get(PAGE))


def test_a_large_chain_of_like_names_waits_for_nothing():
    """611 objects and 200 departments whose names differ by a number: by the processor's clock, whatever else runs."""
    names = [f"Кофейня «Тёплый угол», пр. Абая {number}" for number in range(611)]
    items = [item(f"{number:05}", f"Тёплый угол Абая {number}") for number in range(1, 612)]
    departments = [branch(name) for name in names[1:201]]
    begun = time.process_time()
    found = propose(items, departments)
    assert time.process_time() - begun < 0.2
    assert len(found) == 200
    assert all(one.item.name.split()[-1] == one.department.name.split()[-1] for one in found)
