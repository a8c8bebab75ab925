"""A file of sales becomes lines, and these the sales of the day; what is wrong with it is told row by row."""

import csv
import datetime as dt
import io
import json
import random
from decimal import Decimal

import pytest
from django.db.models import Sum

from departments.models import Department
from items.files.refusals import BadFile
from items.imports.kept import keep_file, kept_file
from items.imports.receive import receive, start_import
from items.imports.tidy import tidy
from items.models import (
    ImportChunk,
    ImportJob,
    ImportLayout,
    ItemDay,
    ItemSource,
    Product,
    ProductDay,
    SaleLine,
    SourceProduct,
)
from items.sources import files
from items.tests.books import book
from runs import ledger
from runs.choices import State
from runs.models import Run
from sales.models import SalesByHour, SalesSummary
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
SEED = "date,product,quantity,price\n2024-01-01,Baguette,50,1.50\n2024-01-01,Croissant,30,2.00\n2024-01-02,Baguette,55,1.50\n"
RECEIPTS = "Филиал;Дата;Время;Чек;Товар;Количество;Сумма\n"


def post(client, content, kind="csv", name="sales.csv", **fields):
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    file.name = name
    return client.post(
        f"/api/v1/sales/import/{kind}", {"file": file, **fields}, format="multipart", headers={"accept-language": "en"}
    )


@pytest.fixture
def upload(settings):
    """Post a file and see to it that its run ends; the answer is the import then, or the refusal."""
    settings.RUN_ANSWER_SECONDS = 0

    def uploaded(client, content, *arguments, **fields):
        answer = post(client, content, *arguments, **fields)
        if answer.status_code != 202:
            return answer
        ledger.run_now(Run.objects.get(pk=answer.json()["id"]))
        address = f"/api/v1/sales/import/jobs/{answer.json()['job_id']}"
        return client.get(address, headers={"accept-language": "en"})

    return uploaded


@pytest.fixture
def send(world: World, upload):
    """Import into the cafe and return the answer."""

    def to_cafe(content, kind="csv", **fields):
        return upload(world.api(), content, kind, department_id=str(world.cafe.pk), **fields)

    return to_cafe


def errors(answer, status=400):
    """What was refused at the door, or by the run."""
    told = answer.json()
    if told.get("status") == "failed":
        return [(error["code"], "file") for error in told["error_log"]]
    assert answer.status_code == status, answer.content
    return [(error["code"], error["attr"]) for error in told["errors"]]


