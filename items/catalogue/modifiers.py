"""What may or must be sold with a product, as its server says."""

from collections.abc import Mapping
from uuid import UUID

from items.catalogue.lists import BATCH, write_changed
from items.models import ProductModifier
from sources.iiko.types import RemoteModifier, RemoteProduct

FIELDS = ("at_least", "at_most", "by_default", "is_required", "additional_info")


def store_modifiers(organisation: UUID, rows: Mapping[UUID, RemoteProduct], ours: Mapping[str, UUID]) -> int:
    """The modifiers of these products become those of `rows`; returns how many were written or taken away.

    `ours`: {the server's id: our product}. A modifier that is no product of the server is left out.
    """
    standing: dict[tuple[UUID, UUID], ProductModifier] = {}
    products = list(rows)
    for start in range(0, len(products), BATCH):
        for row in ProductModifier.objects.filter(product__in=products[start : start + BATCH]):
            standing[row.product_id, row.modifier_id] = row
    fresh, moved = [], []
    for product, told in rows.items():
        for modifier in told.modifiers:
            if (other := ours.get(modifier.product_id)) is None:
                continue
            known = standing.pop((product, other), None)
            if known is None:
                fresh.append(
                    ProductModifier(
                        organisation_id=organisation, product_id=product, modifier_id=other, **_values(modifier)
                    )
                )
            elif any(getattr(known, name) != value for name, value in _values(modifier).items()):
                for name, value in _values(modifier).items():
                    setattr(known, name, value)
                moved.append(known)
    ProductModifier.objects.bulk_create(fresh, batch_size=BATCH, ignore_conflicts=True)
    write_changed(moved, FIELDS)
    ProductModifier.objects.filter(pk__in=[row.pk for row in standing.values()]).delete()
    return len(fresh) + len(moved) + len(standing)


def _values(modifier: RemoteModifier) -> dict[str, object]:
    return {
        "at_least": modifier.at_least,
        "at_most": modifier.at_most,
        "by_default": modifier.by_default,
        "is_required": modifier.required,
        "additional_info": modifier.extra,
    }
