"""The catalogue: products, what sorts them, stores, and how servers are asked for them."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.formats import exact
from accounts.pages import HouseAdmin, ReadOnly, back_to, page_organisation, signed_in
from items.admin.filters import ListedByFilter, ServerFilter
from items.catalogue.edit import save_product, save_store
from items.catalogue.sold import DAYS, where_sold
from items.catalogue.sync import KIND, start_sync
from items.models import (
    PRODUCT_FIELDS,
    Catalogue,
    Category,
    Price,
    Product,
    ProductGroup,
    ProductModifier,
    SourceProduct,
    Store,
    Unit,
)
from runs.choices import Trigger
from runs.pages import latest_box
from runs.sentences import sentence


def shown_info(info: dict[str, Any]) -> str:
    return format_html('<pre class="sf-code">{}</pre>', json.dumps(info, ensure_ascii=False, indent=1)) if info else "—"


class Told(ReadOnly):
    """Rows that belong to the page they stand on: who sees the page sees them."""

    extra = 0
    per_page = 20
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class SourceInline(Told, TabularInline):
    model = SourceProduct
    fields = ["connection", "external_id", "is_active", "seen_at"]
    readonly_fields = fields
    ordering = ["connection__name", "id"]
    verbose_name_plural = _("At the sources")


class PriceInline(Told, TabularInline):
    model = Price
    fields = ["from_date", "department", "amount_shown", "connection"]
    readonly_fields = fields
    ordering = ["-from_date", "department__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        rows: Any = super().get_queryset(request)
        return rows.visible_to(signed_in(request)).select_related("department", "connection")  # type: ignore[no-any-return]

    @display(description=_("amount"))
    def amount_shown(self, price: Price) -> str:
        return format_html('<span class="sf-figure">{}</span>', exact(price.amount))


class ModifierInline(Told, TabularInline):
    model = ProductModifier
    fk_name = "product"
    ordering = ["modifier__name", "id"]
    fields = ["modifier", "at_least", "at_most", "by_default", "is_required"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductModifier]:
        rows: QuerySet[ProductModifier] = super().get_queryset(request).select_related("modifier")
        return rows


class GroupFilter(AutocompleteSelectFilter):
    """A group with all that are part of it."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.used_parameters.get(self.lookup_kwarg)
        number = value[0] if isinstance(value, list) else value
        return queryset.in_group(int(number)) if number and str(number).isdecimal() else queryset


class ProductForm(forms.ModelForm):
    overridden = forms.MultipleChoiceField(
        label=_("Kept by hand"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_(
            "What the source says of these is not taken over any more. Choose, save, then write them yourself."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "overridden" in self.fields:
            names = [(name, Product._meta.get_field(name).verbose_name) for name in PRODUCT_FIELDS]  # type: ignore[union-attr]
            self.fields["overridden"].choices = names  # type: ignore[attr-defined]


@admin.register(Product)
class ProductAdmin(HouseAdmin):
    form = ProductForm
    list_display = ["name", "code", "type", "group", "category", "unit", "price_shown", "is_active"]
    list_filter = [
        ("group", GroupFilter),
        ("category", AutocompleteSelectFilter),
        ("type", ChoicesDropdownFilter),
        ("is_active", BooleanRadioFilter),
        ListedByFilter,
    ]
    list_select_related = ["group", "category", "unit"]
    search_fields = ["name", "code", "=sources__external_id"]
    list_before_template = "items/catalogue_before.html"
    change_form_outer_before_template = "items/product_sold.html"
    autocomplete_fields = ["group", "category", "tax_category", "accounting_category", "unit"]
    readonly_fields = ["id", "said_by_shown", "info", "created_at", "updated_at", "synced_at"]
    inlines = [PriceInline, SourceInline, ModifierInline]
    fieldsets = [
        (None, {"fields": ["organisation", *PRODUCT_FIELDS]}),
        (_("Other fields"), {"fields": ["id", "said_by_shown", "info", "created_at", "updated_at", "synced_at"]}),
    ]

    @display(description=_("price"), ordering="default_price")
    def price_shown(self, product: Product) -> str:
        return format_html('<span class="sf-figure">{}</span>', exact(product.default_price))

    @display(description=_("told by"))
    def said_by_shown(self, product: Product) -> str:
        return str(product.said_by or "—")

    @display(description=_("other fields"))
    def info(self, product: Product) -> str:
        return shown_info(product.additional_info)

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> list[str]:
        known = [*self.readonly_fields]
        if obj is None or obj.said_by_id is None:
            return known
        # As stored: a form that is shown again with its errors has written into `obj` already.
        kept = Product.objects.values_list("overridden", flat=True).get(pk=obj.pk)
        of_source = [name for name in PRODUCT_FIELDS if name not in kept]
        return [*("price_shown" if name == "default_price" else name for name in of_source), *known]

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        """What is kept by hand is asked for only where a source says something else."""
        (title, first), *others = super().get_fieldsets(request, obj)
        if obj is not None and obj.said_by_id:
            told = self.get_readonly_fields(request, obj)
            shown = [
                "price_shown" if name == "default_price" and "price_shown" in told else name for name in first["fields"]
            ]
            first = {**first, "fields": [*shown, "overridden"]}
        return [(title, first), *others]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Its sales would go with it: it is switched off instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        kept = form.initial.get("overridden") or []
        save_product(obj, released=set(kept) - set(obj.overridden) if change else ())

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        synchronise_url = path("synchronise/", wrap(require_POST(synchronise)), name="items_synchronise")
        return [synchronise_url, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), **synchronising(request)})

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        product = self.get_object(request, object_id) if object_id else None
        places = where_sold(product, signed_in(request)) if product else []
        context = {"places": places, "days": DAYS, "product": product}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **context})


