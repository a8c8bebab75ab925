"""The catalogue: products, groups, categories and stores, as lists and one by one."""

from typing import Any

from django.db.models import F, Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import BIGGEST_ID, MoneyNumber, Parameters
from accounts.api.lists import Listing, ListParameters, page_of
from accounts.api.views import ApiView, WorkView
from accounts.permissions import requires
from departments.api.lookup import department_or_404
from items.catalogue.counted import Counted
from items.catalogue.sold import where_sold
from items.catalogue.sync import LISTS, WITH_RECEIPTS, start_sync
from items.choices import CategoryKind, PriceKind
from items.models import Category, Price, Product, ProductGroup, Store
from runs.api.starting import Outcome, answer, outcome, responses
from runs.choices import Trigger
from runs.models import Run
from sales.money import rounded

ID = [OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)]


class NamedParameters(ListParameters):
    search = serializers.CharField(required=False, max_length=100, help_text="In names and codes")
    is_active = serializers.BooleanField(required=False, allow_null=True, default=None)
    connection_id = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)


class ProductParameters(NamedParameters):
    code = serializers.CharField(required=False, max_length=60, help_text="Exactly this one")
    type = serializers.CharField(required=False, max_length=12)
    group_id = serializers.IntegerField(
        required=False, min_value=1, max_value=BIGGEST_ID, help_text="With the groups that are part of it"
    )
    category_id = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)


class CategoryParameters(NamedParameters):
    kind = serializers.ChoiceField(CategoryKind.choices, required=False)


class StoreParameters(NamedParameters):
    department_id = serializers.UUIDField(required=False)


class ProductInPath(Parameters):
    id = serializers.UUIDField()


class SyncParameters(Parameters):
    entity = serializers.ChoiceField(
        [name for name in LISTS if name not in WITH_RECEIPTS],
        default="catalogue",
        help_text="Products come with their categories, units, groups and prices; the whole catalogue with stores as well",
    )
    full = serializers.BooleanField(
        default=False, help_text="Ask for all products, also where only changes would be asked for"
    )


class ProductShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    organisation_id = serializers.UUIDField()
    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    type = serializers.CharField()
    group_id = serializers.IntegerField(allow_null=True)
    category_id = serializers.IntegerField(allow_null=True)
    tax_category_id = serializers.IntegerField(allow_null=True)
    accounting_category_id = serializers.IntegerField(allow_null=True)
    unit_id = serializers.IntegerField(allow_null=True)
    unit_name = serializers.CharField(allow_null=True)
    default_price = MoneyNumber(allow_null=True)
    description = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField()
    said_by_id = serializers.IntegerField(allow_null=True, help_text="The connection whose words these are")
    overridden = serializers.ListField(
        child=serializers.CharField(), help_text="Fields kept otherwise than the source has them"
    )
    additional_info = serializers.DictField(help_text="Fields of the source that have no column")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    synced_at = serializers.DateTimeField(allow_null=True)


class SourceShown(serializers.Serializer[Any]):
    connection_id = serializers.IntegerField()
    connection_name = serializers.CharField()
    external_id = serializers.CharField()
    is_active = serializers.BooleanField()
    seen_at = serializers.DateTimeField(allow_null=True)


class ModifierShown(serializers.Serializer[Any]):
    product_id = serializers.UUIDField()
    name = serializers.CharField()
    at_least = serializers.IntegerField()
    at_most = serializers.IntegerField(allow_null=True)
    by_default = serializers.IntegerField()
    is_required = serializers.BooleanField()


class PriceShown(serializers.Serializer[Any]):
    department_id = serializers.UUIDField(allow_null=True, help_text="null: everywhere else")
    kind = serializers.ChoiceField(PriceKind.choices)
    from_date = serializers.DateField()
    amount = MoneyNumber()


class SoldShown(serializers.Serializer[Any]):
    department_id = serializers.UUIDField()
    department_name = serializers.CharField()
    currency = serializers.CharField()
    quantity = serializers.DecimalField(max_digits=18, decimal_places=3, coerce_to_string=False)
    revenue = MoneyNumber(allow_null=True)
    last_sale_date = serializers.DateField()


class WholeProduct(ProductShown):
    """`sold`: in the departments you may see, during the last four weeks."""

    sources = SourceShown(many=True)
    modifiers = ModifierShown(many=True)
    prices = PriceShown(many=True)
    sold = SoldShown(many=True)


