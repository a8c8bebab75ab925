"""The old addresses answer as they always have: tests/api/golden holds requests and answers, field by field.

An answer may gain fields; what stands in a file must stay, with its value. After a change that is meant:
GOLDEN=write .venv/bin/python -m pytest tests/api/test_golden.py
"""

import datetime as dt
import io
import json
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from departments.models import Closure, Department, Event, Holiday
from items.imports.receive import receive, start_import
from items.lines import Line
from items.models import ImportJob, Product, SaleLine
from items.sources import by_hand
from items.store import store_lines
from runs.ledger import run_now
from sales.models import AutoSyncLog, SalesByHour, SalesSummary
from tests.world import World, build_world

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FILES = Path(__file__).parent / "golden"
NOON = dt.datetime(2026, 3, 18, 7, tzinfo=dt.UTC)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)")
NUMBERED = {"id", "run", "run_id", "created_by"}

RECORD = {
    "product_code": "TRIG-001", "department_id": "{cafe}", "sale_date": "2026-03-17", "sale_timestamp": "2026-03-17T14:05:00",
    "quantity": 2, "unit_price": 650.5, "discount_amount": 1, "transaction_id": "R-1", "line_number": 1, "channel": "pos",
    "customer_id": "c-1", "payment_method": "card", "tax_amount": 12.5, "notes": "no sugar", "metadata": {"table": 4},
}  # fmt: skip
SOLD = "date,product,quantity,price\n2024-01-01,Baguette,50,1.50\n2024-01-02,Croissant,30,2.00\n2024-01-03,Baguette,many,1.50\n"
# File: who asks, method, address, body (with a file: [its name, its text], a form). {cafe} is an id; what is written runs in this order in a world of its own.
REQUESTS = {
    "departments_list": ("integrator", "GET", "/api/departments/?limit=3", None),
    "departments_page": ("integrator", "GET", "/api/departments/?page_size=2&type=DEPARTMENT", None),
    "departments_read": ("integrator", "GET", "/api/departments/{cafe}", None),
    "departments_read_404": ("integrator", "GET", "/api/departments/{foreign}", None),
    "departments_create": ("administrator", "POST", "/api/departments/", {
        "name": "Kiosk", "code": "9", "code_tco": "17", "segment_type": "coffeehouse", "season_start_date": "2026-05-01",
        "season_end_date": "2026-09-30"}),
    "departments_create_400": ("administrator", "POST", "/api/departments/", {"segment_type": "pub"}),
    "departments_put": ("administrator", "PUT", "/api/departments/{bar}", {"name": "Bar 23", "segment_type": "bar"}),
    "departments_patch": ("administrator", "PATCH", "/api/departments/{cafe}", {"code_tco": "5"}),
    "departments_delete_409": ("administrator", "DELETE", "/api/departments/{cafe}", None),
    "departments_sync_202": ("integrator", "POST", "/api/departments/sync", None),
    "catalogue_sync_202": ("administrator", "POST", "/api/catalogue/sync", {"entity": "products", "full": True}),
    "calendar_holidays": ("analyst", "GET", "/api/calendar/holidays?from_date=2026-03-21&to_date=2026-03-22", None),
    "calendar_holiday_create": ("administrator", "POST", "/api/calendar/holidays", {"date": "2026-05-01", "name": "May Day"}),
    "calendar_holiday_create_400": ("administrator", "POST", "/api/calendar/holidays", {"date": "2026-03-21", "name": "Nauryz"}),
    "calendar_closure_create": ("administrator", "POST", "/api/calendar/closures", {
        "department_id": "{cafe}", "first": "2026-03-20", "reason": "repairs", "known_from": "2026-03-01"}),
    "calendar_event_create": ("administrator", "POST", "/api/calendar/events", {
        "name": "Coffee week", "first": "2026-04-01", "last": "2026-04-07", "strength": 1.5}),
    "calendar_closures": ("administrator", "GET", "/api/calendar/closures?department_id={bar}", None),
    "calendar_events": ("administrator", "GET", "/api/calendar/events?page_size=1", None),
    "sales_doubts": ("integrator", "GET", "/api/sales/doubts", None),
    "sales_sync_202": ("integrator", "POST", "/api/sales/sync?from_date=2026-03-01&to_date=2026-03-02", None),
    "sales_sync_400": ("integrator", "POST", "/api/sales/sync?from_date=2026-03-02&to_date=2026-03-01", None),
    "sales_summary": ("integrator", "GET", "/api/sales/summary?skip=1&limit=2&department_id={cafe}", None),
    "sales_summary_page": ("integrator", "GET", "/api/sales/summary?page_size=2&department_id={cafe}", None),
    "sales_hourly": ("integrator", "GET", "/api/sales/hourly?limit=2&department_id={bakery}", None),
    "sales_stats": ("integrator", "GET", "/api/sales/stats", None),
    "sales_summary_delete": ("administrator", "DELETE", "/api/sales/summary/{day}", None),
    "sales_hourly_delete": ("administrator", "DELETE", "/api/sales/hourly/{hour}", None),
    "auto_sync_status": ("integrator", "GET", "/api/sales/auto-sync/status", None),
    "auto_sync_test_202": ("administrator", "POST", "/api/sales/auto-sync/test", None),
    "forecast_branch": ("integrator", "GET", "/api/forecast/2026-03-20/{cafe}", None),
    "forecast_branch_404": ("integrator", "GET", "/api/forecast/2027-03-20/{cafe}", None),
    "forecast_batch": ("integrator", "GET", "/api/forecast/batch?from_date=2026-03-18&to_date=2026-03-19&department_id={cafe}", None),
    "forecast_comparison": ("integrator", "GET", "/api/forecast/comparison?from_date=2026-03-11&to_date=2026-03-12&department_id={cafe}", None),
    "forecast_hourly": ("integrator", "GET", "/api/forecast/hourly/2026-03-20/{cafe}", None),
    "forecast_export": ("integrator", "GET", "/api/forecast/export/csv?from_date=2026-03-18&to_date=2026-03-18", None),
    "forecast_model_info": ("administrator", "GET", "/api/forecast/model/info", None),
    "forecast_retrain_202": ("administrator", "POST", "/api/forecast/retrain", None),
    "sales_push_one": ("integrator", "POST", "/api/sales", {
        "product_code": "TRIG-001", "sale_date": "2026-03-17", "quantity_sold": 15, "notes": "Regular sales",
        "department_id": "{cafe}"}),
    "sales_push_one_400": ("integrator", "POST", "/api/sales", {"product_code": "TRIG-001", "quantity_sold": 15}),
    "sales_bulk_import": ("integrator", "POST", "/api/sales/bulk-import", {"department_id": "{cafe}", "sales_by_product_code": {
        "TRIG-001": [{"sale_date": "2026-03-16", "quantity_sold": 15, "notes": "Regular sales"},
                     {"sale_date": "2026-03-17", "quantity_sold": 8}],
        "TRIG-002": [{"sale_date": "2026-03-16", "quantity_sold": 22}],
        "TRIG-003": [{"sale_date": "2026-03-16", "quantity_sold": 1}]}}),
    "sales_bulk_import_400": ("integrator", "POST", "/api/sales/bulk-import?mode=all_or_nothing", {"sales_by_product_code": {
        "TRIG-003": [{"sale_date": "2026-03-16", "quantity_sold": 1}]}}),
    "records_create": ("integrator", "POST", "/api/v1/sales", RECORD),
    "records_create_400": ("integrator", "POST", "/api/v1/sales", {**RECORD, "quantity": 0, "unit_price": None}),
    "records_batch": ("integrator", "POST", "/api/v1/sales/batch", {"records": [
        RECORD, {**RECORD, "sale_timestamp": "2026-03-17T14:06:00", "transaction_id": "R-2"}, {**RECORD, "quantity": -1}]}),
    "records_validate": ("integrator", "POST", "/api/v1/sales/validate", {"records": [RECORD, {**RECORD, "sale_date": "2027-01-01"}]}),
    "records_list": ("integrator", "GET", "/api/v1/sales?limit=1", None),
    "records_page": ("integrator", "GET", "/api/v1/sales?page_size=1&department_id={cafe}", None),
    "records_read": ("integrator", "GET", "/api/v1/sales/{record}", None),
    "records_put": ("administrator", "PUT", "/api/v1/sales/{record}", {**RECORD, "sale_date": "2026-03-16", "sale_timestamp": None}),
    "records_delete": ("administrator", "DELETE", "/api/v1/sales/{record}", None),
    "records_duplicates": ("integrator", "GET", "/api/v1/sales/duplicates", None),
    "records_export_csv": ("integrator", "GET", "/api/v1/sales/export/csv?from_date=2026-03-16", None),
    "imports_csv_202": ("integrator", "POST", "/api/v1/sales/import/csv", {
        "file": ["sales.csv", SOLD], "department_id": "{cafe}", "job_name": "January"}),
    "imports_csv_400": ("integrator", "POST", "/api/v1/sales/import/csv", {
        "file": ["sales.csv", SOLD.replace("2024-01-", "01/02/20")]}),
    "imports_excel_400": ("integrator", "POST", "/api/v1/sales/import/excel", {
        "file": ["sales.xlsx", SOLD], "department_id": "{cafe}"}),
    "imports_jobs": ("integrator", "GET", "/api/v1/sales/import/jobs?limit=1", None),
    "imports_job": ("integrator", "GET", "/api/v1/sales/import/jobs/{job}", None),
    "imports_errors": ("integrator", "GET", "/api/v1/sales/import/jobs/{job}/errors?style=plain", None),
    "imports_cancel_409": ("administrator", "POST", "/api/v1/sales/import/jobs/{job}/cancel", None),
    "imports_undo_202": ("administrator", "POST", "/api/v1/sales/import/jobs/{job}/undo", None),
    "runs_list": ("administrator", "GET", "/api/runs/?limit=1", None),
}  # fmt: skip


