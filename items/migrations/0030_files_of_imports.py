import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_limits_of_a_key"),
        ("items", "0003_imports_can_be_undone"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(choices=[("file", "File"), ("refused", "Refused")], max_length=8)),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="items.importjob"
                    ),
                ),
            ],
            options={
                "db_table": "sales_import_chunks",
                "ordering": ["job", "what", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "what", "number"), name="items_import_chunk_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportLayout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signature", models.CharField(max_length=64)),
                ("layout", models.JSONField(default=dict)),
                ("used_at", models.DateTimeField(auto_now=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "sales_import_layouts",
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "signature"), name="items_import_layout_once")
                ],
            },
        ),
    ]
