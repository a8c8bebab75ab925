"""Receipts of an iiko server over real HTTP: every line to the coin, checked by the server's own sums, published nowhere."""

import datetime as dt
import uuid
from collections import defaultdict
from decimal import Decimal

import pytest
from django.utils import translation

from accounts.models import Organisation
from departments.models import Connection, Department, SourceDepartment
from items.models import ItemDay, ItemSource, Product, ProductDay, Receipt, SaleLine, SourceProduct
from items.receipt_checks import Difference, check_receipts
from items.receipts import Brought, load_receipts
from items.repair import check_items
from items.tests.shop import disagreements
from runs.choices import State
from runs.ledger import RunFailed, run_now
from runs.sentences import of_errors
from sales.models import ObservedDay, SalesByHour, SalesSummary
from sales.sync import start_sync
from sources.errors import SourceError
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell, sums
from sources.simulator.worlds.menu import demo_menu
from sources.simulator.worlds.static import StaticWorld

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
DAY = dt.date(2026, 3, 18)
NEXT = DAY + dt.timedelta(days=1)
CAFE, BAR = (str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("cafe", "bar"))


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    with IikoServer(StaticWorld(cells())) as server:
        yield server


def cells():
    """Two branches and two dates with discounts, a return, a late evening and a bill that was deleted."""
    found = []
    for date in (DAY, NEXT):
        for department, hour, revenue, gross, orders in (
            (CAFE, 9, "2100.50", "2300", 2),
            (CAFE, 13, "9800.25", "10001.75", 4),
            (BAR, 22, "8000", "8000", 2),
            (BAR, 0, "2400.01", "2500.01", 1),
        ):
            found.append(Cell(department, date, hour, Decimal(revenue), Decimal(gross), orders, orders * 2))
    found.append(Cell(BAR, DAY, 22, Decimal(-700), Decimal(-700), 1, 0, storned=True))
    found.append(Cell(BAR, DAY, 22, Decimal(999), Decimal(999), 1, 1, order_deleted="DELETED"))
    return found


@pytest.fixture
def connection(till):
    organisation = Organisation.objects.main()
    return Connection.objects.create(
        organisation=organisation, name="till", url=till.url, login="demo", password="demo"
    )


def load_sales(connection, first=DAY, last=NEXT):
    run, _new = start_sync(organisation=connection.organisation, from_date=first, to_date=last, trigger="command")
    assert run_now(run).state == State.DONE


def told(brought):
    with translation.override("en"):
        return of_errors(brought.errors("till"))


def everything():
    tables = (SaleLine, Receipt, ItemDay, ProductDay, SourceProduct, Product)
    return [sorted(map(str, model.objects.values_list())) for model in tables]


def published():
    return [list(model.objects.order_by("pk").values()) for model in (SalesSummary, SalesByHour, ObservedDay)]


def test_receipts_arrive_whole_and_change_nothing_that_is_published(till, connection):
    load_sales(connection)
    before = published()
    brought = load_receipts(connection, DAY, NEXT)
    assert (brought.errors("till"), brought.days) == ([], 2)
    truth = sums(till.world.cells(DAY, NEXT))
    hours = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for line in SaleLine.objects.all():
        hours[str(line.department_id), line.date, line.hour][0] += line.total
        hours[str(line.department_id), line.date, line.hour][1] += line.gross
    assert hours == {key: [revenue, gross] for key, (revenue, gross, _orders, _guests) in truth.items()}
    orders, guests = (sum(row[place] for row in truth.values()) for place in (2, 3))
    assert brought.receipts == Receipt.objects.count() == orders
    assert sum(Receipt.objects.values_list("guests", flat=True)) == guests
    assert sum(Receipt.objects.values_list("revenue", flat=True)) == sum(row[0] for row in truth.values())
    assert published() == before
    source = ItemSource.objects.get(connection=connection)
    assert (source.is_observed, source.grain) == (False, "line")
    assert set(Product.objects.values_list("name", flat=True)) <= {a.name for a in demo_menu().articles.values()}
    assert set(check_items(connection.organisation).values()) == {0}
    assert [
        one for one in disagreements(connection.organisation) if not one.startswith(("observed", "published"))
    ] == []
    # Without a load of sales there is nothing to compare with.
    assert check_receipts(connection, [DAY - dt.timedelta(days=30)]) == []


