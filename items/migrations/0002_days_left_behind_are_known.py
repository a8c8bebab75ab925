import django.db.models.deletion
from django.db import migrations, models

UNCHECKED = {
    "db_constraint": False,
    "db_index": False,
    "on_delete": django.db.models.deletion.CASCADE,
    "related_name": "+",
}


class Migration(migrations.Migration):
    dependencies = [
        ("departments", "0003_the_books_name_legal_entities"),
        ("items", "0001_sales_by_item"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaleDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "connection_id",
                        "department_id",
                        "date",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("connection", models.ForeignKey(to="departments.connection", **UNCHECKED)),
                ("department", models.ForeignKey(to="departments.department", **UNCHECKED)),
                ("date", models.DateField()),
            ],
            options={"db_table": "item_stale_days"},
        ),
        migrations.AddField(
            model_name="itemsource",
            name="made_for",
            field=models.CharField(
                blank=True, choices=[("files", "Files"), ("hand", "By hand")], editable=False, max_length=12
            ),
        ),
        migrations.AddIndex(
            model_name="productmonth",
            index=models.Index(fields=["product", "month"], name="items_product_month_of_product"),
        ),
        migrations.AddConstraint(
            model_name="itemsource",
            constraint=models.UniqueConstraint(
                condition=models.Q(("made_for", ""), _negated=True),
                fields=("organisation", "made_for"),
                name="items_source_made_once",
            ),
        ),
    ]
