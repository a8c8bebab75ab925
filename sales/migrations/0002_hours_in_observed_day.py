from itertools import groupby

from django.db import migrations, models


def move_hours_into_their_days(apps, schema_editor):
    hours = apps.get_model("sales", "ObservedHour").objects.order_by("connection_id", "date", "external_id", "hour")
    days = apps.get_model("sales", "ObservedDay").objects
    rows = hours.values_list(
        "connection_id", "date", "external_id", "hour", "revenue", "gross", "orders", "guests"
    ).iterator(chunk_size=20_000)
    for (connection, date, external_id), of_day in groupby(rows, key=lambda row: row[:3]):
        days.filter(connection_id=connection, date=date, external_id=external_id).update(
            hours=[[hour, str(revenue), str(gross), *counts] for _, _, _, hour, revenue, gross, *counts in of_day]
        )
    # What a digest was taken of has another form now; an empty one makes the next load compare.
    apps.get_model("sales", "SourceDay").objects.update(digest="")


def move_hours_into_rows(apps, schema_editor):
    hour_model = apps.get_model("sales", "ObservedHour")
    for day in apps.get_model("sales", "ObservedDay").objects.iterator(chunk_size=2000):
        common = {
            name: getattr(day, name)
            for name in (
                "organisation_id",
                "connection_id",
                "external_id",
                "department_id",
                "date",
                "run_id",
                "observed_at",
            )
        }
        hour_model.objects.bulk_create(
            hour_model(**common, hour=hour, revenue=revenue, gross=gross, orders=orders, guests=guests)
            for hour, revenue, gross, orders, guests in day.hours
        )
    apps.get_model("sales", "SourceDay").objects.update(digest="")


class Migration(migrations.Migration):
    dependencies = [("sales", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="observedday",
            name="hours",
            field=models.JSONField(default=list, verbose_name="hours"),
        ),
        migrations.RunPython(move_hours_into_their_days, move_hours_into_rows, elidable=True),
    ]
