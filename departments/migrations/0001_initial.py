import datetime
import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import encrypted_fields.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="SourceSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("server", models.CharField(max_length=200, unique=True)),
                ("token", encrypted_fields.fields.EncryptedTextField(blank=True, null=True)),
                ("obtained_at", models.DateTimeField(blank=True, null=True)),
                ("locked_by", models.CharField(blank=True, max_length=120)),
                ("locked_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "source session",
                "verbose_name_plural": "source sessions",
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("iiko", "iiko server"), ("onec", "1C service"), ("push", "push client")],
                        default="iiko",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("url", models.URLField(blank=True, max_length=300, verbose_name="address")),
                ("login", models.CharField(blank=True, max_length=100, verbose_name="login")),
                (
                    "password",
                    encrypted_fields.fields.EncryptedTextField(blank=True, null=True, verbose_name="password"),
                ),
                ("api_key", encrypted_fields.fields.EncryptedTextField(blank=True, null=True, verbose_name="API key")),
                (
                    "auth_header",
                    models.CharField(
                        blank=True, default="X-API-Key", max_length=60, verbose_name="header of the API key"
                    ),
                ),
                (
                    "measure",
                    models.CharField(
                        choices=[("revenue", "revenue (after discounts)"), ("gross", "gross (before discounts)")],
                        default="revenue",
                        max_length=10,
                        verbose_name="total sales are",
                    ),
                ),
                (
                    "include_returns",
                    models.BooleanField(
                        default=True,
                        help_text="Off: returned receipts are left out altogether",
                        verbose_name="count returned receipts",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True, help_text="Empty: the organisation's", max_length=64, verbose_name="time zone"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("checked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="checked")),
                ("facts", models.JSONField(blank=True, default=dict, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connections",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "connection",
                "verbose_name_plural": "connections",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "name"), name="departments_connection_name_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("type", models.CharField(default="DEPARTMENT", max_length=30, verbose_name="type")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("code_tco", models.CharField(blank=True, max_length=60, verbose_name="1C code")),
                ("taxpayer_id_number", models.CharField(blank=True, max_length=20, verbose_name="taxpayer id")),
                (
                    "segment_type",
                    models.CharField(
                        choices=[
                            ("coffeehouse", "coffee house"),
                            ("restaurant", "restaurant"),
                            ("confectionery", "confectionery"),
                            ("food_court", "food court"),
                            ("store", "store"),
                            ("fast_food", "fast food"),
                            ("bakery", "bakery"),
                            ("cafe", "cafe"),
                            ("bar", "bar"),
                        ],
                        default="restaurant",
                        max_length=20,
                        verbose_name="segment",
                    ),
                ),
                ("season_start_date", models.DateField(blank=True, null=True, verbose_name="season starts")),
                ("season_end_date", models.DateField(blank=True, null=True, verbose_name="season ends")),
                (
                    "time_zone",
                    models.CharField(
                        blank=True, help_text="Empty: the organisation's", max_length=64, verbose_name="time zone"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        blank=True, help_text="Empty: the organisation's", max_length=3, verbose_name="currency"
                    ),
                ),
                ("opened_on", models.DateField(blank=True, null=True, verbose_name="opened")),
                ("closed_on", models.DateField(blank=True, null=True, verbose_name="closed")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="synchronised")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="departments",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="departments.department",
                        verbose_name="part of",
                    ),
                ),
            ],
            options={
                "verbose_name": "department",
                "verbose_name_plural": "departments",
                "db_table": "departments",
                "ordering": ["name", "id"],
                "permissions": [("sync_departments", "Can synchronise departments")],
                "indexes": [models.Index(fields=["organisation", "type"], name="departments_by_type")],
            },
        ),
        migrations.CreateModel(
            name="Closure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.DateField(verbose_name="first day")),
                (
                    "last",
                    models.DateField(
                        blank=True, help_text="Empty: until further notice", null=True, verbose_name="last day"
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                ("known_from", models.DateField(default=django.utils.timezone.localdate, verbose_name="known from")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="closures",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
            ],
            options={
                "verbose_name": "closure",
                "verbose_name_plural": "closures",
                "ordering": ["-first"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last__isnull", True), ("last__gte", models.F("first")), _connector="OR"),
                        name="departments_closure_in_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Authority",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_date", models.DateField(default=datetime.date(1900, 1, 1), verbose_name="from")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authorities",
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authorities",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
            ],
            options={
                "verbose_name": "authority",
                "verbose_name_plural": "authorities",
                "ordering": ["department", "from_date"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "department", "from_date"), name="departments_authority_once_per_date"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DepartmentScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scopes", to="accounts.membership"
                    ),
                ),
            ],
            options={
                "verbose_name": "scope",
                "verbose_name_plural": "scopes",
                "constraints": [
                    models.UniqueConstraint(fields=("membership", "department"), name="departments_scope_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        default="promo", help_text="The same word for like events", max_length=60, verbose_name="kind"
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("first", models.DateField(verbose_name="first day")),
                ("last", models.DateField(verbose_name="last day")),
                (
                    "strength",
                    models.FloatField(
                        default=1.0,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(100.0),
                        ],
                        verbose_name="strength",
                    ),
                ),
                ("known_from", models.DateField(default=django.utils.timezone.localdate, verbose_name="known from")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all of them",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
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
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ["-first"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last__gte", models.F("first"))), name="departments_event_in_order"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField(verbose_name="date")),
                ("key", models.CharField(help_text="The same every year", max_length=100, verbose_name="feast")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "effect",
                    models.CharField(
                        choices=[
                            ("feast", "feast"),
                            ("day_off", "moved day off"),
                            ("workday", "moved working day"),
                            ("period", "period (Ramadan, school break)"),
                        ],
                        default="feast",
                        max_length=10,
                        verbose_name="effect",
                    ),
                ),
                ("known_from", models.DateField(default=datetime.date(1900, 1, 1), verbose_name="known from")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holidays", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "holiday",
                "verbose_name_plural": "holidays",
                "ordering": ["date"],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "date", "key"), name="departments_holiday_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceDepartment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=80, verbose_name="id at the source")),
                (
                    "external_parent_id",
                    models.CharField(blank=True, max_length=80, verbose_name="parent's id at the source"),
                ),
                ("name", models.CharField(blank=True, max_length=300, verbose_name="name at the source")),
                ("type", models.CharField(blank=True, max_length=30, verbose_name="type")),
                ("code", models.CharField(blank=True, max_length=60, verbose_name="code")),
                ("taxpayer_id", models.CharField(blank=True, max_length=20, verbose_name="taxpayer id")),
                ("valid_from", models.DateField(default=datetime.date(1900, 1, 1), verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid to")),
                ("seen_at", models.DateTimeField(blank=True, null=True, verbose_name="last seen")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="source_departments",
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
                        related_name="sources",
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
                "verbose_name": "department at a source",
                "verbose_name_plural": "departments at sources",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "connection", "external_id", "valid_from"),
                        name="departments_source_id_once",
                    )
                ],
            },
        ),
    ]