@pytest.fixture
def world(db, settings):
    settings.RUN_ANSWER_SECONDS = 0
    with time_machine.travel(NOON, tick=True):
        world = build_world(today=NOON.date())
        common = {"organisation": world.organisation, "sync_type": "daily", "executed_at": NOON}
        AutoSyncLog.objects.create(sync_date="2026-03-17", status="error", error_details="till 1: refused", **common)
        AutoSyncLog.objects.create(
            sync_date="2026-03-17", status="success", message="3 days", summary_records=9, hourly_records=27, **common
        )
        for code, name in (("TRIG-001", "Trigger Assembly - Type A"), ("TRIG-002", "Trigger Assembly - Type B")):
            Product.objects.create(organisation=world.organisation, code=code, name=name)
        Holiday.objects.create(organisation=world.organisation, date="2026-03-21", key="Nauryz", name="Nauryz")
        days = {"organisation": world.organisation, "first": "2026-03-10", "known_from": "2026-03-01"}
        Closure.objects.create(department=world.bar, last="2026-03-11", reason="repairs", **days)
        Event.objects.create(name="Coffee week", last="2026-03-16", **days)
        yield world


def two_records(world: World) -> SaleLine:
    """Two sales of the cafe within two minutes; returns the first."""
    product = Product.objects.get(code="TRIG-002")
    sold = {"quantity": Decimal(3), "unit_price": Decimal("12.5"), "total": Decimal("37.5"), "currency": "KZT"}
    noon = [NOON - dt.timedelta(days=2, minutes=minutes) for minutes in (0, 2)]
    dated = {"department": world.cafe.pk, "product": product.pk, "date": dt.date(2026, 3, 16)}
    lines = [Line(str(number), sold_at=at, hour=12, **dated, **sold) for number, at in enumerate(noon)]
    store_lines(by_hand(world.organisation), lines)
    return SaleLine.objects.get(external_id="0")


