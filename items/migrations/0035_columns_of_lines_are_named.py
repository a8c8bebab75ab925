import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("departments", "0003_the_books_name_legal_entities"),
        ("items", "0034_imported_files_are_kept_packed"),
    ]

    operations = [
        migrations.AlterField(
            model_name="replacedline",
            name="connection",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="departments.connection",
                verbose_name="connection",
            ),
        ),
        migrations.AlterField(
            model_name="replacedline",
            name="department",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="departments.department",
                verbose_name="department",
            ),
        ),
        migrations.AlterField(
            model_name="replacedline",
            name="product",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="items.product",
                verbose_name="product",
            ),
        ),
        migrations.AlterField(
            model_name="saleline",
            name="connection",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="departments.connection",
                verbose_name="connection",
            ),
        ),
        migrations.AlterField(
            model_name="saleline",
            name="department",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="departments.department",
                verbose_name="department",
            ),
        ),
        migrations.AlterField(
            model_name="saleline",
            name="product",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="items.product",
                verbose_name="product",
            ),
        ),
    ]