def test_instants_are_those_of_the_branch_and_the_night_belongs_to_the_evening(till, connection):
    till.edited.add_bill(CAFE, DAY, 0, revenue=Decimal("700"))
    load_receipts(connection, DAY, DAY)
    [line] = SaleLine.objects.filter(department=CAFE, hour=0)[:1]
    assert (line.date, line.sold_at) == (DAY, dt.datetime(2026, 3, 18, 19, 0, tzinfo=dt.UTC))  # 00:00 of the 19th
    head = Receipt.objects.get(external_id=line.transaction_id)
    assert (head.closed_at, head.revenue, head.department_id) == (line.sold_at, 700, line.department_id)


def test_the_same_twice_changes_nothing_and_a_correction_changes_its_day_only(till, connection):
    load_sales(connection)
    load_receipts(connection, DAY, NEXT)
    stands = everything()
    again = load_receipts(connection, DAY, NEXT)
    counts = again.counts()
    assert {name: counts[name] for name in ("inserted", "updated", "deleted", "changed_receipts", "products")} == dict.fromkeys(
        ("inserted", "updated", "deleted", "changed_receipts", "products"), 0
    )  # fmt: skip
    assert everything() == stands
    branch = CAFE
    till.edited.delete_bill(branch, DAY, 13)
    dry = load_receipts(connection, DAY, NEXT, dry_run=True)
    assert dry.stored.touched == {(Department.objects.get(pk=branch).pk, DAY)}
    assert everything() == stands
    load_sales(connection)
    corrected = load_receipts(connection, DAY, NEXT)
    assert corrected.stored.touched == dry.stored.touched
    assert corrected.errors("till") == []
    assert Receipt.objects.count() == sum(row[2] for row in sums(till.edited.cells(DAY, NEXT)).values())


def test_what_the_lines_do_not_come_to_is_told_by_branch_and_date(till, connection):
    load_sales(connection)
    one, other = CAFE, BAR
    till.edited.add_bill(one, DAY, 13, revenue=Decimal("0.01"))
    till.edited.delete_day(other, NEXT)
    brought = load_receipts(connection, DAY, NEXT)
    name, vanished = (Department.objects.get(pk=id).name for id in (one, other))
    assert [(difference.department, difference.date, difference.code) for difference in brought.differences] == [
        (name, DAY, "receipts_revenue"),
        (vanished, NEXT, "receipts_revenue"),
    ]
    first, second = brought.differences
    assert (first.lines - first.server, second.lines) == (Decimal("0.01"), 0)
    sentences = told(brought)
    assert len(sentences) == 2
    assert any(name in text and "18.03.2026" in text for text in sentences)
    # The sums are loaded again and say the same: nothing is left to tell.
    ObservedDay.objects.filter(department=other, date=NEXT).delete()
    load_sales(connection, DAY, DAY)
    assert check_receipts(connection, [DAY, NEXT]) == []


def test_lines_in_other_hours_and_a_department_of_two_ids(till, connection):
    load_sales(connection)
    load_receipts(connection, DAY, DAY)
    cafe = Department.objects.get(pk=CAFE)
    SaleLine.objects.filter(department=CAFE, hour=9).update(hour=10)
    [difference] = check_receipts(connection, [DAY])
    assert difference == Difference(cafe.name, DAY, "receipts_hours", Decimal("2100.5"), Decimal("11900.75"))
    brought = Brought(differences=[difference])
    assert [error["warning"] for error in brought.errors("till")] == [True]
    assert "2100.50" in told(brought)[0]
    SaleLine.objects.filter(department=CAFE, hour=10).update(hour=9)
    # What two ids of the server say of one department is added up.
    SourceDepartment.objects.filter(connection=connection, external_id=BAR).update(department=cafe)
    load_receipts(connection, DAY, DAY)
    assert {one.code for one in check_receipts(connection, [DAY])} == {"receipts_revenue"}
    ObservedDay.objects.filter(external_id=BAR).update(department=cafe)
    assert check_receipts(connection, [DAY]) == []


