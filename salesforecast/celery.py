"""The Celery application. The queue is only a wake-up: what is to be done stands in `runs.Run`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesforecast.settings")

app = Celery("salesforecast")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