def synchronising(request: HttpRequest) -> dict[str, Any]:
    """For a list of the catalogue: the box of the run that fills it, and whether one may start another."""
    may = request.user.has_perm("items.sync_catalogue")
    return {"may_synchronise": may, "box": latest_box(request, KIND)}


def synchronise(request: HttpRequest) -> HttpResponse:
    """Ask all till servers for their catalogue."""
    if not request.user.has_perm("items.sync_catalogue"):
        raise PermissionDenied
    start_sync(
        organisation=page_organisation(request),
        full="full" in request.POST,
        trigger=Trigger.PAGE,
        started_by=signed_in(request),
    )
    return redirect(back_to(request, reverse("admin:items_product_changelist")))


class NamedAdmin(ReadOnly, HouseAdmin):
    """A list as the servers tell it."""

    list_display = ["name", "code", "connection", "is_active", "synced_at"]
    list_filter = [("is_active", BooleanRadioFilter), ServerFilter]
    list_select_related = ["connection"]
    search_fields = ["name", "code", "=external_id"]
    list_before_template = "items/catalogue_before.html"
    fields = ["name", "code", "is_active", "connection", "external_id", "info", "synced_at"]
    readonly_fields = fields

    @display(description=_("other fields"))
    def info(self, row: Any) -> str:
        return shown_info(row.additional_info)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), **synchronising(request)})


@admin.register(ProductGroup)
class ProductGroupAdmin(NamedAdmin):
    list_display = ["name", "parent", "code", "products", "connection", "is_active"]
    list_select_related = ["connection", "parent"]
    fields = ["name", "parent", *NamedAdmin.fields[1:]]
    readonly_fields = fields

    @display(description=_("products"))
    def products(self, group: ProductGroup) -> str:
        address = reverse("admin:items_product_changelist")
        return format_html('<a class="sf-link" href="{}?group={}">{}</a>', address, group.pk, gettext("show"))


@admin.register(Category)
class CategoryAdmin(NamedAdmin):
    list_display = ["name", "kind", "code", "connection", "is_active", "synced_at"]
    list_filter = [("kind", ChoicesDropdownFilter), *NamedAdmin.list_filter]
    fields = ["name", "kind", *NamedAdmin.fields[1:]]
    readonly_fields = fields


@admin.register(Unit)
class UnitAdmin(NamedAdmin):
    pass


@admin.register(Store)
class StoreAdmin(NamedAdmin):
    list_display = ["name", "department", "is_matched_by_hand", "code", "connection", "is_active", "synced_at"]
    list_filter = [("department", AutocompleteSelectFilter), *NamedAdmin.list_filter]
    list_select_related = ["connection", "department"]
    autocomplete_fields = ["department"]
    fields = ["name", "department", "is_matched_by_hand", *NamedAdmin.fields[1:]]
    readonly_fields = NamedAdmin.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whose a store is may be said by hand; all else is the server's."""
        return request.user.has_perm("items.change_store")

    def save_model(self, request: HttpRequest, obj: Store, form: Any, change: bool) -> None:
        save_store(obj, chosen="department" in form.changed_data)


@admin.register(Catalogue)
class CatalogueAdmin(HouseAdmin):
    list_display = ["connection", "at_night", "receipts_at_night", "synced_at", "full_at"]
    list_editable = ["at_night", "receipts_at_night"]
    list_select_related = ["connection"]
    list_before_template = "items/catalogue_before.html"
    fields = ["connection", "at_night", "receipts_at_night", "synced_at", "full_at"]
    readonly_fields = ["connection", "synced_at", "full_at"]
    actions = ["synchronise_chosen", "read_as_a_whole"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It comes with the connection of a server."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_sync_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("items.sync_catalogue")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), **synchronising(request)})

    @admin.action(description=_("Synchronise"), permissions=["sync"])
    def synchronise_chosen(self, request: HttpRequest, rows: QuerySet[Catalogue]) -> None:
        self._start(request, rows, full=False)

    @admin.action(description=_("Synchronise, reading all products anew"), permissions=["sync"])
    def read_as_a_whole(self, request: HttpRequest, rows: QuerySet[Catalogue]) -> None:
        self._start(request, rows, full=True)

    def _start(self, request: HttpRequest, rows: QuerySet[Catalogue], *, full: bool) -> None:
        connections = [row.connection for row in rows.select_related("connection") if row.connection.is_active]
        if not connections:
            self.message_user(request, sentence("no_connections"), "ERROR")
            return
        start_sync(
            organisation=page_organisation(request),
            connections=connections,
            full=full,
            trigger=Trigger.PAGE,
            started_by=signed_in(request),
        )