def test_days_that_are_doubted_or_still_open_are_not_compared(till, connection):
    load_sales(connection)
    till.edited.add_bill(CAFE, DAY, 13, revenue=Decimal(50))
    assert len(load_receipts(connection, DAY, DAY).differences) == 1
    for state in ("suspicious", "open_shift"):
        ObservedDay.objects.filter(department=CAFE).update(state=state)
        assert check_receipts(connection, [DAY]) == []


def test_receipts_that_vanish_are_kept_until_the_sums_vanish_too(till, connection):
    load_sales(connection)
    load_receipts(connection, DAY, NEXT)
    stands = everything()
    till.faults.plan("olap", "no_rows")
    brought = load_receipts(connection, DAY, DAY)
    assert everything() == stands
    names = {Department.objects.get(pk=branch).name for branch in (CAFE, BAR)}
    assert set(brought.kept) == names
    assert {error["code"] for error in brought.errors("till")} == {"receipts_vanished"}
    gone = CAFE
    till.edited.delete_day(gone, DAY)
    assert list(load_receipts(connection, DAY, DAY).kept) == [Department.objects.get(pk=gone).name]
    ObservedDay.objects.filter(department=gone, date=DAY).delete()
    assert load_receipts(connection, DAY, DAY).errors("till") == []
    assert not SaleLine.objects.filter(department=gone, date=DAY).exists()
    assert not Receipt.objects.filter(department=gone, date=DAY).exists()
    assert SaleLine.objects.filter(department=gone, date=NEXT).exists()


@pytest.mark.parametrize(("shape", "code"), [("unknown_department", "receipts_of_unknown"), ("null_department", "receipts_of_nobody")])  # fmt: skip
def test_money_of_a_department_nobody_knows_is_told(till, connection, shape, code):
    till.faults.plan("olap", shape)
    brought = load_receipts(connection, DAY, DAY)
    [error] = brought.errors("till")
    total = sum(row[0] for row in sums(till.world.cells(DAY, DAY)).values())
    assert error["code"] == code
    assert Decimal(error["params"]["sum"]) == total - sum(SaleLine.objects.values_list("total", flat=True)) != 0
    assert len(told(brought)) == 1


def test_a_dish_is_known_by_its_id_whatever_it_is_called_later(till, connection):
    load_receipts(connection, DAY, DAY)
    plain = Product.objects.count()
    some = SourceProduct.objects.filter(connection=connection).first()
    till.edited.rename_product(some.external_id, "Renamed")
    questions = till.audit.requests["olap"]
    load_receipts(connection, DAY, DAY)
    assert till.audit.requests["olap"] == questions + 2  # lines and heads; no dish is new, so nobody asks for names
    assert Product.objects.count() == plain
    assert Product.objects.filter(name="Renamed").count() == 0


def test_without_ids_of_orders_the_sums_are_the_same(till, connection):
    till.faults.missing_fields = ["UniqOrderId.Id"]
    load_sales(connection)
    brought = load_receipts(connection, DAY, NEXT)
    assert brought.errors("till") == []
    assert Receipt.objects.count() == sum(row[2] for row in sums(till.world.cells(DAY, NEXT)).values())
    stands = everything()
    load_receipts(connection, DAY, NEXT)
    assert everything() == stands


