"""The clients in examples/, and those written after the guide with a key added, run as processes against a live server."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from accounts.keys import create_api_key
from accounts.models import Organisation
from accounts.roles import Role
from departments.models import Department
from items.models import Product, SaleLine

pytestmark = [pytest.mark.stack, pytest.mark.django_db(transaction=True)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# A script as people wrote it after the guide; only address and key were added.
AFTER_THE_GUIDE = """
import requests
payload = {"sales_by_product_code": {"TRIG-001": [
    {"sale_date": "DAY", "quantity_sold": 15, "notes": "Auto-imported from external system"}]}}
response = requests.post("ADDRESS/api/sales/bulk-import", json=payload,
                         headers={"Content-Type": "application/json", "Authorization": "Api-Key KEY"}, timeout=30)
assert response.status_code == 200, response.text
result = response.json()
print(f"Success: {result['message']}")
print(f"Total records: {result['results']['total_records']}")
for success in result['results']['success']:
    print(f"{success['product_code']}: {success['records_imported']} records")
for error in result['results']['errors']:
    print(f"{error['product_code']}: {error['error']}")
"""
# What ConvertTo-Json of Windows PowerShell makes of the body in push_sales.ps1.
FROM_POWERSHELL = """{
    "sales_by_product_code":  {
                                  "TRIG-001":  [
                                                   {
                                                       "quantity_sold":  15,
                                                       "sale_date":  "DAY",
                                                       "notes":  "Обычные \\u0026 другие"
                                                   }
                                               ]
                              }
}"""


@pytest.fixture
def server(live_server):
    organisation = Organisation.objects.main()
    Department.objects.create(organisation=organisation, name="Cafe")
    for code in ("TRIG-001", "TRIG-002"):
        Product.objects.create(organisation=organisation, code=code, name=f"Product {code}")
    _row, key = create_api_key(organisation=organisation, name="mrp", role=Role.INTEGRATOR)
    return live_server.url, key


def run(server, *command, code=0):
    address, key = server
    environment = {**os.environ, "SALESFORECAST_URL": address, "SALESFORECAST_KEY": key, "SALESFORECAST_PAUSE": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def yesterday() -> str:
    return str(dt.date.today() - dt.timedelta(days=1))


def stored():
    return set(SaleLine.objects.values_list("product__code", "quantity", "notes"))


def test_the_python_client(server):
    for _ in range(2):
        assert "Import complete. 2 records imported." in run(server, sys.executable, str(EXAMPLES / "push_sales.py"))
    assert stored() == {("TRIG-001", 15, "Regular sales"), ("TRIG-002", 22, "")}
    Product.objects.filter(code="TRIG-002").delete()
    said = run(server, sys.executable, str(EXAMPLES / "push_sales.py"), code=1)
    assert "TRIG-002: Product code not found" in said
    nobody = ("http://127.0.0.1:9", server[1])
    assert "could not be reached" in run(nobody, sys.executable, str(EXAMPLES / "push_sales.py"), code=1)


def test_the_csv_client(server, tmp_path):
    path = tmp_path / "daily.csv"
    rows = f"TRIG-001,{yesterday()},15,Regular\nTRIG-002,{yesterday()},2.5,\nTRIG-001,{yesterday()},1,\n"
    path.write_text("\ufeffproduct_code,sale_date,quantity_sold,notes\n" + rows, encoding="utf-8")
    said = run(server, sys.executable, str(EXAMPLES / "push_csv.py"), str(path))
    assert "3 records imported" in said
    assert stored() == {("TRIG-001", 16, "Regular"), ("TRIG-002", 2.5, "")}
    path.write_text("product_code,sale_date,quantity_sold\nTRIG-001,soon,15\n", encoding="utf-8")
    assert "YYYY-MM-DD" in run(server, sys.executable, str(EXAMPLES / "push_csv.py"), str(path), code=1)


def test_the_shell_client(server):
    said = run(server, "sh", str(EXAMPLES / "push_sales.sh"), "TRIG-001", "15")
    assert '"message":"Import complete. 1 records imported."' in said
    assert stored() == {("TRIG-001", 15, "")}
    assert "401" in run((server[0], "wrong"), "sh", str(EXAMPLES / "push_sales.sh"), "TRIG-001", "15", code=22)


def test_a_script_after_the_guide_works_with_address_and_key_added(server, tmp_path):
    script = tmp_path / "import_sales.py"
    text = AFTER_THE_GUIDE.replace("ADDRESS", server[0]).replace("KEY", server[1]).replace("DAY", yesterday())
    script.write_text(text, encoding="utf-8")
    assert run(server, sys.executable, str(script)).splitlines() == [
        "Success: Import complete. 1 records imported.", "Total records: 1", "TRIG-001: 1 records",
    ]  # fmt: skip


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_body_of_powershell_is_taken(server, mark):
    address, key = server
    answer = requests.post(
        f"{address}/api/sales/bulk-import",
        data=(mark + FROM_POWERSHELL.replace("DAY", yesterday())).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "Authorization": f"Api-Key {key}"},
        timeout=30,
    )
    assert answer.status_code == 200
    assert stored() == {("TRIG-001", 15, "Обычные & другие")}


def test_the_requests_in_the_books_are_taken(server):
    address, key = server
    book = (EXAMPLES.parent / "docs" / "en" / "push.md").read_text(encoding="utf-8")
    asked = re.findall(r"curl -X POST http://localhost:8002(\S+) .*?-d '(.*?)'$", book, re.DOTALL | re.MULTILINE)
    assert [path for path, _body in asked] == ["/api/sales/bulk-import", "/api/v1/sales"]
    headers = {"Content-Type": "application/json", "Authorization": f"Api-Key {key}"}
    first, second = (requests.post(address + path, body, headers=headers, timeout=30) for path, body in asked)
    told = json.loads(re.search(r"```json\n(.*?)```", book, re.DOTALL)[1])
    told["results"]["success"][0]["product_name"] = "Product TRIG-001"
    assert (first.status_code, first.json()) == (200, told)
    assert (second.status_code, second.json()["total_amount"]) == (201, 1301)
