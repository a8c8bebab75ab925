"""What a person changes in a catalogue that a server fills."""

from collections.abc import Collection

from django.db import transaction

from items.models import Catalogue, Product, Store


@transaction.atomic
def save_product(product: Product, *, released: Collection[str] = ()) -> None:
    """Store what a person made of a product. `released`: fields that the server has the say over again.

    It says them when all of its products are read, so that is what is asked for the next time.
    """
    product.overridden = sorted(set(product.overridden))
    product.save()
    if released and product.said_by_id:
        Catalogue.objects.filter(connection=product.said_by_id).update(full_at=None)


def save_store(store: Store, *, chosen: bool) -> None:
    """Store whose a store is. `chosen`: a person said it just now, and no server says otherwise from then on."""
    store.is_matched_by_hand |= chosen
    store.save(update_fields=["department", "is_matched_by_hand"])
