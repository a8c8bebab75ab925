"""Products as a server lists them.

Which of its products is which of ours is found by the server's id, else by the article (`num`, where a server has none
the quick code): a product that a push or a file brought under that code is the same. Of several servers that name one
product the first has the say over it, until it drops the product or is switched off.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from departments.choices import Kind
from departments.models import Connection
from items.catalogue.counted import Counted
from items.catalogue.lists import BATCH, clipped, write_changed
from items.catalogue.modifiers import store_modifiers
from items.catalogue.prices import note_default_prices
from items.choices import CategoryKind
from items.locks import lock_products
from items.models import Category, Product, ProductGroup, SourceProduct, Unit
from sources.iiko.types import RemoteProduct

Values = dict[str, Any]
T = TypeVar("T")


def article(row: RemoteProduct) -> str:
    """The code people and programs know a product by."""
    return clipped(Product, "code", row.num or row.code)


@transaction.atomic
def store_products(connection: Connection, remote: Sequence[RemoteProduct], *, whole: bool) -> Counted:
    """Bring our products in line with what the server sent: all of them (`whole`), or what has changed.

    Of a whole list, what is missing is deactivated, unless the list is empty. Nothing is ever deleted.
    """
    counted = Counted()
    if not remote:
        if whole:
            counted.note("catalogue_empty_products", warning=False, source=connection.name)
        return counted
    lock_products(connection.organisation_id)
    _Products(connection, remote, counted).store(whole=whole)
    return counted


class _Products:
    """`rows` are those told now, live ones first; `links` of all the server ever named, by its ids."""

    def __init__(self, connection: Connection, remote: Sequence[RemoteProduct], counted: Counted) -> None:
        self.connection, self.counted, self.now = connection, counted, timezone.now()
        self.rows = sorted(remote, key=lambda row: (row.deleted, row.external_id))
        self.links = {
            link.external_id: link
            for link in SourceProduct.objects.filter(connection=connection).select_related("product")
        }
        self.products = {link.product_id: link.product for link in self.links.values()}
        others = Product.objects.filter(organisation=connection.organisation_id).exclude(code="")
        self.bearers = {product.code: self.products.get(product.pk, product) for product in others}
        self.fresh: dict[UUID, Product] = {}

    def store(self, *, whole: bool) -> None:
        touched = self._link()
        if whole:
            touched |= self._drop_missing()
        self.elsewhere = self._elsewhere()
        told: dict[UUID, RemoteProduct] = {}
        for row in self.rows:
            told.setdefault(self.links[row.external_id].product_id, row)
        owned = {pk: row for pk, row in told.items() if self._has_the_say(self.products[pk])}
        wanted: dict[UUID, Values] = {pk: {"is_active": self._is_active(pk)} for pk in {*told, *touched}}
        references = self._references()
        for pk, row in owned.items():
            wanted[pk] |= self._values(row, references)
        for pk, code in self._codes(owned).items():
            wanted.setdefault(pk, {})["code"] = code
        self._write(wanted, told)
        self.counted.count(told, new=self.fresh, moved=self.moved & told.keys())
        self.counted.changed += len(self.moved - told.keys())
        pks = {external_id: link.product_id for external_id, link in self.links.items()}
        store_modifiers(self.connection.organisation_id, owned, pks)

    def _link(self) -> set[UUID]:
        """Find or make our product of every row; returns those that the server lists again, or no more."""
        new, moved = [], []
        for row in self.rows:
            link = self.links.get(row.external_id)
            if link is None:
                link = SourceProduct(
                    organisation_id=self.connection.organisation_id,
                    connection=self.connection,
                    external_id=row.external_id,
                    product=self._product_for(row),
                    is_active=not row.deleted,
                    seen_at=self.now,
                )
                self.links[row.external_id] = link
                new.append(link)
            elif link.is_active == row.deleted:
                link.is_active = not row.deleted
                moved.append(link)
        SourceProduct.objects.bulk_create(new, batch_size=BATCH)  # of products that are written in the end
        write_changed(moved, ["is_active"])
        ids = [row.external_id for row in self.rows]
        for some in _batches(ids):
            SourceProduct.objects.filter(connection=self.connection, external_id__in=some).update(seen_at=self.now)
        return {link.product_id for link in moved}

    def _product_for(self, row: RemoteProduct) -> Product:
        """One that bears the article and is none of this server's others, else a new one.

        A deleted row claims nothing: what sells under its article now is something else.
        """
        standing = None if row.deleted else self.bearers.get(article(row))
        if standing is None or standing.pk in self.products:
            standing = Product(
                organisation_id=self.connection.organisation_id,
                name=clipped(Product, "name", row.name or row.external_id),
                is_active=not row.deleted,
            )
            self.fresh[standing.pk] = standing
        self.products[standing.pk] = standing
        return standing

    def _drop_missing(self) -> set[UUID]:
        """A whole list says of what it does not name that it is no more."""
        told = {row.external_id for row in self.rows}
        gone = [link for external_id, link in self.links.items() if external_id not in told and link.is_active]
        for link in gone:
            link.is_active = False
        write_changed(gone, ["is_active"])
        return {link.product_id for link in gone}

    def _elsewhere(self) -> dict[UUID, dict[int, bool]]:
        """{product: {another server: whether it lists the product}} of active servers."""
        others = SourceProduct.objects.filter(
            product__sources__connection=self.connection, connection__kind=Kind.IIKO, connection__is_active=True
        ).exclude(connection=self.connection)
        found: dict[UUID, dict[int, bool]] = defaultdict(dict)
        for product, server, is_active in others.values_list("product", "connection", "is_active"):
            found[product][server] = found[product].get(server, False) or is_active
        self.here: dict[UUID, bool] = defaultdict(bool)
        for link in self.links.values():
            self.here[link.product_id] |= link.is_active
        return found

    def _is_active(self, pk: UUID) -> bool:
        return self.here[pk] or any(self.elsewhere.get(pk, {}).values())

    def _has_the_say(self, product: Product) -> bool:
        if product.said_by_id in (None, self.connection.pk):
            return True
        return self.here[product.pk] and not self.elsewhere.get(product.pk, {}).get(product.said_by_id, False)

    def _references(self) -> dict[str, dict[str, int]]:
        """{column of a product: {the server's id: ours}}"""
        rows = {"group_id": ProductGroup.objects.all(), "unit_id": Unit.objects.all()}
        for column, kind in (
            ("category_id", CategoryKind.PRODUCT),
            ("tax_category_id", CategoryKind.TAX),
            ("accounting_category_id", CategoryKind.ACCOUNTING),
        ):
            rows[column] = Category.objects.filter(kind=kind)
        return {
            column: dict(found.filter(connection=self.connection).values_list("external_id", "pk"))
            for column, found in rows.items()
        }

    def _values(self, row: RemoteProduct, references: dict[str, dict[str, int]]) -> Values:
        quick = {"code": row.code} if row.num and row.code not in ("", row.num) else {}
        told = {
            "group_id": row.parent_id,
            "unit_id": row.unit_id,
            "category_id": row.category_id,
            "tax_category_id": row.tax_category_id,
            "accounting_category_id": row.accounting_category_id,
        }
        return {
            "name": clipped(Product, "name", row.name or row.external_id),
            "type": clipped(Product, "type", row.type) or Product._meta.get_field("type").default,
            **{column: references[column].get(id or "") for column, id in told.items()},
            "default_price": row.default_price,
            "description": row.description,
            "additional_info": row.extra | quick,
            "said_by_id": self.connection.pk,
        }

    def _codes(self, owned: dict[UUID, RemoteProduct]) -> dict[UUID, str]:
        """Who bears which code afterwards. Each is borne once: by a live product before a deleted one."""
        free = {pk: row for pk, row in owned.items() if "code" not in self.products[pk].overridden}
        found: dict[UUID, str] = {}
        taken: set[str] = set()
        refused: list[str] = []

        def rank(pk: UUID) -> tuple[bool, bool, str]:
            row = free[pk]
            return row.deleted, self.products[pk].code != article(row), row.external_id

        for pk in sorted(free, key=rank):
            row, code = free[pk], article(free[pk])
            bearer = self.bearers.get(code)
            stands_in_the_way = bearer is not None and bearer.pk not in free
            if stands_in_the_way and self._is_a_dead_one_of_ours(bearer) and code not in taken:
                found[bearer.pk] = ""  # type: ignore[union-attr]
                stands_in_the_way = False
            if stands_in_the_way or code in taken:
                refused += [] if row.deleted else [f"{row.name} ({code})"]
                code = ""
            taken |= {code} - {""}
            found[pk] = code
        self.counted.note_names("catalogue_codes_twice", refused, source=self.connection.name)
        return found

    def _is_a_dead_one_of_ours(self, bearer: Product | None) -> bool:
        mine = bearer is not None and bearer.said_by_id == self.connection.pk and "code" not in bearer.overridden
        return mine and not self._is_active(bearer.pk)  # type: ignore[union-attr]

    def _write(self, wanted: dict[UUID, Values], told: dict[UUID, RemoteProduct]) -> None:
        self.moved: set[UUID] = set()
        names: set[str] = {"updated_at"}
        recoded: list[UUID] = []
        repriced: list[Product] = []
        for pk, values in wanted.items():
            product = self.products[pk]
            differing = {
                name
                for name, value in values.items()
                if getattr(product, name) != value and name.removesuffix("_id") not in product.overridden
            }
            if not differing:
                continue
            self.counted.deactivated += "is_active" in differing and product.is_active and pk not in self.fresh
            for name in differing:
                setattr(product, name, values[name])
            if "default_price" in differing and product.default_price is not None:
                repriced.append(product)
            if pk in self.fresh:
                continue
            product.updated_at = self.now
            self.moved.add(pk)
            recoded += [pk] if "code" in differing else []
            names |= {name.removesuffix("_id") for name in differing}
        # Codes may go round in a circle: for a moment nobody bears one that moves.
        for some in _batches(recoded):
            Product.objects.filter(pk__in=some).update(code="")
        write_changed([self.products[pk] for pk in self.moved], names)
        Product.objects.bulk_create(self.fresh.values(), batch_size=BATCH)
        note_default_prices(self.connection, repriced)
        for some in _batches(list(told)):
            Product.objects.filter(pk__in=some).update(synced_at=self.now)


def _batches(ids: list[T]) -> Iterator[list[T]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