def figures():
    """All that an import may change, without ids and instants."""
    return [
        sorted(SaleLine.objects.standing().values_list("external_id", "date", "quantity", "total")),
        sorted(ProductDay.objects.values_list("product__name", "date", "quantity", "revenue")),
        sorted(ItemDay.objects.values_list("date", "lines", "revenue")),
        sorted(SalesSummary.objects.filter(date__year=2024).values_list("date", "total_sales", "orders")),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_sample_of_the_guide_arrives_to_the_cent(world: World, worker):
    fields = {"tenant_id": str(world.organisation.pk), "department_id": str(world.cafe.pk)}
    answer = post(world.api(), SEED, **fields)
    assert answer.status_code == 200, answer.content
    job = answer.json()
    assert (job["status"], job["total_rows"], job["successful_rows"], job["failed_rows"]) == ("completed", 3, 3, 0)
    assert (job["file_name"], job["file_type"], job["file_size_bytes"]) == ("sales.csv", "csv", len(SEED))
    assert job["column_mapping"] == {"date": "date", "product": "product", "quantity": "quantity", "price": "price"}
    assert job["counts"]["products"] == 2
    assert sorted(SaleLine.objects.values_list("date", "quantity", "unit_price", "total")) == [
        (dt.date(2024, 1, 1), Decimal(30), Decimal(2), Decimal(60)),
        (dt.date(2024, 1, 1), Decimal(50), Decimal("1.5"), Decimal(75)),
        (dt.date(2024, 1, 2), Decimal(55), Decimal("1.5"), Decimal("82.5")),
    ]
    days = SalesSummary.objects.filter(department=world.cafe, date__year=2024).order_by("date")
    assert [day.total_sales for day in days] == [Decimal(135), Decimal("82.5")]
    read = world.api().get(f"/api/v1/sales/import/jobs/{job['id']}").json()
    assert read == job
    assert [row["id"] for row in world.api().get("/api/v1/sales/import/jobs").json()] == [job["id"]]
    # A file of which nothing can be taken is a bad request.
    answer = post(world.api(), "date,product,quantity\n2024-01-01,Tea,none\n", **fields)
    assert errors(answer) == [("import_bad_number", "file")]
    assert answer.json()["errors"][0]["detail"] == "Row 2: Quantity: “none” is not a number."
    assert ImportJob.objects.get(pk=answer.json()["job_id"]).status == "failed"


def test_the_same_file_twice_changes_nothing_and_a_corrected_one_corrects(send):
    send(SEED)
    before = figures()
    again = send(SEED).json()["counts"]
    assert (again["inserted"], again["updated"], again["unchanged"], again["deleted"]) == (0, 0, 3, 0)
    assert figures() == before
    corrected = SEED.replace("2024-01-01,Croissant,30,2.00\n", "").replace("55", "56")
    counts = send(corrected).json()["counts"]
    assert (counts["inserted"], counts["updated"], counts["unchanged"], counts["deleted"]) == (0, 1, 1, 1)
    send(SEED)
    assert figures() == before


def test_a_product_sold_twice_on_a_day_is_two_lines(send):
    send("date,product,quantity\n2024-01-01,Tea,1\n2024-01-01,Tea,2\n")
    assert ProductDay.objects.get().quantity == 3
    assert SaleLine.objects.filter(total=None).count() == 2
    assert not SalesSummary.objects.filter(date__year=2024).exists()  # no amounts, no revenue


def test_receipts_are_added_and_corrected_and_nothing_else_is_deleted(world: World, upload):
    first = RECEIPTS + "Cafe on Abay;01.02.2024;07:06;77;Чай;1;250,50\nCafe on Abay;01.02.2024;07:06;77;Пирог;2;900\n"
    answer = upload(world.api(), first.encode("cp1251"))
    assert answer.status_code == 200, answer.content
    second = RECEIPTS + "bar 22;01.02.2024;13:10;77;Чай;1;300\nCafe on Abay;01.02.2024;07:06;77;Чай;1;260,50\n"
    counts = upload(world.api(), second).json()["counts"]
    assert (counts["inserted"], counts["updated"], counts["deleted"]) == (1, 1, 0)
    day = SalesSummary.objects.get(department=world.cafe, date="2024-02-01")
    assert (day.total_sales, day.orders) == (Decimal("1160.50"), 1)
    hour = SalesByHour.objects.get(department=world.cafe, date="2024-02-01")
    assert (hour.hour, hour.sales_amount) == (7, Decimal("1160.50"))
    assert SalesSummary.objects.get(department=world.bar, date="2024-02-01").total_sales == 300


def test_two_sheets_of_a_workbook_are_one_import(world: World, upload):
    head = ["Date", "Store", "Product", "Qty", "Price"]
    content = book(
        {
            "January": [head, [dt.datetime(2024, 1, 31), "Cafe on Abay", "Tea", 2, 0.1]],
            "February": [head, [dt.datetime(2024, 2, 1), "Bar 22", "Tea", 3, 0.1]],
            "About": [["This workbook is for accounting"]],
        }
    )
    job = upload(world.api(), content, "excel", name="sales.xlsx").json()
    assert (job["status"], job["successful_rows"], job["file_type"]) == ("completed", 2, "xlsx")
    assert sorted(SaleLine.objects.values_list("total", flat=True)) == [Decimal("0.2"), Decimal("0.3")]


def test_every_refused_row_is_explained_and_the_others_are_stored(world: World, send):
    rows = [
        "2024-01-01,Tea,1,2.50",
        ",Tea,1,1",
        "2024-13-01,Tea,1,1",
        "2099-01-01,Tea,1,1",
        "2024-01-01,,1,1",
        "2024-01-01,Tea,,1",
        "2024-01-01,Tea,0,1",
        "2024-01-01,Tea,-1,1",
        "2024-01-01,Tea,many,1",
        "2024-01-01,Tea,1.2345,1",
        "2024-01-01,Tea,1,-1",
        "2024-01-01,Tea,1,1,1",
        '2024-01-01,"Tea"x,1,1',
        "2024-01-01," + "x" * 301 + ",1,1",
        "2024-01-01,T\0,1,1",
    ]
    answer = send("date,product,quantity,price\n" + "\n".join(rows))
    assert answer.status_code == 200, answer.content
    job = answer.json()
    assert (job["status"], job["total_rows"], job["successful_rows"], job["failed_rows"]) == ("completed", 15, 1, 14)
    assert [(error["row"], error["code"].removeprefix("import_")) for error in job["error_log"]] == [
        (3, "empty_cell"), (4, "bad_date"), (5, "future_date"), (6, "empty_cell"), (7, "empty_cell"),
        (8, "zero_quantity"), (9, "negative_quantity"), (10, "bad_number"), (11, "too_many_places"),
        (12, "negative_price"), (13, "wrong_columns"), (14, "bad_quotes"), (15, "text_too_long"), (16, "unreadable"),
    ]  # fmt: skip
    assert job["error_log"][1]["detail"] == "Date: “2024-13-01” is not a date of the declared form."
    assert Product.objects.get().name == "Tea"  # a refused row makes no product
    file = world.api().get(
        f"/api/v1/sales/import/jobs/{job['id']}/errors?style=plain", headers={"accept-language": "en"}
    )
    table = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"))))
    assert table[0] == ["sheet", "row", "column", "what stood there", "reason"]
    assert [row[1] for row in table[1:]] == [str(number) for number in range(3, 17)]
    assert table[8][2:] == ["quantity", "many", "Quantity: “many” is not a number."]


def test_with_a_refused_row_nothing_vanishes(send):
    send(SEED)
    counts = send(SEED.replace("2024-01-01,Croissant,30", "2024-01-01,Croissant,thirty")).json()["counts"]
    assert (counts["deleted"], counts["unchanged"]) == (0, 2)
    assert SaleLine.objects.count() == 3


def test_returns_are_taken_only_when_they_are_announced(send):
    rows = "date,product,quantity,price\n2024-01-01,Tea,5,2\n2024-01-01,Tea,-1,2\n"
    assert send(rows).json()["failed_rows"] == 1
    assert send(rows, returns="true").json()["failed_rows"] == 0
    assert ProductDay.objects.get().revenue == 8
    wrong = "date,product,quantity,total\n2024-01-01,Tea,-1,2\n"
    assert errors(send(wrong, returns="true")) == [("import_wrong_sign", "file")]


def test_discounts_and_sums(send):
    send("date,product,quantity,price,discount\n2024-01-01,Tea,3,1.0005,0.5\n")
    line = SaleLine.objects.get()
    assert (line.gross, line.discount, line.total, line.tax) == (
        Decimal("3.0015"),
        Decimal("0.5"),
        Decimal("2.5015"),
        None,
    )
    too_much = "date,product,quantity,price,discount\n2024-01-01,Tea,1,1,1.01\n"
    assert errors(send(too_much)) == [("import_discount_too_large", "file")]


def test_codes_must_be_known_unless_told_otherwise(world: World, send):
    Product.objects.create(organisation=world.organisation, code="B-1", name="Bun")
    rows = "product_code,sale_date,quantity_sold,notes\nB-1,2024-01-01,5,morning\nb-1,2024-01-01,5,\n"
    job = send(rows).json()
    assert [(error["row"], error["code"]) for error in job["error_log"]] == [(3, "import_unknown_product")]
    assert SaleLine.objects.get().notes == "morning"
    assert send(rows, unknown_products="create").json()["failed_rows"] == 0
    assert sorted(Product.objects.values_list("code", flat=True)) == ["B-1", "b-1"]
    assert errors(send("date,product,quantity\n2024-01-01,Pie,5\n", unknown_products="refuse")) == [
        ("import_unknown_product", "file")
    ]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("date,product,quantity\n01/02/2024,Tea,1\n", ("import_unsure_order", "date_order")),
        ("date,product,quantity\n2024-01-01,Tea,\"1,234\"\n", ("import_unsure_decimal", "decimal")),
        ("day?,what,how many\n2024-01-01,Tea,1\n", ("import_fields_missing", "mapping")),
        ("", ("import_empty_file", "file")),
        (b"PK\x03\x04 nothing", ("import_broken_workbook", "file")),
        (b"%PDF-1.4", ("import_not_a_table", "file")),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_is_asked_and_nothing_is_kept(send, content, wanted):
    assert errors(send(content)) == [wanted]
    assert not ImportJob.objects.exists() and not ImportChunk.objects.exists()


def test_an_answer_is_remembered_for_files_with_the_same_columns(send):
    rows = 'Tag,date,product,quantity\nx,01/02/2024,Tea,"1,234"\n'
    assert send(rows, date_order="dmy", decimal=",").status_code == 200
    assert SaleLine.objects.get().date == dt.date(2024, 2, 1)
    assert ProductDay.objects.get().quantity == Decimal("1.234")
    other = 'quantity,Tag,product,date\n"2,500",x,Tea,03/02/2024\n'
    assert send(other).status_code == 200
    assert SaleLine.objects.get(date=dt.date(2024, 2, 3)).quantity == Decimal("2.5")
    assert ImportLayout.objects.count() == 1
    # What the dates themselves say goes before what was once said.
    assert errors(send("quantity,Tag,product,date\n1,x,Tea,02/13/2024\n", date_order="dmy")) == [
        ("import_bad_date", "file")
    ]


def test_columns_of_any_name_can_be_declared(send):
    rows = "wann;was;wieviel\n01.02.2024;Tee;3\n"
    mapping = {"date": "wann", "product": "was", "quantity": "wieviel"}
    assert send(rows, mapping=json.dumps(mapping)).json()["successful_rows"] == 1
    assert errors(send(rows, mapping="{")) == [("invalid", "mapping")]
    assert errors(send(rows, mapping='{"date": "wenn"}')) == [("import_columns_missing", "mapping")]
    assert errors(send(rows, mapping='{"colour": "was"}')) == [("import_unknown_field", "mapping")]


def test_limits(send, settings):
    settings.MAX_IMPORT_ROWS = 2
    assert errors(send(SEED)) == [("import_too_many_rows", "file")]
    assert not SaleLine.objects.exists()
    assert not Product.objects.exists() and not SourceProduct.objects.exists()  # only a file read to its end makes any
    settings.MAX_IMPORT_FILE_SIZE_MB = 0
    assert errors(send(SEED)) == [("import_file_too_large", "file")]
    settings.MAX_IMPORT_FILE_SIZE_MB = 1
    assert errors(send(book({"A": [["date"]]}))) == [("import_other_kind", "file")]


def test_whose_sales_these_are(world: World, upload):
    assert errors(upload(world.api(), SEED)) == [("import_which_department", "department_id")]
    Department.objects.exclude(pk__in=[world.cafe.pk, world.foreign.pk]).exclude(type="JURPERSON").delete()
    assert upload(world.api(), SEED).status_code == 200
    assert set(SaleLine.objects.values_list("department", flat=True)) == {world.cafe.pk}


def test_a_file_may_name_only_departments_its_sender_sees(world: World, upload):
    rows = (
        RECEIPTS
        + "Bakery;01.02.2024;;1;Чай;1;1\nForeign cafe;01.02.2024;;1;Чай;1;1\nCafe on Abay;01.02.2024;;2;Чай;1;1\n"
    )
    job = upload(world.api(world.manager_key), rows).json()
    assert [(error["row"], error["code"]) for error in job["error_log"]] == [
        (2, "import_unknown_department"),
        (3, "import_unknown_department"),
    ]
    assert errors(upload(world.api(world.manager_key), SEED, department_id=str(world.bakery.pk)), 404)
    assert errors(upload(world.api(), SEED, tenant_id=str(world.other_organisation.pk)), 403)
    foreign = world.client("stranger")
    assert foreign.get(f"/api/v1/sales/import/jobs/{job['id']}").status_code == 404
    assert foreign.get("/api/v1/sales/import/jobs").json() == []
    assert world.api(world.manager_key).get(f"/api/v1/sales/import/jobs/{job['id']}").status_code == 200


def test_a_run_that_was_interrupted_goes_on_where_it_stood(world: World, settings, monkeypatch):
    settings.IMPORT_BATCH_SIZE = 1
    rows = "".join(f"2024-01-{day:02},Tea,{day},2\n" for day in range(1, 29))
    file = io.BytesIO(f"date,product,quantity,price\n{rows}oops,Tea,1,1\n".encode())
    job, _look = receive(file, name="a.csv", organisation=world.organisation, user=None, department=world.cafe)
    run = start_import(job, user=None)
    stored = ledger.Work.guard
    calls = []

    def dies(work):
        stored(work)
        calls.append(1)
        if len(calls) == 12:
            raise KeyboardInterrupt

    monkeypatch.setattr(ledger.Work, "guard", dies)
    with pytest.raises(KeyboardInterrupt):
        ledger.execute(run.pk)
    half = SaleLine.objects.count()
    assert 0 < half < 28
    monkeypatch.undo()
    settings.IMPORT_BATCH_SIZE = 1
    assert ledger.run_now(run).state == State.PARTIAL
    job.refresh_from_db()
    assert (job.total_rows, job.processed_rows, job.successful_rows, job.failed_rows) == (29, 29, 28, 1)
    assert job.options["counts"]["inserted"] == 28
    assert SaleLine.objects.aggregate(n=Sum("quantity"))["n"] == sum(range(1, 29))
    assert [day.revenue for day in ItemDay.objects.order_by("date")] == [2 * day for day in range(1, 29)]
    assert len(job.error_log) == 1


def test_an_import_can_be_cancelled_and_what_is_stored_adds_up(world: World, settings, monkeypatch):
    settings.IMPORT_BATCH_SIZE = 1
    monkeypatch.setattr(ledger, "PROGRESS_EVERY", 0)
    rows = "".join(f"2024-01-{day:02},Tea,{day},2\n" for day in range(1, 29))
    file = io.BytesIO(f"date,product,quantity,price\n{rows}".encode())
    job, _look = receive(file, name="a.csv", organisation=world.organisation, user=world.manager, department=world.cafe)
    run = start_import(job, user=world.manager)

    def after_five(work, done, total, code="", /, **params):
        if SaleLine.objects.count() == 5:
            answer = world.client("manager").post(f"/api/v1/sales/import/jobs/{job.pk}/cancel")
            assert answer.status_code == 200
        work.stop_if_asked()

    monkeypatch.setattr(ledger.Work, "progress", after_five)
    assert ledger.run_now(run).state == State.CANCELLED
    assert world.client("manager").get(f"/api/v1/sales/import/jobs/{job.pk}").json()["status"] == "failed"
    assert sorted(ItemDay.objects.values_list("revenue", flat=True)) == [2, 4, 6, 8, 10]
    again = world.client("manager").post(f"/api/v1/sales/import/jobs/{job.pk}/cancel")
    assert again.status_code == 409


def test_files_are_kept_for_a_while(world: World, send, settings):
    job = ImportJob.objects.get(pk=send(SEED).json()["id"])
    with kept_file(job) as path:
        assert path.read_text() == SEED
    assert tidy() == 0
    ImportJob.objects.filter(pk=job.pk).update(completed_at=job.completed_at - dt.timedelta(days=15))
    forgotten, _look = receive(
        io.BytesIO(SEED.encode()), name="b.csv", organisation=world.organisation, user=None, department=world.cafe
    )
    ImportJob.objects.filter(pk=forgotten.pk).update(created_at=forgotten.created_at - dt.timedelta(days=2))
    tidy()
    assert not ImportChunk.objects.exists()
    assert list(ImportJob.objects.all()) == [job]
    with kept_file(job) as path:
        assert path is None


def test_a_file_is_kept_packed_and_comes_back_to_the_byte(world: World, monkeypatch):
    monkeypatch.setattr("items.imports.kept.PIECE", 1000)
    table = (SEED + "2024-01-01,Tea,1,2.50\n" * 200).encode()
    for content, kind in ((table, "packed"), (random.Random(1).randbytes(2500), "file")):
        job = ImportJob.objects.create(
            organisation=world.organisation,
            connection=files(world.organisation).connection,
            file_name="a",
            file_size_bytes=len(content),
        )
        keep_file(job, io.BytesIO(content))
        pieces = job.chunks.order_by("number")
        assert {piece.what for piece in pieces} == {kind} and len(pieces) > 2
        with kept_file(job) as path:
            assert path and path.read_bytes() == content


def test_a_file_that_was_not_kept_whole_is_not_imported(world: World):
    file = io.BytesIO(SEED.encode())
    job, _look = receive(file, name="a.csv", organisation=world.organisation, user=None, department=world.cafe)
    ImportChunk.objects.update(data=SEED[:40].encode())
    run = ledger.run_now(start_import(job, user=None))
    assert (run.state, run.errors[0]["code"]) == (State.FAILED, "import_file_gone")


def test_sales_older_than_are_kept_are_refused_one_by_one(world: World, send):
    source = files(world.organisation)
    ItemSource.objects.filter(pk=source.pk).update(kept_from=dt.date(2024, 1, 2))
    job = send(SEED).json()
    assert [(error["row"], error["code"]) for error in job["error_log"]] == [
        (2, "import_too_old"),
        (3, "import_too_old"),
    ]
    assert SaleLine.objects.get().date == dt.date(2024, 1, 2)


def test_a_name_that_a_spreadsheet_guards_is_the_name(send):
    send("date,product,quantity\n2024-01-01,'-10% Cake,1\n")
    assert Product.objects.get().name == "-10% Cake"


def test_sales_that_look_entered_twice_are_counted_and_stored(send, settings):
    rows = "date,time,product,quantity,price\n2024-01-01,10:00,Tea,1,2\n2024-01-01,10:04,Tea,1,2\n2024-01-01,10:30,Tea,1,2\n"
    job = send(rows).json()
    assert (job["successful_rows"], job["counts"]["possible_repeats"]) == (3, 1)
    assert Run.objects.get(pk=job["run"]).errors[0]["code"] == "import_possible_repeats"
    settings.ENABLE_DUPLICATE_DETECTION = False
    assert "possible_repeats" not in send(rows).json()["counts"]


def test_a_workbook_can_be_said_to_be_a_csv_but_is_not_taken_for_one(world: World, send):
    with pytest.raises(BadFile):
        receive(io.BytesIO(b""), name="", organisation=world.organisation, user=None)
    assert errors(send(SEED, kind="excel")) == [("import_other_kind", "file")]
    assert errors(world.api().post("/api/v1/sales/import/csv", {}, format="multipart")) == [("required", "file")]


def test_an_import_can_be_taken_back(world: World, send, upload):
    send(SEED)
    before = figures()
    job = send(SEED.replace("55", "56").replace("Croissant", "Cake")).json()
    assert figures() != before
    address = f"/api/v1/sales/import/jobs/{job['id']}"
    answer = world.api().post(f"{address}/undo")
    assert answer.status_code == 202
    run = Run.objects.get(pk=answer.json()["id"])
    assert ledger.run_now(run).state == State.DONE
    assert figures() == before
    assert world.api().get(address).json()["undone_at"]
    assert errors(world.api().post(f"{address}/undo"), 409) == [("import_undone_already", None)]
