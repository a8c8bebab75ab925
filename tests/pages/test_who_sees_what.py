"""Every page asks who is looking: its menu, its address and its neighbours' data."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import ROLE_PERMISSIONS
from salesforecast.settings.look import UNFOLD
from tests.reading import reader
from tests.world import World

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
ROLES = ("administrator", "manager", "analyst", "staff")
PAGES = {
    "home": "",
    "admin:sales_salessummary_changelist": "sales.view_salessummary",
    "admin:sales_salesbyhour_changelist": "sales.view_salesbyhour",
    "admin:sales_restatement_changelist": "sales.view_restatement",
    "admin:sales_load": "sales.load_sales",
    "admin:sales_reconcile": "sales.view_difference",
    "admin:sales_automatic": "runs.view_run",
    "admin:sales_waiting": "runs.view_alarm",
    "admin:forecasting_ahead": "forecasting.view_forecast",
    "admin:forecasting_day": "forecasting.view_forecast",
    "admin:forecasting_bake": "forecasting.view_forecast",
    "admin:forecasting_bake_terms": "forecasting.change_baketerms",
    "admin:forecasting_comparison": "forecasting.view_forecast",
    "admin:forecasting_accuracy": "forecasting.view_forecast",
    "admin:forecasting_own": "forecasting.view_modelversion",
    "admin:forecasting_model": "forecasting.view_modelversion",
    "admin:forecasting_modelversion_changelist": "forecasting.view_modelversion",
    "admin:departments_department_changelist": "departments.view_department",
    "admin:departments_tree": "departments.view_department",
    "admin:departments_change_changelist": "departments.view_change",
    "admin:departments_connection_changelist": "departments.view_connection",
    "admin:departments_matching": "departments.view_connection",
    "admin:departments_holiday_changelist": "departments.view_holiday",
    "admin:departments_calendar_import": "departments.add_holiday",
    "admin:departments_calendar_export": "departments.view_holiday",
    "admin:departments_closure_changelist": "departments.view_closure",
    "admin:departments_event_changelist": "departments.view_event",
    "admin:items_saleline_changelist": "items.view_saleline",
    "admin:items_product_changelist": "items.view_product",
    "admin:items_productgroup_changelist": "items.view_productgroup",
    "admin:items_category_changelist": "items.view_category",
    "admin:items_unit_changelist": "items.view_unit",
    "admin:items_store_changelist": "items.view_store",
    "admin:items_catalogue_changelist": "items.view_catalogue",
    "admin:items_history": "items.view_productday",
    "admin:items_entry": "items.change_saleline",
    "admin:items_importjob_changelist": "items.view_importjob",
    "admin:items_delivery_changelist": "items.view_delivery",
    "admin:items_itemsource_changelist": "items.view_itemsource",
    "admin:items_import": "items.import_sales",
    "admin:runs_run_changelist": "runs.view_run",
    "admin:runs_alarm_changelist": "runs.view_alarm",
    "admin:accounts_user_changelist": "accounts.view_user",
    "admin:accounts_membership_changelist": "accounts.view_membership",
    "admin:accounts_apikey_changelist": "accounts.view_apikey",
    "admin:accounts_organisation_changelist": "accounts.view_organisation",
    "admin:django_celery_beat_periodictask_changelist": "django_celery_beat.view_periodictask",
}


@pytest.mark.parametrize("role", ROLES)
def test_pages_open_for_the_roles_that_may_and_tell_nothing_of_another_chain(world: World, role):
    person = reader(world, role)
    for page, permission in PAGES.items():
        allowed = not permission or permission in ROLE_PERMISSIONS[role]
        answer = person.get(reverse(page))
        assert answer.status_code == (200 if allowed else 403), page
        assert not re.search("Foreign cafe|Other Chain|stranger", answer.getvalue().decode()), page


def test_nobody_else_comes_in(world: World):
    for page in PAGES:
        for client in (Client(), reader(world, "nobody")):
            answer = client.get(reverse(page))
            assert (answer.status_code, answer.url.split("?")[0]) == (302, "/admin/login/")


def test_a_superuser_opens_every_page(world: World):
    root = Client()
    root.force_login(User.objects.create_superuser("root", password="x"), backend="accounts.backends.RoleBackend")
    for page in PAGES:
        assert root.get(reverse(page)).status_code == 200, page


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_offers_what_opens_and_nothing_else(world: World, role):
    person = reader(world, role)
    menu = person.get("/").content.decode().split('id="nav-sidebar-apps"')[1].split('id="main"')[0]
    offered = set(re.findall(r'<a href="([^"]+)" class="flex h-\[38px\]', menu))
    assert offered
    assert {person.get(address).status_code for address in offered} == {200}
    everything = {str(item["link"]) for group in UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]}
    assert {person.get(address).status_code for address in everything - offered} <= {403}


def test_one_line_of_the_menu_is_lit(world: World):
    for page in ("home", "admin:sales_load", "admin:sales_salessummary_changelist", "admin:forecasting_model"):
        html = reader(world, "administrator").get(reverse(page)).content.decode()
        lit = re.findall(r'<a href="([^"]+)" class="flex h-\[38px\][^"]* active"', html)
        assert lit == [reverse(page)]


def test_the_language_is_changed_and_kept(world: World):
    client = reader(world, "administrator", "ru")
    assert '<html lang="ru"' in client.get("/").content.decode()
    client.post("/language/", {"language": "en", "next": "/"})
    assert '<html lang="en"' in client.get("/").content.decode()


def test_dates_and_numbers_are_written_the_same_everywhere(world: World):
    for language in ("ru", "en"):
        html = (
            reader(world, "administrator", language)
            .get(reverse("admin:sales_salessummary_changelist"))
            .content.decode()
        )
        assert f"{world.days[0]:%d.%m.%Y}" in html
        assert "60\u202f001" in html


def test_pages_that_libraries_bring_and_nobody_needs_are_gone(world: World):
    root = Client()
    root.force_login(User.objects.create_superuser("root", password="x"), backend="accounts.backends.RoleBackend")
    for address in ("/admin/axes/accessattempt/", "/admin/auth/group/", "/admin/rest_framework_api_key/apikey/"):
        assert root.get(address).status_code == 404
    for model in ("periodictask", "crontabschedule", "intervalschedule", "clockedschedule", "solarschedule"):
        assert root.get(f"/admin/django_celery_beat/{model}/add/").status_code == 200, model


def test_no_page_has_a_button_back_or_a_script_in_its_attributes(world: World):
    till = reader(world, "administrator").get(f"/admin/departments/department/{world.cafe.pk}/change/").content.decode()
    assert "arrow_back" not in till
    for page in ("home", "admin:sales_load", "admin:forecasting_comparison", "admin:forecasting_model"):
        content = reader(world, "administrator").get(reverse(page)).content.decode().split('id="content"')[1]
        assert not re.search(r"<[^>]+\son(click|change|load|submit|error)=", content), page
