import django.db.models.deletion
from django.db import migrations, models


def name_servers(apps, schema_editor):
    """Servers that were connected before are asked for their catalogue, too."""
    servers = apps.get_model("departments", "Connection").objects.filter(kind="iiko")
    catalogue = apps.get_model("items", "Catalogue")
    catalogue.objects.bulk_create(
        catalogue(connection_id=pk, organisation_id=organisation)
        for pk, organisation in servers.values_list("pk", "organisation")
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_limits_of_a_key"),
        ("departments", "0003_the_books_name_legal_entities"),
        ("items", "0032_cleaned_lines_are_known"),
    ]

    operations = [
        migrations.AddField(
            model_name="product",
            name="overridden",
            field=models.JSONField(blank=True, default=list, verbose_name="kept by hand"),
        ),
        migrations.AddField(
            model_name="product",
            name="said_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="departments.connection",
            ),
        ),
        migrations.AddField(
            model_name="sourceproduct",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="active"),
        ),
        migrations.AddField(
            model_name="store",
            name="is_matched_by_hand",
            field=models.BooleanField(default=False, verbose_name="department chosen by hand"),
        ),
        migrations.AlterField(
            model_name="price",
            name="connection",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="departments.connection",
                verbose_name="connection",
            ),
        ),
        migrations.CreateModel(
            name="Catalogue",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="catalogue",
                        serialize=False,
                        to="departments.connection",
                        verbose_name="connection",
                    ),
                ),
                ("at_night", models.BooleanField(default=True, verbose_name="catalogue every night")),
                (
                    "receipts_at_night",
                    models.BooleanField(
                        default=False,
                        help_text="Line by line: a long question for a large chain",
                        verbose_name="receipts every night",
                    ),
                ),
                ("revision", models.BigIntegerField(blank=True, editable=False, null=True, verbose_name="revision")),
                (
                    "full_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="read as a whole"),
                ),
                ("synced_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="synchronised")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "verbose_name": "catalogue of a server",
                "verbose_name_plural": "catalogues of servers",
                "db_table": "catalogues",
                "ordering": ["connection__name"],
                "permissions": [("sync_catalogue", "Can synchronise the catalogue")],
            },
        ),
        migrations.RunPython(name_servers, migrations.RunPython.noop),
    ]
