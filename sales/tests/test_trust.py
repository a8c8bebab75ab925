"""What a source says is believed only as far as it deserves, and a person has the last word."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Organisation, User
from departments.models import Closure, Connection, Department, Holiday
from runs.choices import State
from runs.ledger import open_run, run_now
from runs.sentences import of_errors
from sales.choices import DayState
from sales.models import ObservedDay, Restatement, SalesSummary, SourceDay
from sales.sync import start_sync
from sales.verdicts import NothingToDecide, believe, believe_all, keep_all
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell
from sources.simulator.worlds.static import PrerenderedWorld, StaticWorld, row_level_body

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

# Recent, so that cash shifts are asked for; never today, whose shifts are open anyway.
DAY = timezone.localdate() - dt.timedelta(days=3)
CAFE, BAR = (str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in ("cafe", "bar"))


def cell(department: str, date: dt.date, hour: int, revenue: str) -> Cell:
    return Cell(department, date, hour, Decimal(revenue), Decimal(revenue), 3, 5)


@pytest.fixture
def till(settings):
    settings.SOURCE_PATIENCE = 0
    days = [DAY - dt.timedelta(days=back) for back in range(63)]
    rows = [cell(who, date, hour, "1000") for date in days for who in (CAFE, BAR) for hour in (9, 13)]
    with IikoServer(StaticWorld(rows), login="api", password="secret") as server:
        yield server


@pytest.fixture
def connection(till):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="api", password="secret"
    )
    assert load(connection, DAY - dt.timedelta(days=62), DAY - dt.timedelta(days=1)).state == State.DONE
    return connection


def load(connection, first=DAY, last=DAY, **options):
    run, _created = start_sync(
        organisation=connection.organisation, from_date=first, to_date=last, trigger="command", **options
    )
    return run_now(run)


def night(connection):
    """As a night loads."""
    run, _created = open_run(
        "sync_sales", organisation=connection.organisation, from_date=DAY, to_date=DAY, params={"deep": True}
    )
    return run_now(run)


def sell(till, department, revenue, date=DAY):
    """The till knows of one bill of the department on the date, and of nothing else there."""
    till.world.rows = [row for row in till.world.rows if (row.department_id, row.date) != (department, date)]
    if revenue is not None:
        till.world.rows.append(cell(department, date, 10, revenue))


def day(department=CAFE, date=DAY):
    return SalesSummary.objects.get(department=department, date=date)


def codes(run):
    return [error["code"] for error in run.errors]


@pytest.mark.parametrize(("revenue", "code"), [("15", "collapsed_department"), ("25000", "jump_department")])
def test_a_day_far_from_its_own_history_is_shown_as_suspicious(till, connection, revenue, code):
    sell(till, CAFE, revenue)
    run = load(connection)
    assert run.state == State.PARTIAL
    assert codes(run) == [code]
    assert f"{DAY:%d.%m.%Y}" in of_errors(run.errors)[0]
    assert (day().state, day().total_sales) == (DayState.SUSPICIOUS, Decimal(revenue))
    assert day(BAR).state == DayState.COMPLETE
    assert ObservedDay.objects.get(external_id=CAFE, date=DAY).doubt["usual"] == "2000.0000"


def test_what_was_believed_is_kept_when_the_source_changes_it_beyond_belief(till, connection):
    load(connection)
    sell(till, CAFE, "15")
    run = load(connection)
    assert (run.state, codes(run)) == (State.PARTIAL, ["collapsed_department"])
    assert (day().state, day().total_sales) == (DayState.SUSPICIOUS, 2000)
    assert ObservedDay.objects.get(external_id=CAFE, date=DAY).doubt["revenue"] == "15.0000"
    assert not Restatement.objects.exists()


def test_a_suspicious_day_is_told_again_until_somebody_decides(till, connection):
    sell(till, CAFE, "15")
    first, second = load(connection), load(connection)
    assert second.state == State.PARTIAL
    assert codes(second) == ["undecided"]
    assert first.errors[0].get("transient")
    assert not second.errors[0].get("transient")


def test_a_source_that_comes_to_its_senses_is_believed_again(till, connection):
    load(connection)
    sell(till, CAFE, "15")
    load(connection)
    sell(till, CAFE, "2100")
    assert load(connection).state == State.DONE
    assert (day().state, day().total_sales) == (DayState.COMPLETE, 2100)


def test_a_person_may_believe_the_source(till, connection):
    load(connection)
    sell(till, CAFE, "15")
    load(connection)
    anna = User.objects.create_user("anna")
    run_now(believe(day(), by=anna))
    assert (day().state, day().total_sales) == (DayState.COMPLETE, 15)
    assert load(connection).state == State.DONE
    with pytest.raises(NothingToDecide):
        believe(day(), by=anna)


def test_a_person_may_keep_what_was_known_until_the_source_says_a_third_thing(till, connection):
    load(connection)
    sell(till, CAFE, "15")
    load(connection)
    anna = User.objects.create_user("anna")
    [kept] = keep_all([day()], by=anna)
    assert (kept.said, kept.usual) == (15, 2000)
    assert (day().state, day().total_sales) == (DayState.COMPLETE, 2000)
    assert not Restatement.objects.exists()
    for force in (False, True):  # as loads do, and as a repair does
        assert load(connection, force=force).state == State.DONE
        assert (day().state, day().total_sales) == (DayState.COMPLETE, 2000)
    sell(till, CAFE, "16")
    assert codes(load(connection)) == ["collapsed_department"]
    assert (day().state, day().total_sales) == (DayState.SUSPICIOUS, 2000)
    sell(till, CAFE, "15")  # a word that was given up is not remembered
    assert load(connection).state == State.PARTIAL
    with pytest.raises(NothingToDecide):
        keep_all([day(BAR)], by=anna)


def test_a_day_that_vanished_may_be_kept_and_the_empty_date_is_complete_then(till, connection):
    load(connection)
    for branch in (CAFE, BAR):
        sell(till, branch, None)
    assert load(connection).state == State.FAILED
    keep_all([day(CAFE), day(BAR)], by=User.objects.create_user("anna"))
    assert load(connection).state == State.DONE
    assert SourceDay.objects.get(connection=connection, date=DAY).state == DayState.COMPLETE
    assert {day(CAFE).total_sales, day(BAR).total_sales} == {2000}


def test_what_nobody_knew_before_cannot_be_kept(till, connection):
    sell(till, CAFE, "15")
    sell(till, BAR, None)
    load(connection)
    with pytest.raises(NothingToDecide):
        keep_all([day(CAFE), day(BAR)], by=User.objects.create_user("anna"))


def test_many_days_are_believed_with_one_load_for_a_week(till, connection):
    week = [DAY - dt.timedelta(days=back) for back in range(7)]
    for date in week:
        sell(till, CAFE, "15", date)
    load(connection, week[-1], week[0])
    days = list(SalesSummary.objects.filter(state=DayState.SUSPICIOUS))
    assert len(days) == 7
    decided, [run] = believe_all(days, by=User.objects.create_superuser("anna"))
    assert (len(decided), run.from_date, run.to_date) == (7, week[-1], week[0])
    assert run_now(run).state == State.DONE
    assert not SalesSummary.objects.filter(state=DayState.SUSPICIOUS).exists()


def test_a_branch_that_is_silent_on_a_day_on_which_it_sells_is_unknown_not_zero(till, connection):
    sell(till, CAFE, None)
    run = load(connection)
    assert (run.state, codes(run)) == (State.PARTIAL, ["absent_department"])
    assert (day().state, day().total_sales) == (DayState.SUSPICIOUS, None)
    run_now(believe(day(), by=User.objects.create_user("anna")))
    assert not SalesSummary.objects.filter(department=CAFE, date=DAY).exists()


@pytest.mark.parametrize("why", ["feast", "closure"])
def test_nothing_is_suspicious_on_a_feast_or_in_a_closure(till, connection, why):
    organisation = connection.organisation
    if why == "feast":
        Holiday.objects.create(organisation=organisation, date=DAY, key="feast", name="Feast")
    else:
        cafe = Department.objects.get(pk=CAFE)
        Closure.objects.create(organisation=organisation, department=cafe, first=DAY, last=DAY)
    sell(till, CAFE, None)
    assert load(connection).state == State.DONE
    sell(till, CAFE, "15")
    assert load(connection).state == State.DONE
    assert day().state == DayState.COMPLETE


def test_a_backfill_has_no_history_to_judge_by(till):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="api", password="secret"
    )
    sell(till, CAFE, "15", DAY - dt.timedelta(days=30))
    assert load(connection, DAY - dt.timedelta(days=62), DAY).state == State.DONE


@pytest.mark.parametrize("closed", [[CAFE], [CAFE, BAR]])
def test_days_that_were_closed_in_a_backfill_stay_believed_when_it_is_loaded_again(till, closed):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="api", password="secret"
    )
    for branch in closed:
        sell(till, branch, None, DAY - dt.timedelta(days=3))
    for _again in range(2):
        assert load(connection, DAY - dt.timedelta(days=62), DAY).state == State.DONE
    sell(till, CAFE, None)
    assert load(connection, DAY - dt.timedelta(days=62), DAY).state == State.PARTIAL
    assert load(connection, DAY - dt.timedelta(days=62), DAY).state == State.PARTIAL


def test_a_branch_that_was_silent_on_a_partial_day_of_a_backfill_stays_believed(till):
    connection = Connection.objects.create(
        organisation=Organisation.objects.main(), name="till", url=till.url, login="api", password="secret"
    )
    sell(till, CAFE, None, DAY - dt.timedelta(days=3))
    load(connection, DAY - dt.timedelta(days=62), DAY)
    # Receipts without an hour came, and the source has put them right since.
    SourceDay.objects.filter(date=DAY - dt.timedelta(days=3)).update(state=DayState.PARTIAL, digest="")
    assert load(connection, DAY - dt.timedelta(days=62), DAY).state == State.DONE


def test_a_day_whose_cash_shift_is_open_is_not_complete_until_it_is_closed(till, connection):
    till.faults.open_shifts = True
    assert load(connection).state == State.DONE
    assert {day(CAFE).state, day(BAR).state} == {DayState.OPEN_SHIFT}
    assert not SourceDay.objects.get(date=DAY).is_settled
    till.faults.open_shifts = False
    sell(till, CAFE, "2500")
    load(connection)
    assert (day().state, day().total_sales) == (DayState.COMPLETE, 2500)
    assert not Restatement.objects.exists()


def test_a_night_reads_old_dates_again_whose_shift_is_still_open(till, connection):
    old = DAY - dt.timedelta(days=40)
    till.world.rows = [row for row in till.world.rows if row.department_id == BAR or row.date <= old]
    sell(till, CAFE, "2222", old)
    till.faults.open_shifts = True  # of each department the newest: the cafe's is the old one
    night(connection)
    assert (day(CAFE, old).state, day(CAFE, old).total_sales) == (DayState.OPEN_SHIFT, 2222)


def test_a_night_catches_up_dates_that_earlier_nights_missed(till, connection):
    missed = [DAY - dt.timedelta(days=20), DAY - dt.timedelta(days=21), DAY - dt.timedelta(days=40)]
    SourceDay.objects.filter(date__in=missed[:2]).update(state=DayState.MISSING, digest="")
    SourceDay.objects.filter(date=missed[2]).delete()
    SalesSummary.objects.filter(date__in=missed).delete()
    assert night(connection).state == State.DONE
    assert SalesSummary.objects.filter(date__in=missed, state=DayState.COMPLETE).count() == 6


def test_a_shift_that_was_closed_while_nights_failed_is_not_open_for_ever(till, connection):
    old = DAY - dt.timedelta(days=40)
    till.world.rows = [row for row in till.world.rows if row.department_id == BAR or row.date <= old]
    till.faults.open_shifts = True
    night(connection)
    assert day(CAFE, old).state == DayState.OPEN_SHIFT
    till.faults.open_shifts = False  # closed long ago, as far as the list of shifts tells
    sell(till, CAFE, "2222", old)
    night(connection)
    assert (day(CAFE, old).state, day(CAFE, old).total_sales) == (DayState.COMPLETE, 2222)


def test_dates_that_left_the_window_while_nights_failed_are_read_for_the_last_time(till, connection):
    old = DAY - dt.timedelta(days=20)
    SourceDay.objects.filter(date=old).update(is_settled=False)
    sell(till, CAFE, "2222", old)
    night(connection)
    assert day(CAFE, old).total_sales == 2222
    assert SourceDay.objects.get(date=old).is_settled
    sell(till, CAFE, "2223", old)
    night(connection)
    assert day(CAFE, old).total_sales == 2222


def test_a_server_that_shows_no_shifts_is_loaded_all_the_same(till, connection):
    till.faults.plan("shifts", "no_right", count=None)
    assert load(connection).state == State.DONE
    assert day().state == DayState.COMPLETE


@pytest.mark.parametrize(
    ("fault", "why"),
    [("not_json", "not_json"), ("unknown_encoding", "bad_data"), ("html_200", "html"), ("empty", "empty_body")],
)
def test_a_list_of_shifts_that_makes_no_sense_is_told_and_the_sales_are_loaded(till, connection, fault, why):
    till.faults.plan("shifts", fault, count=None)
    run = load(connection)
    assert run.state == State.DONE
    [error] = run.errors
    assert (error["code"], error["warning"], error["params"]["why"]["code"]) == ("shifts_unreadable", True, why)
    [told] = of_errors(run.errors)
    assert told.startswith("till: ")
    assert of_errors([error["params"]["why"]])[0] in told


def test_a_load_whose_list_of_shifts_does_not_come_in_time_is_asked_for_again(till, connection):
    till.faults.plan("shifts", "error_500", count=None)
    run = load(connection)
    assert run.state == State.FAILED
    assert (codes(run)[0], run.errors[0]["transient"]) == ("server_error", True)


def test_days_settle_when_the_window_has_passed_over_them(till, connection, settings):
    assert SourceDay.objects.get(date=DAY - dt.timedelta(days=30)).is_settled
    assert not SourceDay.objects.get(date=DAY - dt.timedelta(days=1)).is_settled


def test_an_answer_that_contradicts_its_control_total_changes_nothing(till, connection):
    load(connection, DAY - dt.timedelta(days=7), DAY)
    before = list(SalesSummary.objects.order_by("pk").values_list("total_sales", flat=True))
    body = row_level_body(DAY - dt.timedelta(days=6), days=7, departments=2, rows=200)
    ids = sorted({str(uuid.uuid5(uuid.NAMESPACE_OID, f"row-level {n}")) for n in range(2)})
    for new, known in zip(ids, (CAFE, BAR), strict=True):
        body = body.replace(new.encode(), known.encode())
    lie = body.replace(b'"DishSumInt":150,', b'"DishSumInt":151,', 1)
    assert lie != body
    world = PrerenderedWorld(body, till.world.departments())
    world.body = lie
    till.world = world
    run = load(connection, DAY - dt.timedelta(days=6), DAY)
    assert run.state == State.PARTIAL
    assert "control_department" in codes(run)
    doubted = ObservedDay.objects.get(doubt__code="control")
    assert doubted.state == DayState.SUSPICIOUS
    assert SalesSummary.objects.get(department=doubted.department, date=doubted.date).total_sales in before


def test_cash_shifts_that_were_paid_another_sum_are_named_and_stop_nothing(till, connection, monkeypatch):
    shift_list = till._shift_list
    monkeypatch.setattr(
        till, "_shift_list", lambda *asked: [shift | {"payOrders": 1.5} for shift in shift_list(*asked)]
    )
    run = load(connection)
    assert run.state == State.DONE
    assert codes(run) == ["shift_total", "shift_total"]
    assert day().state == DayState.COMPLETE


def close(connection, department, date=DAY):
    Closure.objects.create(
        organisation=connection.organisation, department_id=department, first=date, last=date, reason="repairs"
    )


def test_an_empty_answer_is_right_when_every_branch_is_known_to_be_closed(till, connection):
    for branch in (CAFE, BAR):
        sell(till, branch, None)
        close(connection, branch)
    assert load(connection).state == State.DONE
    assert SourceDay.objects.get(connection=connection, date=DAY).state == DayState.COMPLETE


def test_one_closed_branch_does_not_explain_the_silence_of_the_other(till, connection):
    for branch in (CAFE, BAR):
        sell(till, branch, None)
    close(connection, CAFE)
    assert load(connection).state == State.FAILED
    assert SourceDay.objects.get(connection=connection, date=DAY).state == DayState.SUSPICIOUS


def test_an_empty_day_that_was_believed_branch_by_branch_is_complete(till, connection):
    for branch in (CAFE, BAR):
        sell(till, branch, None)
    load(connection)
    for branch in (CAFE, BAR):
        run_now(believe(day(branch), by=User.objects.get_or_create(username="anna")[0]))
    load(connection)
    assert SourceDay.objects.get(connection=connection, date=DAY).state == DayState.COMPLETE


def test_an_empty_day_that_no_branch_is_missed_on_for_itself_can_be_decided_too(till, connection):
    for branch, weeks in ((CAFE, (1, 3)), (BAR, (2,))):  # each was closed on some of the last same weekdays
        ObservedDay.objects.filter(
            external_id=branch, date__in=[DAY - dt.timedelta(weeks=week) for week in weeks]
        ).delete()
    for branch in (CAFE, BAR):
        sell(till, branch, None)
    assert codes(load(connection)) == ["empty_day"]
    for asked in SalesSummary.objects.filter(date=DAY, state=DayState.SUSPICIOUS):
        run_now(believe(asked, by=User.objects.get_or_create(username="anna")[0]))
    assert load(connection).state == State.DONE
    assert SourceDay.objects.get(connection=connection, date=DAY).state == DayState.COMPLETE


def test_an_empty_day_of_the_past_is_asked_for_again_once_and_then_waits_for_a_person(till, connection):
    for branch in (CAFE, BAR):
        sell(till, branch, None)
    first, second = load(connection), load(connection)
    assert (codes(first), codes(second)) == (["empty_day"], ["empty_day"])
    assert first.errors[0].get("transient") and not second.errors[0].get("transient")
    assert second.state == State.FAILED


def test_a_source_that_is_a_day_late_is_asked_for_yesterday_again_and_again(till, connection):
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    for branch in (CAFE, BAR):
        sell(till, branch, None, yesterday)
    for _time in range(3):
        assert load(connection, yesterday, yesterday).errors[0]["transient"]


@pytest.mark.parametrize("gone", [[CAFE], [CAFE, BAR]])
def test_who_believed_a_figure_did_not_believe_that_it_vanishes(till, connection, gone):
    anna = User.objects.create_user("anna")
    sell(till, CAFE, "25000")
    load(connection)
    run_now(believe(day(), by=anna))
    assert (day().state, day().total_sales) == (DayState.COMPLETE, 25000)
    for branch in gone:
        sell(till, branch, None)
    for force in (False, True):
        assert load(connection, force=force).state in (State.PARTIAL, State.FAILED)
        assert (day().state, day().total_sales) == (DayState.SUSPICIOUS, 25000)
    for branch in gone:
        run_now(believe(day(branch), by=anna))
    assert not SalesSummary.objects.filter(department=CAFE, date=DAY).exists()
