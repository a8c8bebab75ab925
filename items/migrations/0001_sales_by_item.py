import datetime
import uuid

import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import items.models
import sales.money


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0003_limits_of_a_key"),
        ("accounts", "__first__"),
        ("departments", "0003_the_books_name_legal_entities"),
        ("runs", "0004_seen_at_and_may_have_gone"),
    ]

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=80, verbose_name="id at the source")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="synchronised")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("tax", "tax category"),
                            ("product", "product category"),
                            ("accounting", "accounting category"),
                        ],
                        default="product",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "category",
                "verbose_name_plural": "categories",
                "db_table": "categories",
                "ordering": ["name", "id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "kind", "external_id"), name="items_category_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=80, verbose_name="id at the source")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="synchronised")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="items.productgroup",
                        verbose_name="part of",
                    ),
                ),
            ],
            options={
                "verbose_name": "product group",
                "verbose_name_plural": "product groups",
                "db_table": "product_groups",
                "ordering": ["name", "id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "external_id"), name="items_product_group_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Unit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=80, verbose_name="id at the source")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="synchronised")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "unit",
                "verbose_name_plural": "units",
                "db_table": "product_units",
                "ordering": ["name", "id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "external_id"), name="items_unit_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("GOODS", "goods"),
                            ("DISH", "dish"),
                            ("PREPARED", "semi-finished"),
                            ("SERVICE", "service"),
                            ("MODIFIER", "modifier"),
                            ("OUTER", "outer goods"),
                            ("RATE", "rate"),
                        ],
                        default="DISH",
                        max_length=12,
                        verbose_name="type",
                    ),
                ),
                (
                    "default_price",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="price"
                    ),
                ),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="synchronised")),
                (
                    "accounting_category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="items.category",
                        verbose_name="accounting category",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="items.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="products",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "tax_category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="items.category",
                        verbose_name="tax category",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="products",
                        to="items.productgroup",
                        verbose_name="group",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="items.unit",
                        verbose_name="unit",
                    ),
                ),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "db_table": "products",
                "ordering": ["name", "id"],
                "indexes": [models.Index(fields=["organisation", "name"], name="items_product_by_name")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("code", ""), _negated=True),
                        fields=("organisation", "code"),
                        name="items_product_code_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=40, verbose_name="what")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="received")),
                ("idempotency_key", models.CharField(blank=True, max_length=200, null=True)),
                ("body_sha256", models.CharField(max_length=64)),
                ("status_code", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="answer")),
                ("answer", models.TextField(blank=True)),
                ("inserted", models.PositiveIntegerField(default=0, verbose_name="added")),
                ("updated", models.PositiveIntegerField(default=0, verbose_name="changed")),
                ("unchanged", models.PositiveIntegerField(default=0, verbose_name="unchanged")),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="refused")),
                ("from_date", models.DateField(blank=True, null=True, verbose_name="from")),
                ("to_date", models.DateField(blank=True, null=True, verbose_name="to")),
                ("errors", models.JSONField(blank=True, default=list, verbose_name="errors")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["connection", "-at"], name="items_delivery_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "idempotency_key"), name="items_delivery_key_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportJob",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("job_name", models.CharField(blank=True, max_length=255, verbose_name="name")),
                ("file_name", models.CharField(max_length=255, verbose_name="file")),
                ("file_size_bytes", models.BigIntegerField(verbose_name="size")),
                ("file_type", models.CharField(max_length=50, verbose_name="type")),
                ("sha256", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("processing", "processing"),
                            ("completed", "completed"),
                            ("failed", "failed"),
                        ],
                        default="pending",
                        max_length=50,
                        verbose_name="state",
                    ),
                ),
                ("total_rows", models.IntegerField(blank=True, null=True, verbose_name="rows")),
                ("processed_rows", models.IntegerField(default=0, verbose_name="read")),
                ("successful_rows", models.IntegerField(default=0, verbose_name="stored")),
                ("failed_rows", models.IntegerField(default=0, verbose_name="refused")),
                ("error_log", models.JSONField(blank=True, default=list, verbose_name="errors")),
                ("column_mapping", models.JSONField(blank=True, default=dict, verbose_name="columns")),
                ("options", models.JSONField(blank=True, default=dict)),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started")),
                ("completed_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="imports",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "db_table": "sales_import_jobs",
                "ordering": ["-created_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="ItemDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lines", models.IntegerField(verbose_name="lines")),
                ("receipts", models.IntegerField(blank=True, null=True, verbose_name="receipts")),
                ("quantity", items.models.QuantityField(decimal_places=3, max_digits=14, verbose_name="quantity")),
                (
                    "revenue",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="revenue"
                    ),
                ),
                (
                    "gross",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="gross"
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                ("is_counted", models.BooleanField(default=True, verbose_name="counted")),
                ("updated_at", models.DateTimeField(verbose_name="changed")),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of item sales",
                "verbose_name_plural": "days of item sales",
                "db_table": "item_days",
                "ordering": ["-date", "department"],
                "constraints": [
                    models.UniqueConstraint(fields=("department", "date", "connection"), name="items_day_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ItemSource",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="items",
                        serialize=False,
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "grain",
                    models.CharField(
                        choices=[("line", "lines of receipts"), ("product_day", "product and day")],
                        default="line",
                        max_length=12,
                        verbose_name="grain",
                    ),
                ),
                ("has_money", models.BooleanField(default=True, verbose_name="knows amounts")),
                ("has_hours", models.BooleanField(default=True, verbose_name="knows hours")),
                (
                    "creates_products",
                    models.BooleanField(
                        default=False,
                        help_text="Off: what names an unknown product is refused",
                        verbose_name="creates unknown products",
                    ),
                ),
                (
                    "expected_by",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Empty: not expected",
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="expected by hour",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        help_text="Of sales that name none",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "source of item sales",
                "verbose_name_plural": "sources of item sales",
            },
        ),
        migrations.CreateModel(
            name="SalesProduct",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sold",
                        serialize=False,
                        to="items.product",
                    ),
                ),
                ("last_sale_date", models.DateField(blank=True, null=True, verbose_name="last sold")),
                ("total_sales_count", models.IntegerField(default=0, verbose_name="lines")),
                (
                    "total_quantity",
                    items.models.QuantityField(decimal_places=3, default=0, max_digits=14, verbose_name="quantity"),
                ),
                (
                    "total_revenue",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="revenue"
                    ),
                ),
                (
                    "average_price",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="average price"
                    ),
                ),
                ("updated_at", models.DateTimeField(verbose_name="changed")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "sold product",
                "verbose_name_plural": "sold products",
                "db_table": "sales_products",
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("sale", "price"), ("cost", "cost")], default="sale", max_length=4, verbose_name="kind"
                    ),
                ),
                ("from_date", models.DateField(default=datetime.date(1900, 1, 1), verbose_name="from")),
                ("amount", sales.money.MoneyField(decimal_places=4, max_digits=18, verbose_name="amount")),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="departments.connection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to="items.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "prices",
                "db_table": "product_prices",
                "ordering": ["product", "kind", "-from_date"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "product", "department", "kind", "from_date"), name="items_price_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("department", None)),
                        fields=("organisation", "product", "kind", "from_date"),
                        name="items_price_everywhere_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lines", models.IntegerField(verbose_name="lines")),
                ("receipts", models.IntegerField(blank=True, null=True, verbose_name="receipts")),
                ("quantity", items.models.QuantityField(decimal_places=3, max_digits=14, verbose_name="quantity")),
                (
                    "revenue",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="revenue"
                    ),
                ),
                (
                    "gross",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="gross"
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="items.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "product's day",
                "verbose_name_plural": "products by day",
                "db_table": "product_days",
                "ordering": ["-date", "department", "product"],
                "indexes": [models.Index(fields=["product", "date"], name="items_product_day_of_product")],
                "constraints": [
                    models.UniqueConstraint(fields=("department", "date", "product"), name="items_product_day_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductModifier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at_least", models.PositiveIntegerField(default=0, verbose_name="at least")),
                ("at_most", models.PositiveIntegerField(blank=True, null=True, verbose_name="at most")),
                ("by_default", models.PositiveIntegerField(default=0, verbose_name="by default")),
                ("is_required", models.BooleanField(default=False, verbose_name="required")),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                (
                    "modifier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="items.product",
                        verbose_name="modifier",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="modifiers",
                        to="items.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "modifier",
                "verbose_name_plural": "modifiers",
                "db_table": "product_modifiers",
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "product", "modifier"), name="items_modifier_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lines", models.IntegerField(verbose_name="lines")),
                ("receipts", models.IntegerField(blank=True, null=True, verbose_name="receipts")),
                ("quantity", items.models.QuantityField(decimal_places=3, max_digits=14, verbose_name="quantity")),
                (
                    "revenue",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="revenue"
                    ),
                ),
                (
                    "gross",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="gross"
                    ),
                ),
                ("month", models.DateField(verbose_name="month")),
                (
                    "department",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="items.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "product's month",
                "verbose_name_plural": "products by month",
                "db_table": "product_months",
                "ordering": ["-month", "department", "product"],
                "constraints": [
                    models.UniqueConstraint(fields=("department", "month", "product"), name="items_product_month_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "connection_id",
                        "date",
                        "external_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("date", models.DateField(verbose_name="business date")),
                ("external_id", models.CharField(max_length=100, verbose_name="id at the source")),
                ("number", models.CharField(blank=True, max_length=40, verbose_name="number")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed")),
                ("guests", models.IntegerField(blank=True, null=True, verbose_name="guests")),
                ("payment_method", models.CharField(blank=True, max_length=50, verbose_name="payment")),
                (
                    "revenue",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="revenue"
                    ),
                ),
                (
                    "gross",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="gross"
                    ),
                ),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "receipt",
                "verbose_name_plural": "receipts",
                "db_table": "receipts",
                "indexes": [models.Index(fields=["department", "date"], name="items_receipt_of_day")],
            },
        ),
        migrations.CreateModel(
            name="SaleLine",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("date", models.DateField(verbose_name="business date")),
                ("external_id", models.CharField(max_length=120, verbose_name="id at the source")),
                ("sold_at", models.DateTimeField(blank=True, null=True, verbose_name="sold")),
                (
                    "hour",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="hour",
                    ),
                ),
                ("quantity", items.models.QuantityField(decimal_places=3, max_digits=14, verbose_name="quantity")),
                (
                    "unit_price",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="unit price"
                    ),
                ),
                (
                    "gross",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="gross"
                    ),
                ),
                (
                    "discount",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="discount"
                    ),
                ),
                (
                    "tax",
                    sales.money.MoneyField(blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="tax"),
                ),
                (
                    "total",
                    sales.money.MoneyField(
                        blank=True, decimal_places=4, max_digits=18, null=True, verbose_name="total"
                    ),
                ),
                ("currency", models.CharField(blank=True, max_length=3, verbose_name="currency")),
                ("channel", models.CharField(blank=True, default="pos", max_length=50, verbose_name="channel")),
                ("location", models.CharField(blank=True, max_length=255, verbose_name="location")),
                ("customer", models.CharField(blank=True, max_length=100, verbose_name="customer")),
                ("transaction_id", models.CharField(blank=True, max_length=100, verbose_name="receipt")),
                ("payment_method", models.CharField(blank=True, max_length=50, verbose_name="payment")),
                ("notes", models.TextField(blank=True, verbose_name="notes")),
                ("metadata", models.JSONField(blank=True, null=True, verbose_name="other fields")),
                ("job", models.UUIDField(blank=True, null=True, verbose_name="import")),
                ("is_deleted", models.BooleanField(default=False, verbose_name="deleted")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted on")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("updated_at", models.DateTimeField(verbose_name="changed")),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "deleted_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="items.product",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "verbose_name": "sale",
                "verbose_name_plural": "sales by item",
                "db_table": "sales_data",
                "ordering": ["-date", "id"],
                "permissions": [("push_sales", "Can deliver item sales"), ("import_sales", "Can import item sales")],
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(fields=["date"], name="items_line_by_date"),
                    models.Index(fields=["department", "date"], name="items_line_of_day"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceProduct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=300, verbose_name="id at the source")),
                ("seen_at", models.DateTimeField(blank=True, null=True, verbose_name="last seen")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="source_products",
                        to="departments.connection",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sources",
                        to="items.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "product at a source",
                "verbose_name_plural": "products at sources",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "external_id"), name="items_source_product_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Store",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=80, verbose_name="id at the source")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("additional_info", models.JSONField(blank=True, default=dict, verbose_name="other fields")),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="synchronised")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="stores",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "store",
                "verbose_name_plural": "stores",
                "db_table": "stores",
                "ordering": ["name", "id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "external_id"), name="items_store_once"
                    )
                ],
            },
        ),
    ]
