"""What the columns of lists are called."""

import re

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.utils import translation

OURS = ("accounts", "departments", "sales", "forecasting", "items", "runs", "operations")


def test_every_column_of_every_list_has_a_russian_name():
    ours = {model: page for model, page in admin.site._registry.items() if model.__module__.split(".")[0] in OURS}
    assert len(ours) > 20
    with translation.override("ru"):
        labels = {
            f"{model.__name__}.{name}": str(label_for_field(name, model, page))
            for model, page in ours.items()
            for name in page.list_display
            if name not in ("__str__", "id")
        }
    assert [column for column, label in labels.items() if not re.search("[А-Яа-я]", label)] == []
