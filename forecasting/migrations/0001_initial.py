import django.db.models.deletion
from django.db import migrations, models

import sales.money


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("departments", "0001_initial"),
        ("runs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("recipe", models.CharField(max_length=60, verbose_name="recipe")),
                ("code_version", models.CharField(max_length=40, verbose_name="version of the code")),
                ("contract", models.CharField(max_length=64)),
                ("trained_through", models.DateField(verbose_name="trained through")),
                ("manifest", models.JSONField(default=dict)),
                ("metrics", models.JSONField(default=dict, verbose_name="metrics")),
                ("gate", models.JSONField(default=dict, help_text="Why the version was let in or refused")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("candidate", "candidate"),
                            ("serving", "serving"),
                            ("retired", "retired"),
                            ("refused", "refused"),
                        ],
                        default="candidate",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("activated_at", models.DateTimeField(blank=True, null=True, verbose_name="serving since")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="model_versions",
                        to="accounts.organisation",
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
                "verbose_name": "model version",
                "verbose_name_plural": "model versions",
                "ordering": ["-number"],
                "permissions": [("train_model", "Can train the model"), ("roll_back_model", "Can roll the model back")],
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "number"), name="forecasting_version_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "serving")),
                        fields=("organisation",),
                        name="forecasting_one_serving_version",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("text", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="texts", to="forecasting.modelversion"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("version", "name"), name="forecasting_model_text_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ForecastIssue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(verbose_name="made")),
                ("promised_on", models.DateField(verbose_name="promised on")),
                ("data_as_of", models.DateField(verbose_name="data up to")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("nightly", "nightly"),
                            ("training", "training"),
                            ("manual", "by hand"),
                            ("replay", "replayed afterwards"),
                        ],
                        max_length=10,
                        verbose_name="made by",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="forecast_issues",
                        to="accounts.organisation",
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
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="issues",
                        to="forecasting.modelversion",
                        verbose_name="model version",
                    ),
                ),
            ],
            options={
                "verbose_name": "issue of forecasts",
                "verbose_name_plural": "issues of forecasts",
                "ordering": ["-made_at"],
                "indexes": [models.Index(fields=["organisation", "-made_at"], name="forecasting_issue_newest")],
            },
        ),
        migrations.CreateModel(
            name="Forecast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField(verbose_name="date")),
                ("cutoff", models.DateField(verbose_name="data up to")),
                ("horizon", models.PositiveSmallIntegerField(verbose_name="days ahead")),
                ("lead_days", models.SmallIntegerField(verbose_name="promised days before")),
                ("predicted_sales", sales.money.MoneyField(decimal_places=4, max_digits=18, verbose_name="forecast")),
                ("lower_80", sales.money.MoneyField(decimal_places=4, max_digits=18)),
                ("upper_80", sales.money.MoneyField(decimal_places=4, max_digits=18)),
                ("lower_95", sales.money.MoneyField(decimal_places=4, max_digits=18)),
                ("upper_95", sales.money.MoneyField(decimal_places=4, max_digits=18)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("model", "model"),
                            ("blend", "model and seasonal mean"),
                            ("short_history", "short history: weekday means"),
                            ("no_history", "no history: the chain's weekday means"),
                            ("closed", "closed that day"),
                        ],
                        default="model",
                        max_length=20,
                        verbose_name="rule",
                    ),
                ),
                (
                    "hours",
                    models.JSONField(
                        default=list, help_text="24 amounts as text; they add up to the forecast", verbose_name="hours"
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="forecasts",
                        to="departments.department",
                        verbose_name="department",
                    ),
                ),
                (
                    "issue",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="forecasts",
                        to="forecasting.forecastissue",
                    ),
                ),
            ],
            options={
                "verbose_name": "forecast",
                "verbose_name_plural": "forecasts",
                "db_table": "forecasts",
                "ordering": ["date", "department"],
                "indexes": [models.Index(fields=["department", "date", "lead_days"], name="forecasts_as_promised")],
                "constraints": [
                    models.UniqueConstraint(fields=("issue", "department", "date"), name="forecasts_once_per_issue")
                ],
            },
        ),
    ]
