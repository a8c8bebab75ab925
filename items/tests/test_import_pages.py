"""A person uploads a file, sees what was understood, says what was not, and watches it arrive."""

import io
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from items.models import ImportJob, SaleLine
from items.tests.books import book
from runs.ledger import run_now
from tests.reading import content, reader, rows
from tests.world import World

pytestmark = pytest.mark.django_db
UNCLEAR = "Wann;Was;Wieviel;Preis\n01/02/2024;Tee;2;1,50\n02/02/2024;Kuchen;viel;3,00\n"


def upload(person, text, **fields):
    file = io.BytesIO(text.encode() if isinstance(text, str) else text)
    file.name = "März.csv"
    return person.post(reverse("admin:items_import"), {"file": file, **fields})


def declared(job, **columns):
    """The form of the job's page, filled in."""
    titles = ["Wann", "Was", "Wieviel", "Preis"]
    fields = {f"column_{titles.index(title)}": name for title, name in columns.items()}
    common = {"order": "dmy", "decimal": ",", "encoding": "utf-8", "department": "", "products": "create"}
    return {**common, "title": titles, **fields}


def test_from_the_upload_to_the_result(world: World):
    person = reader(world, "manager")
    answer = upload(person, UNCLEAR, department=str(world.cafe.pk))
    job = ImportJob.objects.get()
    assert answer.url == reverse("admin:items_import_job", args=[job.pk])
    page = person.get(answer.url)
    assert "Still to be named: date, quantity, product." in content(page)
    assert "These numbers can be read in two ways" not in content(page)
    assert rows(page)[0].startswith("Wann 01/02/2024 · 02/02/2024")

    filled = declared(job, Wann="date", Was="product", Wieviel="quantity", Preis="price") | {
        "department": str(world.cafe.pk)
    }
    page = person.post(answer.url, filled)
    text = content(page)
    assert "Rows: 2, of which would be refused: 1." in text
    assert "Row 3: Quantity: “viel” is not a number." in text
    assert "New products (1): Tee" in text
    assert "01.02.2024 Tee 2 1.50 3.00" in text
    assert not SaleLine.objects.exists() and not job.run

    assert person.post(answer.url, filled | {"start": "1"}).status_code == 302
    job.refresh_from_db()
    run_now(job.run)
    text = content(person.get(answer.url))
    assert "rows of the file 2 rows refused 1 rows added 1" in text
    assert "3 Quantity: “viel” is not a number." in text
    file = person.get(reverse("admin:items_import_errors", args=[job.pk])).getvalue().decode()
    assert "viel" in file
    assert "März.csv" in content(person.get(reverse("admin:items_importjob_changelist")))
    # What was said of these columns once need not be said again.
    upload(person, UNCLEAR, department=str(world.cafe.pk))
    again = ImportJob.objects.order_by("created_at").last()
    assert "Still to be named" not in content(person.get(reverse("admin:items_import_job", args=[again.pk])))


def test_what_can_be_read_in_two_ways_is_pointed_out(world: World):
    person = reader(world, "manager")
    unclear = "date;product;quantity\n01/02/2024;Tea;1,500\n"
    text = content(person.get(upload(person, unclear, department=str(world.cafe.pk)).url))
    assert "These dates can be read in two ways." in text and "These numbers can be read in two ways." in text
    clear = unclear.replace("01/02", "31/01").replace("1,500", "1,50")
    text = content(person.get(upload(person, clear, department=str(world.cafe.pk)).url))
    assert "can be read in two ways" not in text


def test_hidden_sheets_are_named_and_read_only_if_chosen(world: World):
    head = ["date", "product", "quantity"]
    sheets = {"Sold": [head, ["2024-01-01", "Tea", 1]], "Kitchen": [head, ["2024-01-01", "Waste", 1]]}
    person = reader(world, "administrator")
    page = person.get(upload(person, book(sheets, hidden=["Kitchen"]), department=str(world.cafe.pk)).url)
    html = page.content.decode()
    assert "Kitchen (hidden)" in content(page)
    assert html.count("checked") == 1


def test_what_is_wrong_is_said_in_the_readers_language_and_markup_is_text(world: World):
    person = reader(world, "manager")
    assert "This is neither a CSV file nor an Excel workbook" in content(upload(person, b"%PDF-1.7"))
    answer = upload(
        person, "date;<script>alert(1)</script>;quantity\n2024-01-01;<b>x</b>;1\n", department=str(world.cafe.pk)
    )
    html = person.get(answer.url).content.decode()
    assert "<script>alert(1)" not in html and "<b>x</b>" not in html


def test_two_columns_cannot_hold_the_same(world: World):
    person = reader(world, "manager")
    address = upload(person, UNCLEAR, department=str(world.cafe.pk)).url
    job = ImportJob.objects.get()
    page = person.post(address, declared(job, Wann="date", Was="date", Wieviel="quantity"))
    assert "Two columns cannot both hold: date." in content(page)


def test_who_may_look_and_who_may_import(world: World):
    manager = reader(world, "manager")
    address = upload(manager, UNCLEAR, department=str(world.cafe.pk)).url
    analyst, staff, stranger = (reader(world, who) for who in ("analyst", "staff", "stranger"))
    assert analyst.get(address).status_code == 200
    assert analyst.post(address, {}).status_code == 403
    assert analyst.get(reverse("admin:items_import")).status_code == 403
    assert staff.get(address).status_code == 403
    assert stranger.get(address).status_code == 404
    assert stranger.get(address + "errors.csv").status_code == 404
    assert stranger.post(address + "undo/").status_code == 404
    assert world.bakery.name not in content(manager.get(reverse("admin:items_import")))


def run(*arguments, code=0):
    out, err = StringIO(), StringIO()
    try:
        call_command("import_sales", *map(str, arguments), stdout=out, stderr=err)
        ended = 0
    except SystemExit as left:
        ended = left.code
    except CommandError as error:
        ended = error.returncode
        err.write(str(error))
    assert ended == code, out.getvalue() + err.getvalue()
    return out.getvalue() + err.getvalue()


def test_the_command(world: World, tmp_path):
    file = tmp_path / "sales.csv"
    file.write_text("date,product,quantity,price\n2024-01-01,Tea,2,1.50\n")
    report = json.loads(run(file, "--department", world.cafe.pk, "--json"))
    assert (report["state"], report["counts"]["inserted"]) == ("done", 1)
    file.write_text(UNCLEAR)
    mapping = json.dumps({"date": "Wann", "product": "Was", "quantity": "Wieviel", "price": "Preis"})
    assert "date_order" in run(file, "--department", world.cafe.pk, "--mapping", mapping, code=2)
    told = run(file, "--department", world.cafe.pk, "--mapping", mapping, "--date-order", "dmy", code=1)
    assert "viel" in told
    assert SaleLine.objects.count() == 2
    run(file, code=2)
    run(file, "--mapping", "{", code=2)
    run(file, "--department", "nowhere", code=2)
    run(tmp_path / "missing.csv", code=2)
