"""How a sale is written and shown: the columns of `sales_data` by the names their readers know."""

from decimal import Decimal
from typing import Any

from django.db.models import F
from rest_framework import serializers

from accounts.api.fields import DateParameter, MoneyNumber, Parameters
from accounts.api.lists import ListParameters
from departments.api.serializers import DepartmentRange
from items.api.push import MODES
from items.querysets import LineQuerySet
from sales.money import rounded

# Field of an answer: column.
COLUMNS = {
    "id": "id",
    "tenant_id": "organisation_id",
    "product_id": "product_id",
    "product_code": "product__code",
    "product_name": "product__name",
    "department_id": "department_id",
    "sale_date": "date",
    "sale_timestamp": "sold_at",
    "quantity": "quantity",
    "unit_price": "unit_price",
    "total_amount": "total",
    "currency": "currency",
    "channel": "channel",
    "location": "location",
    "customer_id": "customer",
    "transaction_id": "transaction_id",
    "payment_method": "payment_method",
    "discount_amount": "discount",
    "tax_amount": "tax",
    "notes": "notes",
    "metadata": "metadata",
    "is_deleted": "is_deleted",
    "deleted_at": "deleted_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "created_by": "created_by",
}
MONEY = ("unit_price", "total_amount", "discount_amount", "tax_amount")
UNKNOWN_IF_EMPTY = ("location", "customer_id", "transaction_id", "payment_method", "notes")


def renamed(rows: LineQuerySet) -> Any:
    """The rows as dicts with the names of COLUMNS."""
    others = {name: F(column) for name, column in COLUMNS.items() if name != column}
    return rows.annotate(**others).values(*COLUMNS)


def shape(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `renamed` as it is answered; changed in place."""
    for name in MONEY:
        row[name] = rounded(row[name])
    for name in UNKNOWN_IF_EMPTY:
        row[name] = row[name] or None
    row["quantity"] = plain(row["quantity"])
    return row


def plain(quantity: Decimal) -> Decimal:
    """15 rather than 15.000."""
    whole = quantity.to_integral_value()
    return whole if quantity == whole else quantity.normalize()


class QuantityNumber(serializers.DecimalField):
    """A quantity of an answer, for the schema: a number with up to three places."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=3, coerce_to_string=False, **kwargs)


class RecordShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    product_id = serializers.UUIDField()
    product_code = serializers.CharField(allow_blank=True)
    product_name = serializers.CharField()
    department_id = serializers.UUIDField()
    sale_date = serializers.DateField(help_text="The business date")
    sale_timestamp = serializers.DateTimeField(allow_null=True)
    quantity = QuantityNumber()
    unit_price = MoneyNumber(allow_null=True)
    total_amount = MoneyNumber(allow_null=True, help_text="After the discount")
    currency = serializers.CharField(allow_blank=True)
    channel = serializers.CharField(allow_blank=True)
    location = serializers.CharField(allow_null=True)
    customer_id = serializers.CharField(allow_null=True)
    transaction_id = serializers.CharField(allow_null=True)
    payment_method = serializers.CharField(allow_null=True)
    discount_amount = MoneyNumber(allow_null=True)
    tax_amount = MoneyNumber(allow_null=True)
    notes = serializers.CharField(allow_null=True)
    metadata = serializers.JSONField(allow_null=True)
    is_deleted = serializers.BooleanField()
    deleted_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    created_by = serializers.IntegerField(allow_null=True, help_text="The user who sent it")


class RecordWritten(serializers.Serializer[Any]):
    """A sale as it is sent, for the schema; `items.records` reads it."""

    tenant_id = serializers.UUIDField(required=False, help_text="The organisation; needless for who has one")
    product_id = serializers.UUIDField(required=False)
    product_code = serializers.CharField(required=False, max_length=60, help_text="Instead of product_id")
    department_id = serializers.UUIDField(required=False, help_text="Needless for who sells in one department")
    sale_date = DateParameter(help_text="The business date, not in the future")
    sale_timestamp = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Without an offset: the department's clock"
    )
    quantity = serializers.DecimalField(max_digits=14, decimal_places=3, help_text="More than 0")
    unit_price = serializers.DecimalField(max_digits=18, decimal_places=4, min_value=0)
    total_amount = serializers.DecimalField(
        max_digits=18, decimal_places=4, min_value=0, required=False, help_text="Else quantity * unit_price - discount"
    )
    currency = serializers.RegexField("^[A-Z]{3}$", required=False, help_text="Else the department's")
    channel = serializers.CharField(required=False, max_length=50, help_text="pos, online, manual or your own")
    location = serializers.CharField(
        required=False, allow_null=True, max_length=255, help_text="Without department_id: its name or code"
    )
    customer_id = serializers.CharField(required=False, allow_null=True, max_length=100)
    transaction_id = serializers.CharField(required=False, allow_null=True, max_length=100, help_text="The receipt")
    line_number = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=999_999,
        help_text="Of the receipt: with it a line that comes again is known",
    )
    external_id = serializers.CharField(
        required=False, max_length=100, help_text="Your own id of the record: with it one that comes again is known"
    )
    payment_method = serializers.CharField(required=False, allow_null=True, max_length=50)
    discount_amount = serializers.DecimalField(max_digits=18, decimal_places=4, min_value=0, required=False)
    tax_amount = serializers.DecimalField(max_digits=18, decimal_places=4, min_value=0, required=False, allow_null=True)
    notes = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=2000)
    metadata = serializers.DictField(required=False, allow_null=True)


