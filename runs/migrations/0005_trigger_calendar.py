from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_seen_at_and_may_have_gone")]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("schedule", "schedule"),
                    ("page", "page"),
                    ("api", "API"),
                    ("command", "command"),
                    ("run", "another run"),
                    ("calendar", "change of the calendar"),
                ],
                default="page",
                max_length=10,
                verbose_name="started by",
            ),
        ),
    ]
