"""A forgotten customer is named nowhere any more, and nothing else is another than before."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organisation, User
from items.choices import JobStatus
from items.customers import Forgotten, forget_customer
from items.deliveries import Attempt, Effect, once
from items.models import Delivery, ImportChunk, ReplacedLine, SaleLine
from items.store import remove_lines, store_lines
from items.tests.shop import DAY, disagreements, open_shop
from items.tests.test_undo import new_job
from items.undo import undo_job

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
ANNA = "anna+7 701 “a”"


@pytest.fixture
def shop():
    """Anna bought, an import changed it and another deleted a line of hers; one of both files is kept."""
    shop = open_shop()
    store_lines(shop.till, [line(shop, "a"), line(shop, "b", "Boris")])
    first, second = new_job(shop), new_job(shop)
    store_lines(shop.till, [line(shop, "a", total="12"), line(shop, "c")], job=first.pk)
    store_lines(shop.till, [line(shop, "a", "", "13")], job=second.pk, whole={(shop.cafe.pk, DAY)})
    for job in (first, second):
        type(job).objects.filter(pk=job.pk).update(status=JobStatus.COMPLETED)
    ImportChunk.objects.create(job=first, what="file", number=0, data=ANNA.encode())
    user = User.objects.create_user("till")
    told = {"created": [{"customer_id": ANNA, "total": 12.5}, {"customer_id": "Boris"}], "note": ANNA}
    attempt = Attempt(shop.till, "record", user, "digest", "key")
    once(attempt, lambda: Effect(200, told))
    shop.attempt, shop.first, shop.second = attempt, first, second
    return shop


def line(shop, external_id, customer=ANNA, total="10"):
    return shop.line(external_id, "1", total, customer=customer)


def named(customer):
    return [
        row.pk for model in (SaleLine, ReplacedLine) for row in model.objects.filter(customer=customer)
    ] + list(Delivery.objects.filter(answer__contains=f'"customer_id":{json.dumps(customer, ensure_ascii=False)}'))  # fmt: skip


def test_the_reference_goes_from_lines_former_lines_answers_and_files(shop):
    stored = len(SaleLine.objects.all()), len(ReplacedLine.objects.all())
    counted = forget_customer(shop.organisation, ANNA, dry_run=True)
    assert named(ANNA)
    done = forget_customer(shop.organisation, ANNA)
    assert done == counted == Forgotten(lines=0, replaced=3, answers=1, files=1, unfinished=0)
    assert not named(ANNA)
    assert not ImportChunk.objects.exists()
    assert (len(SaleLine.objects.all()), len(ReplacedLine.objects.all())) == stored
    assert named("Boris")
    answer = json.loads(once(shop.attempt, lambda: None).content)
    assert answer == {"created": [{"customer_id": None, "total": 12.5}, {"customer_id": "Boris"}], "note": ANNA}
    assert forget_customer(shop.organisation, ANNA) == Forgotten()


def test_sums_stand_and_imports_are_undone_as_before_without_the_name(shop):
    sums = list(SaleLine.objects.values_list("total", "updated_at"))
    forget_customer(shop.organisation, ANNA)
    assert list(SaleLine.objects.values_list("total", "updated_at")) == sums
    assert undo_job(shop.second).restored == 3
    assert undo_job(shop.first).kept == 0
    assert {row.external_id: (row.customer, row.total) for row in SaleLine.objects.all()} == {
        "a": ("", 10), "b": ("Boris", 10),
    }  # fmt: skip
    assert disagreements(shop.organisation) == []


def test_deleted_lines_forget_too_and_other_chains_do_not(shop):
    other = open_shop()
    for one in (shop, other):
        store_lines(one.till, [line(one, "d")])
    ids = SaleLine.objects.filter(connection=shop.till.pk, external_id="d").values_list("pk", flat=True)
    remove_lines(shop.till, list(ids), user=None)
    assert forget_customer(shop.organisation, ANNA).lines == 1
    assert SaleLine.objects.get(connection=shop.till.pk, external_id="d").is_deleted
    assert SaleLine.objects.get(connection=other.till.pk).customer == ANNA


def test_imports_under_way_are_named(shop):
    new_job(shop)
    assert forget_customer(shop.organisation, ANNA).unfinished == 1


def test_the_command_counts_and_refuses_nobody(shop):
    Organisation.objects.exclude(pk=shop.organisation.pk).delete()
    out = StringIO()
    call_command("forget_customer", ANNA, "--json", stdout=out)
    assert json.loads(out.getvalue())["replaced"] == 3
    with pytest.raises(CommandError, match="Name the customer"):
        call_command("forget_customer", "")
