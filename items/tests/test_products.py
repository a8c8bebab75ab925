"""Which product a source means, and which source it is."""

import pytest

from departments.models import Connection
from items.choices import MadeFor
from items.models import ItemSource, Product, SourceProduct
from items.products import create_products, find_products, resolve
from items.sources import by_hand, files, item_source
from items.tests.shop import open_shop

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def shop():
    return open_shop()


def test_codes_and_names_are_exact_and_the_chain_s_own(shop):
    other = open_shop()
    assert find_products(shop.organisation, codes=["L-1", "l-1", "X", ""]) == {"L-1": shop.latte}
    assert find_products(other.organisation, names=["Latte", "latte"]) == {"Latte": other.latte}


def test_of_one_name_the_active_one_counts_then_the_oldest(shop):
    later = Product.objects.create(organisation=shop.organisation, name="Latte")
    assert find_products(shop.organisation, names=["Latte"]) == {"Latte": shop.latte}
    Product.objects.filter(pk=shop.latte.pk).update(is_active=False)
    assert find_products(shop.organisation, names=["Latte"]) == {"Latte": later}


def test_what_exists_is_not_made_again(shop):
    made = create_products(shop.organisation, codes={"L-1": "another name", "N-1": "New"}, names=["Bun", "Tea", "Tea"])
    assert made["L-1"] == shop.latte and made["Bun"] == shop.bun
    assert Product.objects.get(code="N-1").name == "New"
    assert create_products(shop.organisation, codes={"N-1": "New"}, names=["Tea"])["Tea"] == made["Tea"]
    assert Product.objects.count() == 4


def test_an_unknown_word_is_missing_unless_the_source_may_make_products(shop):
    assert resolve(shop.till, ["L-1", "NEW"]) == {"L-1": shop.latte.pk}
    ItemSource.objects.update(creates_products=True)
    shop.till.refresh_from_db()
    found = resolve(shop.till, ["L-1", "NEW"], names={"NEW": "A new one"})
    assert Product.objects.get(pk=found["NEW"]).name == "A new one"
    assert resolve(shop.till, ["NEW"]) == {"NEW": found["NEW"]}


def test_a_word_is_remembered_until_another_product_bears_it(shop):
    resolve(shop.till, ["L-1"])
    shop.latte.code = "L-2"
    shop.latte.save()
    assert resolve(shop.till, ["L-1"]) == {"L-1": shop.latte.pk}
    shop.bun.code = "L-1"
    shop.bun.save()
    assert resolve(shop.till, ["L-1"]) == {"L-1": shop.bun.pk}
    assert SourceProduct.objects.get().product == shop.bun


def test_ids_of_a_source_are_no_codes(shop):
    shop.till.creates_products = True
    found = resolve(shop.till, ["L-1", "x"], by="id", names={"L-1": "Latte", "x": "Latte"})
    assert shop.latte.pk not in found.values() and len(set(found.values())) == 2
    assert resolve(shop.till, ["L-1", "x"], by="id") == found
    assert resolve(item_source(shop.organisation, "other"), ["L-1"], by="id") == {}


def test_a_source_is_made_once_and_found_whatever_it_is_called(shop):
    assert item_source(shop.organisation, "till") == shop.till
    made = files(shop.organisation)
    assert made.creates_products and made.connection.kind == "push"
    Connection.objects.filter(pk=made.pk).update(name="Excel")
    assert files(shop.organisation) == made
    assert by_hand(shop.organisation) != made
    assert ItemSource.objects.count() == 3


def test_a_connection_of_that_name_stays_what_it_is(shop):
    taken = Connection.objects.create(
        organisation=shop.organisation, name=str(MadeFor.FILES.label), kind="iiko", url="http://t.test"
    )
    item_source(shop.organisation, taken.name)
    made = files(shop.organisation)
    assert made.pk != taken.pk and made.connection.kind == "push"
    assert files(shop.organisation) == made
