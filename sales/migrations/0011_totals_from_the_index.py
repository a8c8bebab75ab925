from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sales", "0010_observed_of_nobody")]

    operations = [
        migrations.RemoveIndex("salessummary", "sales_summary_by_date"),
        migrations.AddIndex(
            "salessummary",
            models.Index(fields=["organisation", "-date", "total_sales"], name="sales_summary_by_date"),
        ),
        # SQLite walks no index that it knows less of than of others.
        migrations.RunSQL("ANALYZE sales_summary", migrations.RunSQL.noop),
    ]