class NamedShown(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    connection_id = serializers.IntegerField()
    external_id = serializers.CharField()
    name = serializers.CharField()
    code = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField()
    additional_info = serializers.DictField(help_text="Fields of the source that have no column")
    synced_at = serializers.DateTimeField(allow_null=True)


class GroupShown(NamedShown):
    parent_id = serializers.IntegerField(allow_null=True)


class CategoryShown(NamedShown):
    kind = serializers.ChoiceField(CategoryKind.choices)


class StoreShown(NamedShown):
    department_id = serializers.UUIDField(allow_null=True)


class CatalogueSynced(Outcome):
    found = serializers.IntegerField(help_text="Rows of all the lists of all the servers")
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    deactivated = serializers.IntegerField(help_text="Of the changed ones")


def chosen(rows: Any, parameters: dict[str, Any]) -> Any:
    """The rows that the filters of NamedParameters name, and those that are named as their columns."""
    if words := parameters.get("search"):
        rows = rows.filter(Q(name__icontains=words) | Q(code__icontains=words))
    for name in ("is_active", "code", "type", "kind", "category_id"):
        if parameters.get(name) is not None:
            rows = rows.filter(**{name: parameters[name]})
    return rows


def priced(row: dict[str, Any]) -> dict[str, Any]:
    row["default_price"] = rounded(row["default_price"])
    return row


def shown_products(rows: Any) -> Any:
    return rows.annotate(unit_name=F("unit__name")).values(*ProductShown().fields)


class Products(ApiView):
    permission_classes = [requires("items.view_product")]
    listing = Listing(orderings=("name", "code", "created_at", "updated_at", "id"), default="name", shape=priced)

    @extend_schema(
        operation_id="products_list", parameters=[ProductParameters], responses=page_of("Product", ProductShown)
    )
    def get(self, request: Request) -> Response:
        """Products, those of all servers and of all that was pushed, imported or typed."""
        parameters = ProductParameters.read(request)
        rows: Any = chosen(Product.objects.visible_to(request.user), parameters)
        if "group_id" in parameters:
            rows = rows.in_group(parameters["group_id"])
        if "connection_id" in parameters:
            rows = rows.filter(sources__connection=parameters["connection_id"]).distinct()
        return self.listing.answer(request, shown_products(rows), parameters)


class OneProduct(ApiView):
    permission_classes = [requires("items.view_product")]

    @extend_schema(operation_id="products_read", parameters=ID, responses=WholeProduct)
    def get(self, request: Request, pk: str) -> Response:
        """A product with its ids at the sources, its modifiers and prices, and where it is sold."""
        rows = Product.objects.visible_to(request.user).filter(pk=ProductInPath.check({"id": pk})["id"])
        row = shown_products(rows).first()
        if row is None:
            raise NotFound
        product = rows.select_related("organisation").get()
        prices = Price.objects.visible_to(request.user).filter(product=product).order_by("-from_date", "id")
        return Response(
            priced(row)
            | {
                "sources": list(product.sources.order_by("id").values(
                    "connection_id", "external_id", "is_active", "seen_at", connection_name=F("connection__name")
                )),
                "modifiers": [
                    {
                        "product_id": row.modifier_id,
                        "name": row.modifier.name,
                        "at_least": row.at_least,
                        "at_most": row.at_most,
                        "by_default": row.by_default,
                        "is_required": row.is_required,
                    }
                    for row in product.modifiers.select_related("modifier").order_by("modifier__name", "id")
                ],
                "prices": [
                    {**price, "amount": rounded(price["amount"])}
                    for price in prices.values("department_id", "kind", "from_date", "amount")
                ],
                "sold": [
                    {
                        "department_id": one.department,
                        "department_name": one.name,
                        "currency": one.currency,
                        "quantity": one.quantity,
                        "revenue": rounded(one.revenue),
                        "last_sale_date": one.last,
                    }
                    for one in where_sold(product, request.user)
                ],
            }
        )  # fmt: skip


class NamedList(ApiView):
    listing = Listing(orderings=("name", "code", "id"), default="name")
    shown: type[NamedShown]

    def answer(self, request: Request, rows: Any, parameters: dict[str, Any]) -> Response:
        rows = chosen(rows.visible_to(request.user), parameters)
        if "connection_id" in parameters:
            rows = rows.filter(connection=parameters["connection_id"])
        return self.listing.answer(request, rows.values(*self.shown().fields), parameters)


class Groups(NamedList):
    permission_classes = [requires("items.view_productgroup")]
    shown = GroupShown

    @extend_schema(
        operation_id="product_groups_list", parameters=[NamedParameters], responses=page_of("Group", GroupShown)
    )
    def get(self, request: Request) -> Response:
        """Groups of products; each may be part of another."""
        return self.answer(request, ProductGroup.objects, NamedParameters.read(request))


class Categories(NamedList):
    permission_classes = [requires("items.view_category")]
    shown = CategoryShown

    @extend_schema(
        operation_id="categories_list", parameters=[CategoryParameters], responses=page_of("Category", CategoryShown)
    )
    def get(self, request: Request) -> Response:
        """Categories of three kinds: product, tax, accounting."""
        return self.answer(request, Category.objects, CategoryParameters.read(request))


class Stores(NamedList):
    permission_classes = [requires("items.view_store")]
    shown = StoreShown

    @extend_schema(operation_id="stores_list", parameters=[StoreParameters], responses=page_of("Store", StoreShown))
    def get(self, request: Request) -> Response:
        """Stores of departments you may see; those of nobody known for who sees the whole chain."""
        parameters = StoreParameters.read(request)
        rows = Store.objects.all()
        if pk := parameters.get("department_id"):
            rows = rows.filter(department=department_or_404(request, pk))
        return self.answer(request, rows, parameters)


class SyncCatalogue(WorkView):
    permission_classes = [requires("items.sync_catalogue", "items.sync_catalogue")]

    @extend_schema(
        operation_id="catalogue_sync",
        parameters=[SyncParameters],
        request=None,
        responses=responses(CatalogueSynced),
    )
    def post(self, request: Request) -> Response:
        """Take over the catalogue of all active tills. While it is under way the same request is told of the same run."""
        parameters = SyncParameters.read_all(request)
        run, _created = start_sync(
            organisation=self.organisation(),
            entity=parameters["entity"],
            full=parameters["full"],
            trigger=Trigger.API,
            started_by=self.person(),
        )
        return answer(request, run, _synced)


def _synced(run: Run) -> dict[str, Any]:
    return {**outcome(run), **{name: run.counts.get(name, 0) for name in Counted().counts()}}
