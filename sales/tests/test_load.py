"""Loading from a till over real HTTP: the source's figures, whole days, and never a false success."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from accounts.models import Organisation
from departments.models import Connection, Department, SourceSession
from departments.sync import start_sync as start_department_sync
from runs.choices import State
from runs.ledger import run_now
from runs.sentences import of_errors
from sales.choices import DayState
from sales.models import AutoSyncLog, DepartmentCutoff, ObservedDay, SalesByHour, SalesSummary, SourceDay
from sales.sync import BadRange, start_sync
from sources.simulator import Faults, IikoServer
from sources.simulator.worlds.base import Cell, Node
from sources.simulator.worlds.static import StaticWorld

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

DAY = dt.date(2026, 3, 18)
CAFE, BAR, NEW = (str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("cafe", "bar", "new"))


def cell(department: str | None, date: dt.date, hour: int | None, revenue: str, gross: str | None = None) -> Cell:
    return Cell(department, date, hour, Decimal(revenue), Decimal(gross or revenue), 3, 5)


def week_of_cells() -> list[Cell]:
    days = [DAY - dt.timedelta(days=back) for back in range(35)]
    return [
        row
        for date in days
        for row in (
            cell(CAFE, date, 9, "1200.50", "1300"),
            cell(CAFE, date, 13, "4800.25"),
            cell(BAR, date, 22, "9000"),
            cell(BAR, date, 0, "2400"),
        )
    ]


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    server = IikoServer(StaticWorld(week_of_cells()), login="api", password="secret")
    with server:
        yield server


@pytest.fixture
def connection(till):
    return Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="api", password="secret"
    )


def load(connection, first=DAY, last=DAY, **options):
    run, _created = start_sync(
        organisation=connection.organisation, from_date=first, to_date=last, trigger="command", **options
    )
    return run_now(run)


def published():
    return sorted(SalesSummary.objects.values_list("department__name", "date", "total_sales", "state"))


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (SalesSummary, SalesByHour, ObservedDay)]


def test_every_sum_is_the_sources_and_after_midnight_belongs_to_the_evening(till, connection):
    run = load(connection, DAY - dt.timedelta(days=6))
    assert run.state == State.DONE
    assert run.counts["summary_records"] == 14
    assert SalesSummary.objects.get(department=BAR, date=DAY).total_sales == 11400
    assert SalesSummary.objects.get(department=CAFE, date=DAY).total_sales == Decimal("6000.75")
    assert SalesSummary.objects.get(department=CAFE, date=DAY).gross == Decimal("6100.25")
    assert set(SalesByHour.objects.filter(department=BAR, date=DAY).values_list("hour", "sales_amount")) == {
        (22, Decimal(9000)),
        (0, Decimal(2400)),
    }
    assert set(DepartmentCutoff.objects.values_list("date", flat=True)) == {DAY}


def test_loaded_twice_writes_nothing(till, connection):
    load(connection, DAY - dt.timedelta(days=9))
    before = everything()
    run = load(connection, DAY - dt.timedelta(days=9))
    assert run.counts["changed_rows"] == 0
    assert everything() == before


def test_the_questions_keep_the_rules_of_the_server_and_the_token_goes_back(till, connection):
    load(connection, DAY - dt.timedelta(days=20))
    assert till.audit.broken == []
    assert till.tokens.live(3600) == []
    assert SourceSession.objects.get().token is None


def test_departments_are_asked_for_when_sales_name_an_unknown_one(till, connection):
    load(connection)
    assert Department.objects.filter(pk=CAFE).exists()
    till.world.rows.append(cell(NEW, DAY, 10, "77"))
    run = load(connection)
    assert run.state == State.DONE
    assert SalesSummary.objects.get(department=NEW).total_sales == 77


def test_sales_of_a_department_nobody_knows_are_kept_and_named(till, connection):
    tree = [Node(CAFE, None, "Cafe", "DEPARTMENT")]
    till.world = StaticWorld([cell(CAFE, DAY, 9, "10"), cell(NEW, DAY, 9, "90"), cell(None, DAY, 9, "5")], tree)
    run = load(connection)
    assert published() == [("Cafe", DAY, 10, "complete")]
    assert set(ObservedDay.objects.filter(department=None).values_list("external_id", "revenue")) == {
        (NEW, 90),
        ("", 5),
    }
    sentences = " ".join(of_errors(run.errors))
    assert NEW in sentences
    assert "90,00" in sentences


def test_an_empty_answer_where_sales_are_usual_is_suspicious_and_changes_nothing(till, connection):
    load(connection, DAY - dt.timedelta(days=34))
    before = list(SalesByHour.objects.order_by("pk").values())
    till.world.rows = [row for row in till.world.rows if row.date != DAY]
    run = load(connection)
    assert run.state == State.FAILED
    assert f"{DAY:%d.%m.%Y}" in of_errors(run.errors)[0]
    assert list(SalesByHour.objects.order_by("pk").values()) == before
    assert {row[3] for row in published() if row[1] == DAY} == {DayState.SUSPICIOUS}
    assert SourceDay.objects.get(date=DAY).state == DayState.SUSPICIOUS


def test_a_department_that_vanished_from_an_answer_keeps_its_figures(till, connection):
    load(connection)
    till.world.rows = [row for row in till.world.rows if row.department_id != BAR]
    run = load(connection)
    assert run.state == State.PARTIAL
    assert SalesSummary.objects.get(department=BAR).total_sales == 11400
    assert SalesSummary.objects.get(department=BAR).state == DayState.SUSPICIOUS
    assert SalesSummary.objects.get(department=CAFE).state == DayState.COMPLETE


def test_a_late_correction_arrives_and_the_day_is_restated(till, connection):
    load(connection, DAY - dt.timedelta(days=1))
    till.world.rows.append(cell(CAFE, DAY, 10, "990"))
    load(connection, DAY - dt.timedelta(days=1))
    day = SalesSummary.objects.get(department=CAFE, date=DAY)
    assert (day.total_sales, day.state) == (Decimal("6990.75"), DayState.RESTATED)
    assert SalesSummary.objects.get(department=CAFE, date=DAY - dt.timedelta(days=1)).state == DayState.COMPLETE


def test_a_load_of_one_department_replaces_only_it_and_completes_nothing(till, connection):
    run_now(start_department_sync(organisation=connection.organisation, trigger="command")[0])
    run = load(connection, department=Department.objects.get(pk=CAFE))
    assert run.state == State.DONE
    assert set(SalesSummary.objects.values_list("department", flat=True)) == {uuid.UUID(CAFE)}
    assert not SourceDay.objects.exclude(loaded_at=None).exists()
    assert not DepartmentCutoff.objects.exists()


def test_a_dry_run_writes_nothing_and_says_what_would_change(till, connection):
    run = load(connection, dry_run=True)
    assert run.counts["changed_rows"] > 0
    assert not SalesSummary.objects.exists()
    assert not ObservedDay.objects.exists()


@pytest.mark.parametrize(
    ("password", "faults", "code"),
    [
        ("wrong", Faults(), "wrong_password"),
        ("secret", Faults(slots=0), "no_licence"),
        ("secret", Faults().plan("olap", "html_200", count=None), "html"),
        ("secret", Faults().plan("olap", "no_right_409", count=None), "no_right"),
    ],
    ids=["wrong password", "no licence", "html", "409"],
)
def test_a_refusal_is_a_failed_run_with_a_sentence_and_nothing_changed(till, connection, password, faults, code):
    load(connection)
    before = everything()
    till.faults = faults
    connection.refresh_from_db()
    connection.password, connection.facts = password, {}
    connection.save()
    run = load(connection)
    assert run.state == State.FAILED
    assert run.errors[0]["code"] == code
    assert "till" in of_errors(run.errors)[0]
    assert everything() == before
    assert till.tokens.live(3600) == []


def test_one_dead_server_does_not_hide_the_other_and_its_branches_are_named(till, connection):
    load(connection)
    other = IikoServer(StaticWorld([cell(NEW, DAY, 9, "500")]), login="api", password="secret")
    with other:
        Connection.objects.create(
            organisation=connection.organisation, name="other", url=other.url, login="api", password="secret"
        )
        load(connection)
    run = load(connection)
    assert run.state == State.PARTIAL
    assert any("Branch 1" in sentence for sentence in of_errors(run.errors))


def test_a_failed_load_of_one_department_names_no_other(till, connection):
    load(connection)
    till.faults.plan("olap", "html_200", count=None)
    run = load(connection, department=Department.objects.get(pk=CAFE))
    [missing] = [error for error in run.errors if error["code"] == "missing_branches"]
    assert missing["params"]["names"] == Department.objects.get(pk=CAFE).name


def test_a_scheduled_load_leaves_a_line_in_the_log_of_automatic_loads(till, connection):
    load(connection, log_as="daily")
    line = AutoSyncLog.objects.get()
    assert (line.status, line.summary_records, line.sync_date) == ("success", 2, DAY)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (DAY, DAY - dt.timedelta(days=1), "range_reversed"),
        (DAY, dt.date(2999, 1, 1), "range_in_future"),
        (dt.date(1926, 1, 1), DAY, "range_too_long"),
    ],
)
def test_a_range_nobody_can_mean_is_refused(connection, first, last, code):
    with pytest.raises(BadRange) as caught:
        start_sync(organisation=connection.organisation, from_date=first, to_date=last, trigger="command")
    assert caught.value.code == code
