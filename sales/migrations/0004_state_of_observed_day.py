from django.db import migrations, models


def copy_published_states(apps, schema_editor):
    observed = apps.get_model("sales", "ObservedDay").objects
    published = apps.get_model("sales", "SalesSummary").objects.filter(
        state__in=["open_shift", "partial", "suspicious"]
    )
    for department, date, state in published.values_list("department_id", "date", "state").iterator():
        observed.filter(department_id=department, date=date).update(state=state)


class Migration(migrations.Migration):
    dependencies = [("sales", "0003_drop_observed_hour")]

    operations = [
        migrations.AddField(
            model_name="observedday",
            name="state",
            field=models.CharField(
                choices=[
                    ("complete", "complete"),
                    ("open_shift", "open shift"),
                    ("partial", "partial"),
                    ("suspicious", "suspicious"),
                    ("restated", "restated"),
                    ("missing", "missing"),
                ],
                default="complete",
                max_length=12,
                verbose_name="state",
            ),
        ),
        migrations.RunPython(copy_published_states, migrations.RunPython.noop, elidable=True),
    ]