def test_a_server_that_cannot_number_or_name_costs_numbers_and_names_only(till, connection):
    till.faults.missing_fields = ["OrderNum", "DishName"]
    load_sales(connection)
    brought = load_receipts(connection, DAY, DAY)
    assert [(error["code"], error.get("warning")) for error in brought.errors("till")] == [("receipts_lacking", True)]
    assert "OrderNum" in told(brought)[0] and "DishName" in told(brought)[0]
    assert set(Receipt.objects.values_list("number", "guests")) == {("", None)}
    words = set(SourceProduct.objects.values_list("external_id", flat=True))
    assert set(Product.objects.values_list("name", flat=True)) == words


def test_receipts_go_with_the_department_that_somebody_says_is_theirs(till, connection):
    load_sales(connection)
    load_receipts(connection, DAY, DAY)
    other = Department.objects.create(organisation=connection.organisation, name="Moved")
    SourceDepartment.objects.filter(connection=connection, external_id=CAFE).update(department=other)
    load_receipts(connection, DAY, DAY)
    for model in (SaleLine, Receipt):
        assert set(model.objects.values_list("department", flat=True)) == {other.pk, uuid.UUID(BAR)}
    assert Receipt.objects.count() == sum(row[2] for row in sums(till.world.cells(DAY, DAY)).values())


def test_a_line_without_a_dish_or_an_order_counts(till, connection, monkeypatch):
    from sources.iiko.client import IikoClient

    asked = IikoClient.receipt_lines

    def nameless(client, first, last):
        first_line, *rest = asked(client, first, last)
        yield first_line._replace(product_id=None, order="", closed_at=None, hour=None)
        yield from rest

    monkeypatch.setattr(IikoClient, "receipt_lines", nameless)
    load_sales(connection)
    brought = load_receipts(connection, DAY, DAY)
    assert [(error["code"], error.get("warning")) for error in brought.errors("till")] == [
        ("receipts_unnamed", True),
        ("receipts_hours", True),
    ]
    assert SaleLine.objects.filter(transaction_id="").get().product.name in (
        "Item without a name",
        "Позиция без названия",
    )
    stands = everything()
    load_receipts(connection, DAY, DAY)
    assert everything() == stands


def test_a_long_load_gives_the_server_back_every_week(till, connection):
    told = []
    load_receipts(connection, DAY - dt.timedelta(days=7), NEXT, progress=lambda *now: told.append(now))
    assert till.audit.requests["login"] == till.audit.requests["logout"] == 2
    assert told == [(done, 9, NEXT - dt.timedelta(days=done)) for done in range(9)]


@pytest.mark.parametrize(
    ("fault", "passed"), [("truncated", 0), ("not_json", 1), ("error_500", 2), ("no_right", 3), ("reset_midway", 4)]
)
def test_a_failure_leaves_whole_dates_and_the_next_load_the_rest(till, connection, fault, passed):
    # Of the newest date lines, heads and names are asked for, of the other lines and heads.
    till.faults.plan("olap", fault, skip=passed, count=None)
    with pytest.raises(SourceError):
        load_receipts(connection, DAY, NEXT)
    done = {NEXT} if passed >= 3 else set()
    assert set(SaleLine.objects.values_list("date", flat=True)) == done
    assert set(Receipt.objects.values_list("date", flat=True)) == done
    till.faults.clear()
    assert load_receipts(connection, DAY, NEXT).errors("till") == []
    truth = sums(till.world.cells(DAY, NEXT)).values()
    assert sum(SaleLine.objects.values_list("total", flat=True)) == sum(row[0] for row in truth)
    assert Receipt.objects.count() == sum(row[2] for row in truth)


def test_a_worker_that_lost_its_run_stores_nothing(till, connection):
    def lost():
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError):
        load_receipts(connection, DAY, DAY, guard=lost)
    assert not SaleLine.objects.exists() and not Receipt.objects.exists()


def test_dates_whose_lines_were_cleaned_up_are_refused(till, connection):
    load_receipts(connection, NEXT, NEXT)
    ItemSource.objects.update(kept_from=NEXT)
    with pytest.raises(RunFailed, match="receipts_cleaned"):
        load_receipts(connection, DAY, NEXT)
