"""Files as nobody should write them: no failure within, every refused row explained, every other one exact."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.views import APIView

from items.files.kind import XLSX
from items.imports.errors import error_rows
from items.models import ImportJob, SaleLine
from items.tests.books import book
from runs import ledger
from runs.models import Run
from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.django_db]
GENERATE = {
    "deadline": None, "database": None, "phases": [Phase.generate], "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip
ORDERS = {"ymd": "%Y-%m-%d", "dmy": "%d.%m.%Y", "mdy": "%m/%d/%Y"}
NAMES = st.text("abcdefgh БВГДежз", min_size=1, max_size=12).map(str.strip).filter(bool)
SALES = st.lists(
    st.tuples(
        st.dates(dt.date(2023, 1, 1), dt.date(2024, 12, 31)),
        NAMES,
        st.decimals(Decimal("0.001"), Decimal(99_999), places=3),
        st.decimals(0, Decimal(999_999), places=4),  # with the quantity less than is too large to be true
    ),
    min_size=1,
    max_size=12,
)
SPOILED = [
    ("date", ""), ("date", "yesterday"), ("date", "2024-02-31"), ("date", "2199-01-01"), ("quantity", ""),
    ("quantity", "two"), ("quantity", "-1"), ("quantity", "0"), ("quantity", "1e3"), ("quantity", "NaN"),
    ("quantity", "0.0001"), ("price", "-1"), ("price", "1.00001"), ("price", "free"), ("price", "9" * 30),
    ("product", ""), ("product", "x" * 301), ("product", "\0"), ("product", "\ufffd"),
]  # fmt: skip
BYTES = b'\0\xff";,\t\n\r|=@\x80\xd0\xfe\xc0(){}<>%PK\x03\x04'


@pytest.fixture
def post(world: World, monkeypatch, settings):
    """Send a file and see its run to the end: (status of the answer, import)."""
    settings.RUN_ANSWER_SECONDS = 0
    monkeypatch.setattr(APIView, "throttle_classes", [])
    client = world.api()

    def posted(content: bytes, kind: str = "csv", **fields):
        file = io.BytesIO(content)
        file.name = "file"
        fields |= {"department_id": str(world.cafe.pk)}
        answer = client.post(f"/api/v1/sales/import/{kind}", {"file": file, **fields}, format="multipart")
        assert answer.status_code in (202, 400), answer.content
        if answer.status_code == 400:
            assert all(error["detail"] and error["detail"] != error["code"] for error in answer.json()["errors"])
            return None
        run = ledger.run_now(Run.objects.get(pk=answer.json()["id"]))
        assert not any(error["code"] == "bug" for error in run.errors), run.errors
        return ImportJob.objects.get(pk=answer.json()["job_id"])

    return posted


def adds_up(job):
    """Rows are stored or refused, and each refused one is explained."""
    if job.total_rows is None:  # refused as a whole
        assert job.error_log
        return
    assert job.successful_rows + job.failed_rows == job.total_rows == job.processed_rows
    explained = list(error_rows(job))
    assert len(explained) == job.failed_rows
    assert all("%(" not in row[4] and not row[4].startswith("import_") for row in explained)


@pytest.mark.parametrize("files", [40, pytest.param(4000, marks=pytest.mark.deep)])
def test_good_rows_are_exact_and_bad_ones_explained(post, files):
    @settings(max_examples=files, **GENERATE)
    @given(
        sales=SALES,
        spoiled=st.dictionaries(st.integers(0, 11), st.sampled_from(SPOILED), max_size=4),
        order=st.sampled_from(list(ORDERS)),
        decimal=st.sampled_from(".,"),
        between=st.sampled_from(["", " ", "\u00a0", "'"]),
        separator=st.sampled_from(";\t|"),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251"]),
        columns=st.permutations(["date", "product", "quantity", "price"]),
    )
    def check(sales, spoiled, order, decimal, between, separator, encoding, columns):
        SaleLine.objects.all().delete()
        # A program that writes cp1251 writes a question mark for what it cannot write: a name like any other.
        spoils = {row: spoil for row, spoil in spoiled.items() if encoding != "cp1251" or spoil[1] != "\ufffd"}
        lines, wanted, bad = [separator.join(columns)], [], []
        for number, (date, name, quantity, price) in enumerate(sales):
            cells = {
                "date": date.strftime(ORDERS[order]),
                "product": name,
                "quantity": f"{quantity:,f}".replace(",", "_").replace(".", decimal).replace("_", between),
                "price": f"{price:,f}".replace(",", "_").replace(".", decimal).replace("_", between),
            }
            if number in spoils:
                cells[spoils[number][0]] = spoils[number][1].replace(".", decimal)
                bad.append((number + 2, spoils[number][0]))
            else:
                wanted.append((date, " ".join(name.split(" ")), quantity, price))
            lines.append(separator.join(cells[column] for column in columns))
        content = "\r\n".join(lines).encode(encoding, "replace")
        job = post(content, date_order=order, decimal=decimal, encoding="utf-16-le" if encoding == "utf-16" else "")
        adds_up(job)
        found = [(row[1], row[2]) for row in error_rows(job)]
        assert [row for row, _column in found] == [row for row, _column in bad], list(error_rows(job))
        stored = SaleLine.objects.values_list("date", "quantity", "unit_price", "total")
        exact = [(date, quantity, price, (quantity * price).quantize(Decimal("0.0001"), "ROUND_HALF_UP"))
                 for date, _name, quantity, price in wanted]  # fmt: skip
        assert sorted(stored) == sorted(exact)

    check()


@pytest.mark.parametrize("files", [40, pytest.param(3000, marks=pytest.mark.deep)])
def test_a_csv_with_any_bytes_in_it(post, files):
    good = "Дата;Товар;Количество;Цена\n" + "".join(f"{day:02}.01.2024;Чай {day};{day};1,5\n" for day in range(1, 8))

    @settings(max_examples=files, **GENERATE)
    @given(
        encoding=st.sampled_from(["utf-8", "cp1251", "utf-16"]),
        changes=st.lists(
            st.tuples(st.floats(0, 1), st.integers(0, 6), st.lists(st.sampled_from(list(BYTES)), max_size=6)),
            min_size=1,
            max_size=8,
        ),
    )
    def check(encoding, changes):
        content = bytearray(good.encode(encoding))
        for place, gone, come in changes:
            at = int(place * len(content))
            content[at : at + gone] = bytes(come)
        if job := post(bytes(content), date_order="dmy", decimal=","):
            adds_up(job)

    check()


@pytest.mark.parametrize("files", [40, pytest.param(3000, marks=pytest.mark.deep)])
def test_a_workbook_with_any_bytes_in_it(post, files):
    good = book(
        {"A": [["date", "product", "quantity"], *([dt.datetime(2024, 1, day), "Tea", day] for day in range(1, 8))]}
    )

    @settings(max_examples=files, **GENERATE)
    @given(
        end=st.floats(0.2, 1.5),
        changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    )
    def check(end, changes):
        content = bytearray(good)
        for place, come in changes:
            at = int(place * len(content))
            content[at : at + len(come)] = come
        if job := post(bytes(content[: int(end * len(content))]), XLSX.replace("xlsx", "excel")):
            adds_up(job)

    check()
