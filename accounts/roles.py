"""What each role may do. The only place where a role is turned into permissions."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", _("Administrator")
    MANAGER = "manager", _("Manager")
    ANALYST = "analyst", _("Analyst")
    STAFF = "staff", _("Staff")
    INTEGRATOR = "integrator", _("Integrator")


_LOOK = {
    "departments.view_department",
    "sales.view_salessummary",
    "sales.view_salesbyhour",
    "sales.view_restatement",
    "sales.view_difference",
    "forecasting.view_forecast",
    "items.view_product",
    "items.view_productgroup",
    "items.view_category",
    "items.view_unit",
    "items.view_store",
    "items.view_saleline",
    "items.view_productday",
}
_ANALYSE = _LOOK | {
    "departments.view_holiday",
    "forecasting.view_modelversion",
    "runs.view_run",
    "runs.view_alarm",
    "items.view_importjob",
    "items.view_delivery",
}
_DELIVER = {"items.push_sales", "items.import_sales", "items.add_saleline"}
_WORK = _DELIVER | {
    "runs.change_alarm",
    "sales.load_sales",
    "departments.sync_departments",
    "items.sync_catalogue",
    "forecasting.train_model",
    "items.change_saleline",
    "items.delete_saleline",
}
_ADMINISTER = {
    "departments.add_department",
    "departments.change_department",
    "departments.delete_department",
    "departments.view_connection",
    "departments.add_connection",
    "departments.change_connection",
    "departments.delete_connection",
    "departments.view_sourcedepartment",
    "departments.change_sourcedepartment",
    "departments.view_authority",
    "departments.add_authority",
    "departments.change_authority",
    "departments.delete_authority",
    "departments.add_holiday",
    "departments.change_holiday",
    "departments.delete_holiday",
    "departments.view_closure",
    "departments.add_closure",
    "departments.change_closure",
    "departments.delete_closure",
    "departments.view_change",
    "departments.view_event",
    "departments.add_event",
    "departments.change_event",
    "departments.delete_event",
    "sales.delete_salessummary",
    "sales.delete_salesbyhour",
    "forecasting.roll_back_model",
    "forecasting.change_baketerms",
    "runs.cancel_run",
    "accounts.view_user",
    "accounts.add_user",
    "accounts.change_user",
    "accounts.view_membership",
    "accounts.add_membership",
    "accounts.change_membership",
    "accounts.delete_membership",
    "departments.view_departmentscope",
    "departments.add_departmentscope",
    "departments.change_departmentscope",
    "departments.delete_departmentscope",
    "django_celery_beat.view_periodictask",
    "django_celery_beat.change_periodictask",
    "django_celery_beat.view_crontabschedule",
    "django_celery_beat.add_crontabschedule",
    "django_celery_beat.view_intervalschedule",
    "django_celery_beat.add_intervalschedule",
    "items.add_product",
    "items.change_product",
    "items.change_store",
    "items.view_catalogue",
    "items.change_catalogue",
    "items.view_itemsource",
    "items.add_itemsource",
    "items.change_itemsource",
    "accounts.view_apikey",
    "accounts.add_apikey",
    "accounts.change_apikey",
}

ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    Role.STAFF: frozenset(_LOOK),
    Role.ANALYST: frozenset(_ANALYSE),
    Role.MANAGER: frozenset(_ANALYSE | _WORK),
    Role.INTEGRATOR: frozenset(
        _LOOK | _DELIVER | {"runs.view_run", "sales.load_sales", "departments.sync_departments", "items.view_importjob"}
    ),
    Role.ADMINISTRATOR: frozenset(_ANALYSE | _WORK | _ADMINISTER),
}
