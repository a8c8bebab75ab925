from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sales", "0002_hours_in_observed_day")]

    operations = [migrations.DeleteModel(name="ObservedHour")]
