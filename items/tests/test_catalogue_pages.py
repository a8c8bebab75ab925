"""The catalogue on pages: found and filtered, kept by hand where a person says so, synchronised by a button."""

import pytest
from django.urls import reverse

from departments.models import Connection
from items.catalogue.products import store_products
from items.models import Catalogue, Product, ProductGroup, Store
from items.tests.test_catalogue import dish
from items.tests.test_catalogue_api import till  # noqa: F401 (a fixture)
from runs.models import Run
from tests.reading import reader
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def text(client, page, *args, query=""):
    answer = client.get(reverse(f"admin:items_{page}", args=args) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def form_of(client, page, pk):
    """What a browser would send back."""
    form = client.get(reverse(f"admin:items_{page}_change", args=[pk])).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    for inline in ("prices", "sources", "modifiers"):
        values |= {f"{inline}-TOTAL_FORMS": 0, f"{inline}-INITIAL_FORMS": 0}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def test_products_are_found_and_filtered(world: World, till):  # noqa: F811
    person = reader(world, "staff")
    drinks = ProductGroup.objects.get(name="group drinks").pk
    assert "Latte" in text(person, "product_changelist", query="?q=L-1")
    assert "Latte" not in text(person, "product_changelist", query="?q=Bun")
    found = text(person, "product_changelist", query=f"?group__id__exact={drinks}")
    assert "Latte" in found
    assert "Bun" not in found
    assert "Bun" in text(person, "product_changelist", query=f"?connection={till.pk}&is_active__exact=0")


def test_a_product_shows_prices_and_sales_of_the_reader_s_branches(world: World, till):  # noqa: F811
    latte = Product.objects.get(code="L-1")
    whole = text(reader(world, "administrator"), "product_change", latte.pk)
    assert "Bakery" in whole
    assert all(said in whole for said in ("Cafe on Abay", "Milk", "brown", "1\u202f000.00"))
    mine = text(reader(world, "manager"), "product_change", latte.pk)
    assert "Cafe on Abay" in mine
    assert "Bakery" not in mine


def test_what_a_source_says_is_changed_only_where_it_is_kept_by_hand(world: World, till):  # noqa: F811
    person, latte = reader(world, "administrator"), Product.objects.get(code="L-1")
    values = form_of(person, "product", latte.pk)
    assert "name" not in values
    address = reverse("admin:items_product_change", args=[latte.pk])
    person.post(address, {**values, "overridden": ["name"]})
    values = form_of(person, "product", latte.pk)
    person.post(address, {**values, "name": "Flat white"})
    store_products(till, [dish("1", "L-1", name="Latte", description="new")], whole=False)
    latte.refresh_from_db()
    assert (latte.name, latte.description, latte.overridden) == ("Flat white", "new", ["name"])
    Catalogue.objects.update(full_at="2026-01-01T00:00Z")
    person.post(address, {key: value for key, value in values.items() if key != "overridden"})
    latte.refresh_from_db()
    assert (latte.overridden, Catalogue.objects.get(connection=till).full_at) == ([], None)


def test_a_manager_looks_and_does_not_change(world: World, till):  # noqa: F811
    latte = Product.objects.get(code="L-1")
    address = reverse("admin:items_product_change", args=[latte.pk])
    assert reader(world, "manager").post(address, {"name": "mine"}).status_code == 403
    store = Store.objects.get(department=world.cafe)
    assert reader(world, "manager").post(reverse("admin:items_store_change", args=[store.pk])).status_code == 403


def test_whose_a_store_is_may_be_said_by_hand(world: World, till):  # noqa: F811
    person, store = reader(world, "administrator"), Store.objects.get(name="Store of nobody")
    person.post(reverse("admin:items_store_change", args=[store.pk]), {"department": str(world.bar.pk)})
    store.refresh_from_db()
    assert (store.department, store.is_matched_by_hand) == (world.bar, True)
    person.post(reverse("admin:items_store_change", args=[store.pk]), {"department": str(world.bar.pk)})
    store.refresh_from_db()
    assert not store.is_matched_by_hand  # the server may say it again


def test_the_button_starts_the_run_and_shows_it(world: World, till):  # noqa: F811
    address = reverse("admin:items_synchronise")
    assert reader(world, "staff").post(address).status_code == 403
    manager = reader(world, "manager")
    assert manager.post(address, {"full": "on"}).status_code == 302
    run = Run.objects.get(kind="sync_catalogue")
    assert (run.params["full"], run.params["catalogue"], run.started_by) == (True, [till.pk], world.manager)
    assert "Synchronisation of the catalogue" in text(manager, "product_changelist")


def test_servers_are_chosen_for_the_night_and_synchronised_one_by_one(world: World, till):  # noqa: F811
    Connection.objects.create(organisation=world.organisation, name="books", kind="onec")
    person = reader(world, "administrator")
    page = reverse("admin:items_catalogue_changelist")
    assert "books" not in text(person, "catalogue_changelist").split('id="result_list"')[1]
    person.post(page, {"action": "read_as_a_whole", "_selected_action": [till.pk]})
    assert Run.objects.get(kind="sync_catalogue").params["full"]
    person.post(reverse("admin:items_catalogue_change", args=[till.pk]), {"receipts_at_night": "on"})
    assert Catalogue.objects.values_list("at_night", "receipts_at_night").get() == (False, True)