class BatchWritten(serializers.Serializer[Any]):
    """A bare list of records is taken as well."""

    records = RecordWritten(many=True)
    tenant_id = serializers.UUIDField(required=False)


class FieldError(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField()


class RecordStored(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    id = serializers.UUIDField()


class RecordRefused(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    errors = FieldError(many=True)  # type: ignore[assignment]


class PossibleDuplicate(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    existing_record_id = serializers.UUIDField()
    match_confidence = serializers.FloatField(min_value=0, max_value=1)


class BatchCounts(serializers.Serializer[Any]):
    """received = inserted + updated + unchanged + repeated + refused"""

    received = serializers.IntegerField()
    inserted = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="Known already, and equal")
    repeated = serializers.IntegerField(help_text="The same receipt and line twice in the request")
    refused = serializers.IntegerField()


class BatchAnswer(serializers.Serializer[Any]):
    message = serializers.CharField()
    records = RecordStored(many=True)
    errors = RecordRefused(many=True)  # type: ignore[assignment]
    duplicates = PossibleDuplicate(many=True)
    counts = BatchCounts()


class ModeParameters(Parameters):
    mode = serializers.ChoiceField(
        MODES, default="continue", help_text="all_or_nothing: one refused record refuses the whole request"
    )


class Validated(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    is_valid = serializers.BooleanField()  # type: ignore[assignment]
    errors = FieldError(many=True)  # type: ignore[assignment]


class ValidationAnswer(serializers.Serializer[Any]):
    is_valid = serializers.BooleanField()  # type: ignore[assignment]
    total_records = serializers.IntegerField()
    valid_records = serializers.IntegerField()
    records = Validated(many=True)
    duplicates = PossibleDuplicate(many=True)


class RecordFilters(DepartmentRange):
    tenant_id = serializers.UUIDField(required=False)
    product_id = serializers.UUIDField(required=False)
    product_code = serializers.CharField(required=False, max_length=60)
    channel = serializers.CharField(required=False, max_length=50)
    transaction_id = serializers.CharField(required=False, max_length=100)
    include_deleted = serializers.BooleanField(default=False)


class RecordParameters(RecordFilters, ListParameters):
    pass


class RecordInPath(Parameters):
    id = serializers.UUIDField()


class DuplicateParameters(DepartmentRange):
    longest = 92

    tenant_id = serializers.UUIDField(required=False)
    min_confidence = serializers.FloatField(default=0, min_value=0, max_value=1)
    limit = serializers.IntegerField(default=1000, min_value=1, max_value=10_000)


class DuplicateShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    existing_record_id = serializers.UUIDField()
    match_confidence = serializers.FloatField()
    department_id = serializers.UUIDField()
    product_id = serializers.UUIDField()
    sale_date = serializers.DateField()
    sale_timestamp = serializers.DateTimeField()
    existing_sale_timestamp = serializers.DateTimeField()
    quantity = QuantityNumber()
    total_amount = MoneyNumber()


class RecordDeleted(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["deleted"])
    message = serializers.CharField()
    id = serializers.UUIDField()
