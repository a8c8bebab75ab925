"""An import whose worker is killed again and again: it goes on where it stood, and no row is stored twice or lost."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).resolve().parents[2]
DAYS, BRANCHES = 300, 10

# Each is run by a Python of its own, as a worker is; what it prints last is its answer.
PREPARE = """
from departments.models import Department
from accounts.models import Organisation
from items.imports.receive import receive, start_import
organisation = Organisation.objects.main()
for number in range({branches}):
    Department.objects.create(organisation=organisation, name=f"Branch {{number}}")
with open({file!r}, "rb") as file:
    job, look = receive(file, name="sales.csv", organisation=organisation, user=None)
print(start_import(job, user=None).pk)
"""
WORK = """
from runs import ledger
from runs.models import Run
print(ledger.run_now(Run.objects.get(pk={run})).state)
"""
FIGURES = """
import json
from django.db.models import Sum
from items.models import ImportJob, ItemDay, Product, ProductDay, SaleLine
from sales.models import SalesSummary
job = ImportJob.objects.get()
print(json.dumps({
    "lines": SaleLine.objects.count(),
    "quantity": str(SaleLine.objects.aggregate(n=Sum("quantity"))["n"].normalize()),
    "total": str(SaleLine.objects.aggregate(n=Sum("total"))["n"].normalize()),
    "item_days": [ItemDay.objects.count(), ItemDay.objects.aggregate(n=Sum("lines"))["n"]],
    "product_days": str(ProductDay.objects.aggregate(n=Sum("revenue"))["n"].normalize()),
    "published": [SalesSummary.objects.count(), str(SalesSummary.objects.aggregate(n=Sum("revenue"))["n"].normalize())],
    "products": Product.objects.count(),
    "rows": [job.total_rows, job.processed_rows, job.successful_rows, job.failed_rows],
    "inserted": job.options["counts"]["inserted"],
    "status": job.status,
}))
"""


class Installation:
    """A database of its own on the test server, and processes of the product on it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.server, self.name = url, f"killed_imports_{os.getpid()}"
        self.url = urlunsplit(urlsplit(url)._replace(path=f"/{self.name}"))
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "salesforecast.settings",
            "DEBUG": "1",
            "VAR_DIR": str(folder),
            "LOG_LEVEL": "ERROR",
            "RUN_LEASE_SECONDS": "2",
            "MAX_IMPORT_ROWS": "2000000",
            "MAX_IMPORT_FILE_SIZE_MB": "500",
        }

    def __enter__(self) -> "Installation":
        self._administer(f"CREATE DATABASE {self.name}")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=self.environment, check=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self._administer(f"DROP DATABASE {self.name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        connection = psycopg2.connect(self.server)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()

    def begin(self, script: str) -> subprocess.Popen[str]:
        code = "import django; django.setup()\nfrom django.conf import settings; settings.DEBUG = False\n" + script
        return subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True
        )

    def run(self, script: str, seconds: float = 3600) -> str:
        process = self.begin(script)
        out, _err = process.communicate(timeout=seconds)
        assert process.returncode == 0
        return out.strip().splitlines()[-1]

    def stored(self) -> int:
        connection = psycopg2.connect(self.url)
        cursor = connection.cursor()
        cursor.execute("SELECT successful_rows FROM sales_import_jobs")
        (rows,) = cursor.fetchone()
        connection.close()
        return rows


def write(path: Path, rows: int) -> dict[str, object]:
    """Rows of all dates and branches, not in the order of their dates, a few of them wrong; what they come to."""
    chance = random.Random(7)
    quantity = cents = good = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("date,store,product,quantity,price\n")
        for number in range(rows):
            day, pieces, price = number * 7919 % DAYS, 1 + number % 9, 100 + number * 37 % 900
            wrong = number % 50_000 == 17
            file.write(f"2025-{1 + day // 28:02}-{1 + day % 28:02},Branch {chance.randrange(BRANCHES)},"
                       f"Product {number * 104_729 % 200},{'many' if wrong else pieces},{price}.25\n")  # fmt: skip
            if not wrong:
                good, quantity, cents = good + 1, quantity + pieces, cents + pieces * (price * 100 + 25)
    return {"good": good, "bad": rows - good, "quantity": quantity, "cents": cents}


def test_killed_twenty_times_and_exact_to_the_last_row(postgres_url, tmp_path):
    killed_again_and_again(postgres_url, tmp_path, rows=1_000_000, kills=20)


def killed_again_and_again(url: str, folder: Path, *, rows: int, kills: int) -> None:
    chance = random.Random(11)
    file = folder / "sales.csv"
    told = write(file, rows)
    with Installation(url, folder) as house:
        run = int(house.run(PREPARE.format(branches=BRANCHES, file=str(file))))
        for kill in range(kills):
            process = house.begin(WORK.format(run=run))
            # A few while the file is checked, the others at ever later places of the storing.
            place = 0 if kill % 7 == 0 else rows * kill // (kills + 1)
            deadline = time.monotonic() + 900
            while place and house.stored() < place and process.poll() is None:
                assert time.monotonic() < deadline, "the import does not get on"
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 0.5 if place else 4))
            assert process.poll() is None, "the import was over before it could be killed"
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert house.run(WORK.format(run=run)) == "partial"
        figures = json.loads(house.run(FIGURES))
    assert figures["rows"] == [rows, rows, told["good"], told["bad"]]
    assert (figures["lines"], figures["inserted"], figures["status"]) == (told["good"], told["good"], "completed")
    total = told["cents"] / 100
    assert float(figures["quantity"]) == told["quantity"]
    for sum_ in (figures["total"], figures["product_days"], figures["published"][1]):
        assert float(sum_) == pytest.approx(total, abs=0.001)
    assert figures["item_days"] == [figures["published"][0], told["good"]]
    assert figures["published"][0] == DAYS * BRANCHES
    assert figures["products"] == 200
