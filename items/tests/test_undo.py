"""An import that is undone leaves what would stand had it never been."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from items.keys import line_id
from items.models import ImportJob, ReplacedLine, SaleLine
from items.store import remove_lines, store_lines
from items.tests.shop import DAY, NEXT, disagreements, few_are, open_shop
from items.undo import undo_job
from sales.models import SalesSummary

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def shop():
    return open_shop()


def new_job(shop):
    return ImportJob.objects.create(
        organisation=shop.organisation,
        connection=shop.till.connection,
        file_name="sales.csv",
        file_size_bytes=1,
        file_type="csv",
        sha256="0" * 64,
    )


def told(undone):
    return undone.removed, undone.restored, undone.kept


def rows(shop):
    return list(SaleLine.objects.filter(connection=shop.till.pk).order_by("pk").values())


def test_an_import_is_undone_to_the_last_byte(shop):
    store_lines(shop.till, [shop.line("a", "1", "10"), shop.line("b", "2", "20"), shop.line("c", "3", "30")])
    before = rows(shop)
    job = new_job(shop)
    brought = [shop.line("a", "1", "10"), shop.line("b", "2", "25"), shop.line("d", "4", "40", date=NEXT)]
    store_lines(shop.till, brought, job=job.pk, whole={(shop.cafe.pk, DAY)})
    assert SaleLine.objects.filter(job=job.pk).count() == 2
    undone = undo_job(job)
    assert told(undone) == (1, 2, 0)
    assert undone.touched == {(shop.cafe.pk, DAY), (shop.cafe.pk, NEXT)}
    assert rows(shop) == before
    assert disagreements(shop.organisation) == []
    assert SalesSummary.objects.get().total_sales == 60
    job.refresh_from_db()
    assert job.undone_at and not ReplacedLine.objects.exists()
    assert told(undo_job(job)) == (0, 0, 0)


def test_what_was_changed_since_stays(shop):
    store_lines(shop.till, [shop.line("a", "1", "10")])
    job = new_job(shop)
    store_lines(shop.till, [shop.line("a", "1", "11"), shop.line("b", "1", "1"), shop.line("c", "1", "1")], job=job.pk)
    store_lines(shop.till, [shop.line("a", "1", "12"), shop.line("b", "1", "2")])
    assert told(undo_job(job)) == (1, 0, 2)
    assert dict(SaleLine.objects.values_list("external_id", "total")) == {"a": Decimal(12), "b": Decimal(2)}
    assert disagreements(shop.organisation) == []
    assert not ReplacedLine.objects.exists()


@pytest.mark.parametrize("soft", [True, False])
def test_what_was_deleted_since_stays_deleted(shop, settings, soft):
    settings.ENABLE_SOFT_DELETE = soft
    store_lines(shop.till, [shop.line("a", "1", "10")])
    job = new_job(shop)
    store_lines(shop.till, [shop.line("a", "1", "11"), shop.line("b", "1", "11")], job=job.pk)
    remove_lines(shop.till, [line_id(shop.till.pk, DAY, "a"), line_id(shop.till.pk, DAY, "b")], user=None)
    undo_job(job)
    assert not SaleLine.objects.standing().exists()
    assert disagreements(shop.organisation) == []


def test_a_second_batch_of_an_import_does_not_count_as_a_change_since(shop):
    job = new_job(shop)
    store_lines(shop.till, [shop.line("a", "1", "10")], job=job.pk)
    store_lines(shop.till, [shop.line("a", "1", "11")], job=job.pk)
    assert told(undo_job(job)) == (1, 0, 0)
    assert not SaleLine.objects.exists()


def test_an_import_that_found_everything_there_takes_nothing_away(shop):
    store_lines(shop.till, [shop.line("a", "1", "10")], job=new_job(shop).pk)
    second = new_job(shop)
    store_lines(shop.till, [shop.line("a", "1", "10")], job=second.pk)
    assert told(undo_job(second)) == (0, 0, 0)
    assert SaleLine.objects.get().total == 10


KEYS = "abc"

imports = st.lists(st.tuples(st.sets(st.sampled_from(KEYS), max_size=2), st.booleans()), min_size=2, max_size=5)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(imports=imports, order=st.permutations(range(5)), last=st.integers(1, 5), few=st.sampled_from([0, 100]))
def test_undoing_some_imports_in_any_order_leaves_the_others(imports, order, last, few):
    """Each import brings amounts of its own, so that none finds its own lines standing already."""
    with few_are(few):
        undoing_some_leaves_the_others(imports, order, last)


def undoing_some_leaves_the_others(imports, order, last):
    shop = open_shop()
    undone = [number for number in order[:last] if number < len(imports)]
    jobs = [new_job(shop) for _ in imports]

    def bring(target, number, job):
        keys, whole = imports[number]
        lines = [target.line(key, "1", Decimal(number)) for key in sorted(keys)]
        store_lines(target.till, lines, job=job, whole={(target.cafe.pk, DAY)} if whole else None)

    for number, job in enumerate(jobs):
        bring(shop, number, job.pk)
    for number in undone:
        undo_job(jobs[number])
    wanted = open_shop()
    for number in range(len(imports)):
        if number not in undone:
            bring(wanted, number, uuid.uuid4())
    assert stand(shop) == stand(wanted), (imports, undone)
    assert disagreements(shop.organisation) == []


def stand(shop):
    return dict(SaleLine.objects.filter(connection=shop.till.pk).values_list("external_id", "total"))


def test_what_an_import_took_away_and_a_later_one_brought_back(shop):
    first, second, third = (new_job(shop) for _ in range(3))
    store_lines(shop.till, [shop.line("a", "1", "10")], job=first.pk)
    store_lines(shop.till, [shop.line("b", "1", "1")], job=second.pk, whole={(shop.cafe.pk, DAY)})
    store_lines(shop.till, [shop.line("a", "1", "30")], job=third.pk)
    assert told(undo_job(second)) == (1, 0, 1)
    assert told(undo_job(third)) == (0, 1, 0)
    assert stand(shop) == {"a": Decimal(10)}


def test_what_two_imports_did_not_name_comes_back_only_without_both(shop):
    first, second, third = (new_job(shop) for _ in range(3))
    store_lines(shop.till, [shop.line("a", "1", "10")], job=first.pk)
    store_lines(shop.till, [shop.line("b", "1", "1")], job=second.pk, whole={(shop.cafe.pk, DAY)})
    store_lines(shop.till, [shop.line("c", "1", "30")], job=third.pk, whole={(shop.cafe.pk, DAY)})
    undo_job(second)
    assert stand(shop) == {"c": Decimal(30)}
    undo_job(third)
    assert stand(shop) == {"a": Decimal(10)}