def an_import(world: World) -> ImportJob:
    """Two sales stored and one refused."""
    job, _look = receive(
        io.BytesIO(SOLD.encode()), name="sales.csv", organisation=world.organisation, user=None, department=world.cafe
    )
    run_now(start_import(job, user=None))
    return job


@pytest.mark.parametrize("name", REQUESTS)
def test_the_answer_is_that_of_the_file(world: World, name):
    who, method, address, body = REQUESTS[name]
    ids = {department: getattr(world, department).pk for department in ("cafe", "bar", "bakery", "foreign")}
    day = SalesSummary.objects.filter(department=world.cafe).earliest("date")
    hour = SalesByHour.objects.filter(department=world.cafe).earliest("date")
    record = two_records(world).pk if name.startswith("records") else None
    job = an_import(world).pk if "job" in name or "{job}" in address else None
    url = address.format(**ids, day=day.pk, hour=hour.pk, record=record, job=job)
    client = world.api() if who == "integrator" else world.client(who)
    written = json.dumps(body).replace("{cafe}", str(world.cafe.pk))
    if body is not None and "file" in body:
        form = json.loads(written)
        title, text = form["file"]
        response = client.post(
            url, form | {"file": SimpleUploadedFile(title, text.encode())}, headers={"accept-language": "en"}
        )
    else:
        more = {} if body is None else {"data": written, "content_type": "application/json"}
        response = client.generic(method, url, headers={"accept-language": "en"}, **more)
    content = response.getvalue().decode("utf-8-sig")
    if response["Content-Type"].startswith("application/json"):
        content = json.loads(content)
    else:
        content = content.splitlines()
    found = {
        "request": {"by": who, "method": method, "url": address, "body": body},
        "status": response.status_code,
        "answer": named(content, world),
    }
    path = FILES / f"{name}.json"
    if os.environ.get("GOLDEN") == "write":
        FILES.mkdir(exist_ok=True)
        path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert lost(kept, found) == []


def test_every_file_is_asked_for():
    assert {path.stem for path in FILES.glob("*.json")} == set(REQUESTS)


def named(value, world: World):
    """What differs from one run to the next under names: ids, instants."""
    names = {str(department.pk): department.name for department in Department.objects.all()}
    if isinstance(value, dict):
        return {
            key: "<number>" if key in NUMBERED and isinstance(part, int) else named(part, world)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [named(part, world) for part in value]
    if isinstance(value, str):
        value = UUID.sub(lambda match: f"<{names.get(match[0], 'id')}>", value)
        value = re.sub(r"cursor=[^&\"]+", "cursor=<cursor>", INSTANT.sub("<instant>", value))
    return value


def lost(kept, found, where: str = "") -> list[str]:
    """Where `found` is not what was kept, new fields apart."""
    if isinstance(kept, dict) and isinstance(found, dict):
        return [
            line
            for key, part in kept.items()
            for line in (lost(part, found[key], f"{where}/{key}") if key in found else [f"{where}/{key} is gone"])
        ]
    if isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        return [
            line
            for number, (one, other) in enumerate(zip(kept, found, strict=True))
            for line in lost(one, other, f"{where}/{number}")
        ]
    return [] if kept == found else [f"{where}: {found!r}, not {kept!r}"]
