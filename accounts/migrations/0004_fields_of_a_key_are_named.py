from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_limits_of_a_key"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="created",
            field=models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="name",
            field=models.CharField(
                help_text="Who or what uses the key; others may be called the same.", max_length=50, verbose_name="name"
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="prefix",
            field=models.CharField(editable=False, max_length=8, unique=True, verbose_name="prefix"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="revoked",
            field=models.BooleanField(
                blank=True,
                default=False,
                help_text="A revoked key is refused. It cannot be given back.",
                verbose_name="revoked",
            ),
        ),
    ]
