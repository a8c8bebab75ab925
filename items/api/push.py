"""Sales by product code and day, pushed by programs: all of a night at once, or one product."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from accounts.api.fields import DateParameter, Parameters
from accounts.permissions import requires
from items.api.attempts import KEY, REFUSALS, InSeedsWords
from items.checks import Unfit, present
from items.deliveries import Effect
from items.keys import line_id
from items.models import ItemSource, Product
from items.places import Places
from items.push import SALES, Push, Refused, Taken, read_push, read_sale, store_push
from items.store import Stored
from runs.sentences import sentence

MODES = ("continue", "all_or_nothing")


class SalePushed(serializers.Serializer[Any]):
    sale_date = DateParameter(help_text="Not in the future")
    quantity_sold = serializers.DecimalField(max_digits=14, decimal_places=3, help_text="More than 0")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    department_id = serializers.UUIDField(required=False, help_text="Needed by who delivers for several departments")


class Pushed(serializers.Serializer[Any]):
    sales_by_product_code = serializers.DictField(child=serializers.ListField(child=SalePushed()))
    department_id = serializers.UUIDField(required=False, help_text="Of sales that name none")


class ProductTaken(serializers.Serializer[Any]):
    product_code = serializers.CharField()
    product_name = serializers.CharField()
    records_imported = serializers.IntegerField()


class ProductRefused(serializers.Serializer[Any]):
    product_code = serializers.CharField(allow_blank=True)
    error = serializers.CharField(help_text="A sentence for a person")
    code = serializers.CharField()


class Counts(serializers.Serializer[Any]):
    """received = added_up + inserted + updated + unchanged + refused"""

    received = serializers.IntegerField()
    added_up = serializers.IntegerField(help_text="Records that were added to another one of their product and date")
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()


class PushResults(serializers.Serializer[Any]):
    success = ProductTaken(many=True)
    errors = ProductRefused(many=True)  # type: ignore[assignment]
    total_records = serializers.IntegerField()
    counts = Counts()


class PushAnswer(serializers.Serializer[Any]):
    message = serializers.CharField()
    results = PushResults()


class SingleSale(SalePushed):
    product_code = serializers.CharField(max_length=60)


class SaleStored(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    product_id = serializers.UUIDField()
    product_code = serializers.CharField()
    product_name = serializers.CharField()
    department_id = serializers.UUIDField()
    sale_date = serializers.DateField()
    quantity_sold = serializers.DecimalField(max_digits=14, decimal_places=3, coerce_to_string=False)
    notes = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(["inserted", "updated", "unchanged"])


class PushParameters(Parameters):
    mode = serializers.ChoiceField(
        MODES, default="continue", help_text="all_or_nothing: one refused product refuses the whole request"
    )


class BulkImport(InSeedsWords):
    permission_classes = [requires("items.push_sales", "items.push_sales")]
    what = "bulk-import"

    @extend_schema(
        operation_id="sales_bulk_import",
        parameters=[PushParameters, KEY],
        request=Pushed,
        responses={200: PushAnswer, **REFUSALS},
    )
    def post(self, request: Request) -> Any:
        """Deliver sales of many products. Of a product and date the newest delivery counts; equal dates add up."""

        def work(source: ItemSource, body: Any) -> Effect:
            mode = PushParameters.read(request)["mode"]
            push = read_push(body, source, Places(self.person(), source.organisation, source))
            if push.refused and mode == "all_or_nothing":
                raise _all_refused(push)
            return _effect(push, store_push(source, push, user=self.person()))

        return self.deliver(request, work)


class PushOne(InSeedsWords):
    permission_classes = [requires("items.push_sales", "items.push_sales")]
    what = "sale"

    @extend_schema(
        operation_id="sales_push_one", parameters=[KEY], request=SingleSale, responses={201: SaleStored, **REFUSALS}
    )
    def post(self, request: Request) -> Any:
        """Say how many pieces of a product were sold on a date; what was said of them before is replaced."""

        def work(source: ItemSource, body: Any) -> Effect:
            code = present(body, "product_code") if isinstance(body, dict) else None
            if not isinstance(code, str):
                raise Unfit("item_required", "product_code")
            places = Places(self.person(), source.organisation, source)
            sale = read_sale(body, None, places)
            one = {name: value for name, value in body.items() if name != "product_code"}
            push = read_push({SALES: {code: [one]}}, source, places)
            if push.refused:
                raise push.refused[0].why
            stored = store_push(source, push, user=self.person())
            answer = _shown(push.taken[0], source) | {"status": _status(stored)}
            return _counted(push, stored, status.HTTP_201_CREATED, answer | {"sale_date": sale.date})

        return self.deliver(request, work)


def _shown(taken: Taken, source: ItemSource) -> dict[str, Any]:
    [line] = Push([taken]).lines()
    product = Product.objects.get(pk=line.product)
    return {
        "id": line_id(source.pk, line.date, line.external_id),
        "product_id": line.product,
        "product_code": product.code or taken.code,
        "product_name": product.name,
        "department_id": line.department,
        "quantity_sold": line.quantity.normalize() if line.quantity % 1 else line.quantity.to_integral_value(),
        "notes": line.notes,
    }


def _status(stored: Stored) -> str:
    return "inserted" if stored.inserted else "updated" if stored.updated else "unchanged"


def _effect(push: Push, stored: Stored) -> Effect:
    refused = push.refused_records
    message = _("Import complete. %(records)s records imported.") % {"records": push.records}
    if refused:
        message = _("Import complete. %(records)s records imported, %(refused)s refused.") % {
            "records": push.records,
            "refused": refused,
        }
    results = {
        "success": [
            {"product_code": one.code, "product_name": one.name, "records_imported": len(one.sales)}
            for one in push.taken
        ],
        "errors": [_refused(one) for one in push.refused],
        "total_records": push.records,
        "counts": {
            "received": push.records + refused,
            "added_up": push.records - stored.inserted - stored.updated - stored.unchanged,
            "inserted": stored.inserted,
            "updated": stored.updated,
            "unchanged": stored.unchanged,
            "refused": refused,
        },
    }
    return _counted(push, stored, status.HTTP_200_OK, {"message": message, "results": results})


def _counted(push: Push, stored: Stored, code: int, answer: Any) -> Effect:
    return Effect(
        code,
        answer,
        inserted=stored.inserted,
        updated=stored.updated,
        unchanged=stored.unchanged,
        refused=push.refused_records,
        dates=push.dates,
        errors=[one.why.as_error() | {"product_code": one.code[:100]} for one in push.refused],
    )


def _refused(one: Refused) -> dict[str, str]:
    return {"product_code": one.code, "error": sentence(one.why.code, one.why.params), "code": one.why.code}


def _all_refused(push: Push) -> ValidationError:
    said = {one.code: [ErrorDetail(sentence(one.why.code, one.why.params), one.why.code)] for one in push.refused}
    return ValidationError({SALES: said})
