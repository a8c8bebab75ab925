"""Which product a source means: found by what it is called, remembered, made where the source may make products."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation
from items.locks import lock_products
from items.models import ItemSource, Product, SourceProduct


def find_products(
    organisation: Organisation, *, codes: Collection[str] = (), names: Collection[str] = ()
) -> dict[str, Product]:
    """Products by exact code or name, upper and lower case being different; what nobody bears is missing.

    Of several products of one name an active one counts before the others, then the oldest.
    """
    rows = Product.objects.filter(organisation=organisation)
    found = {row.code: row for row in rows.filter(code__in=[code for code in codes if code])}
    if names:
        for row in rows.filter(name__in=names).order_by("-is_active", "created_at", "id"):
            found.setdefault(row.name, row)
    return found


@transaction.atomic
def create_products(
    organisation: Organisation, *, codes: Mapping[str, str] | None = None, names: Iterable[str] = ()
) -> dict[str, Product]:
    """Products of these codes ({code: name}) and of these names, by code or name; those that exist are taken as they are."""
    codes, names = dict(codes or {}), list(dict.fromkeys(names))
    lock_products(organisation.pk)
    found = find_products(organisation, codes=codes, names=names)
    fresh = [
        Product(organisation=organisation, code=code, name=name) for code, name in codes.items() if code not in found
    ]
    fresh += [Product(organisation=organisation, name=name) for name in names if name not in found]
    for product in Product.objects.bulk_create(fresh):
        found[product.code or product.name] = product
    return found


@transaction.atomic
def resolve(
    source: ItemSource, external_ids: Iterable[str], *, by: str = "code", names: Mapping[str, str] | None = None
) -> dict[str, UUID]:
    """{external_id: product id} of what the source calls its products; unknown ones are missing.

    A product that bears the word now, as its code or its name (`by`: "code", "name" or "id", where the source's ids
    are neither), counts before the one that was remembered under it. What is unknown is created if the source may,
    named as `names` say. What was found is remembered, so that a product may change its code or name later.
    """
    wanted = list(dict.fromkeys(external_ids))
    links = dict(
        SourceProduct.objects.filter(connection=source.pk, external_id__in=wanted).values_list("external_id", "product")
    )
    organisation = source.organisation
    known: dict[str, Product] = {}
    if by != "id":
        known = find_products(organisation, **{f"{by}s": wanted})
    found = links | {word: product.pk for word, product in known.items()}
    if source.creates_products and (unknown := [word for word in wanted if word not in found]):
        found |= _create(organisation, unknown, by, names or {})
    fresh = [
        SourceProduct(
            organisation=organisation,
            connection_id=source.pk,
            external_id=word,
            product_id=product,
            seen_at=timezone.now(),
        )
        for word, product in found.items()
        if links.get(word) != product
    ]
    SourceProduct.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["organisation", "connection", "external_id"],
        update_fields=["product", "seen_at"],
    )
    return found


def _create(organisation: Organisation, words: list[str], by: str, names: Mapping[str, str]) -> dict[str, UUID]:
    if by == "id":
        made = [Product(organisation=organisation, name=names.get(word, word)) for word in words]
        return {word: product.pk for word, product in zip(words, Product.objects.bulk_create(made), strict=True)}
    if by == "code":
        made_by = create_products(organisation, codes={word: names.get(word, word) for word in words})
    else:
        made_by = create_products(organisation, names=words)
    return {word: made_by[word].pk for word in words}
