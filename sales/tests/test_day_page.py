"""The page of a department's day: the figures of the database, why they are (not) believed, and what changed when."""

import datetime as dt
from decimal import Decimal

import pytest

from accounts.formats import amount, exact
from departments.models import Connection, SourceDepartment
from runs.choices import State
from runs.models import Run
from sales.choices import DayState
from sales.models import ObservedDay, Restatement, SalesByHour, SalesSummary, SourceDay, Verdict
from tests.reading import content, reader, rows, words
from tests.world import HOURS, World, restate

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LIST = "/admin/sales/salessummary/"


def page_of(department, date) -> str:
    return f"{LIST}day/{department.pk}/{date}/"


@pytest.fixture
def till(world: World) -> Connection:
    """The source of the bar, which does not believe its newest day."""
    till = Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.test")
    SourceDepartment.objects.create(
        organisation=world.organisation, connection=till, external_id="22", department=world.bar
    )
    SalesSummary.objects.filter(department__in=[world.cafe, world.bar]).update(connection=till)
    return till


def doubt(
    world: World, till: Connection, code: str, revenue: str | None, usual: str | None, **kept: object
) -> ObservedDay:
    return ObservedDay.objects.create(
        organisation=world.organisation,
        connection=till,
        external_id="22",
        department=world.bar,
        date=world.days[-1],
        state=DayState.SUSPICIOUS,
        doubt={"code": code, "revenue": revenue, "usual": usual},
        observed_at=world.issue.made_at,
        **({"revenue": Decimal("120001.5066")} | kept),
    )


def test_the_list_leads_to_the_day_and_so_does_the_rows_own_address(world: World):
    day = SalesSummary.objects.get(department=world.cafe, date=world.days[0])
    staff = reader(world, "staff")
    assert f'href="{page_of(world.cafe, day.date)}"' in staff.get(LIST).content.decode()
    assert staff.get(f"{LIST}{day.pk}/change/").url == page_of(world.cafe, day.date)
    hour = SalesByHour.objects.filter(department=world.cafe, date=day.date).first()
    assert staff.get(f"/admin/sales/salesbyhour/{hour.pk}/change/").url == page_of(world.cafe, day.date)


def test_figures_and_hours_are_those_of_the_database(world: World, till):
    day = SalesSummary.objects.get(department=world.cafe, date=world.days[0])
    text = content(reader(world, "staff").get(page_of(world.cafe, day.date)))
    assert f"Cafe on Abay {day.date:%a, %d.%m.%Y} complete" in text
    assert f"Total sales, KZT {words(exact(day.total_sales))} Before discounts, KZT {words(exact(day.gross))}" in text
    assert f"Receipts {day.orders} Guests {day.guests}" in text
    for hour, sold in HOURS.items():
        assert f"{hour:02}:00 {words(exact(sold))} 20" in text
    hours = text.partition("By the hour")[2]  # elsewhere stands the time of the last change
    assert "09:00 — —" in hours and "07:00" not in hours and "21:00" not in hours
    assert "Source till 1" in text and "₸" not in text


@pytest.mark.parametrize(
    ("code", "revenue", "usual", "sentence"),
    [
        ("collapsed", "1200.5000", "120000.0000", "says 1 200.50, far less than the usual 120 000.00"),
        ("jump", "990000.0000", "120000.0000", "says 990 000.00, far more than the usual 120 000.00"),
        ("vanished", None, "120000.0000", "no longer knows of any sale"),
        ("absent", None, "120000.0000", "sent nothing for this day, although this weekday usually brings 120 000.00"),
        ("control", "100.0000", "101.0000", "two different sums for this day: 100.00 by the hour and 101.00 in total"),
    ],
)
def test_a_suspicious_day_says_why_in_words(world: World, till, code, revenue, usual, sentence):
    doubt(world, till, code, revenue, usual)
    text = content(reader(world, "manager").get(page_of(world.bar, world.days[-1])))
    assert sentence in text
    assert "known before are kept until somebody decides" in text


def test_and_what_its_figures_are_meanwhile(world: World, till):
    observed = doubt(world, till, "jump", "120001.5066", "100.0000")
    page = page_of(world.bar, world.days[-1])
    assert "the doubted figures are shown" in content(reader(world, "manager").get(page))
    ObservedDay.objects.filter(pk=observed.pk).update(
        revenue=None, doubt={"code": "absent", "revenue": None, "usual": None}
    )
    assert "no figures until somebody decides" in content(reader(world, "manager").get(page))


def test_a_partial_day_says_what_the_load_said_to_who_may_read_it(world: World, till):
    error = {"code": "no_hour", "params": {"source": "till 1", "sum": "5.00", "dates": "01.02.2026"}}
    run = Run.objects.create(
        organisation=world.organisation, kind="load_connection", state=State.PARTIAL, errors=[error]
    )
    SalesSummary.objects.filter(department=world.cafe, date=world.days[0]).update(state=DayState.PARTIAL)
    SourceDay.objects.create(organisation=world.organisation, connection=till, date=world.days[0], run=run)
    page = page_of(world.cafe, world.days[0])
    assert "sent sales of 5.00 without an hour" in content(reader(world, "analyst").get(page))
    assert f"/admin/runs/run/{run.pk}/change/" in reader(world, "analyst").get(page).content.decode()
    # What a load of the whole chain says may name any branch.
    assert "without an hour" not in content(reader(world, "manager").get(page))
    assert f"/admin/runs/run/{run.pk}/change/" not in reader(world, "manager").get(page).content.decode()


def test_a_day_nobody_knows_anything_of_says_so(world: World):
    page = reader(world, "staff").get(page_of(world.cafe, world.days[0] - dt.timedelta(days=100)))
    assert "missing" in content(page) and "Nothing is known of this day" in content(page)
    tomorrow = reader(world, "staff").get(page_of(world.cafe, world.today + dt.timedelta(days=1)))
    assert "not over yet" in content(tomorrow) and "missing" not in content(tomorrow)


def test_a_day_that_was_believed_away_says_so(world: World, till):
    Verdict.objects.create(
        organisation=world.organisation, connection=till, external_id="22", date=world.days[-1], by=world.manager
    )
    SalesSummary.objects.filter(department=world.bar, date=world.days[-1]).delete()
    text = content(reader(world, "manager").get(page_of(world.bar, world.days[-1])))
    assert f"nothing was sold. manager decided on {world.today:%d.%m.%Y} that the source is right." in text
    assert "Nothing is known" not in text


class TestLog:
    def test_every_change_with_who_when_and_what_newest_first(self, world: World):
        night = Run.objects.create(
            organisation=world.organisation, kind="load_connection", unit="1", trigger="schedule"
        )
        hand = Run.objects.create(organisation=world.organisation, kind="load_connection", started_by=world.manager)
        restate(world.cafe, world.days[0], by=Decimal("1000.5"), run=night)
        restate(world.cafe, world.days[0], by=Decimal("-0.01"), hour=8, run=hand)
        page = reader(world, "staff").get(page_of(world.cafe, world.days[0]))
        assert rows(page) == [
            "Day receipts 61 → 62 61 001.25 61 001.24 −0.01",
            "08:00 receipts 20 → 21 12 000.25 12 000.24 −0.01",
            "Day receipts 60 → 61 60 000.75 61 001.25 +1 000.50",
            "13:00 receipts 20 → 21 40 000.50 41 001.00 +1 000.50",
        ]
        text = content(page)
        assert text.index("manager") < text.index("schedule")
        html = page.content.decode()
        assert html.count("sf-figure sf-down") == 2 and html.count("sf-figure sf-up") == 2

    def test_hours_that_moved_within_the_same_sum_are_told_too(self, world: World):
        restate(world.cafe, world.days[0], by=Decimal(5))
        Restatement.objects.filter(hour=None).delete()
        assert "The day's sum stayed; hours moved." in content(
            reader(world, "staff").get(page_of(world.cafe, world.days[0]))
        )

    def test_what_was_not_there_is_a_dash_and_counts_as_nothing(self, world: World):
        restate(world.cafe, world.days[0], by=Decimal(5))
        Restatement.objects.update(new_total=None, new_orders=60, old_orders=60)
        found = rows(reader(world, "staff").get(page_of(world.cafe, world.days[0])))
        assert found[0] == "Day 60 000.75 — −60 000.75"

    def test_a_long_log_has_pages(self, world: World):
        for number in range(11):
            run = Run.objects.create(organisation=world.organisation, kind="load_connection", unit=str(number))
            restate(world.cafe, world.days[0], by=Decimal(1), run=run)
        staff, path = reader(world, "staff"), page_of(world.cafe, world.days[0])
        assert len(rows(staff.get(path))) == 20 and "1 / 2" in content(staff.get(path))
        (day, _hour) = rows(staff.get(path, {"page": 2}))
        assert "60 000.75 60 001.75 +1.00" in day

    def test_a_long_log_costs_no_more_queries(self, world: World, django_assert_max_num_queries):
        for number in range(9):
            run = Run.objects.create(
                organisation=world.organisation, kind="load_connection", unit=str(number), started_by=world.manager
            )
            restate(world.cafe, world.days[0], by=Decimal(1), run=run)
        analyst = reader(world, "analyst")
        with django_assert_max_num_queries(22):
            analyst.get(page_of(world.cafe, world.days[0]))


class TestBelieving:
    def test_a_person_takes_the_source_at_its_word(self, world: World, till):
        doubt(world, till, "collapsed", "10.0000", "120000.0000")
        manager, page = reader(world, "manager"), page_of(world.bar, world.days[-1])
        assert "Believe the source" in content(manager.get(page))
        answer = manager.post(f"{page}believe/")
        run = Run.objects.get()
        assert answer.url == f"{page}?run={run.pk}"
        assert (run.from_date, run.to_date, run.started_by) == (world.days[-1], world.days[-1], world.manager)
        assert (Verdict.objects.get().external_id, Verdict.objects.get().by) == ("22", world.manager)
        # Who sees some branches loads these and reads nothing of the others.
        assert run.params["department"] == str(world.bar.pk)
        assert f"run-{run.pk}" in manager.get(answer.url).content.decode()
        assert "manager decided on" in content(manager.get(page))

    def test_who_may_not_load_is_neither_offered_nor_allowed_it(self, world: World, till):
        doubt(world, till, "collapsed", "10.0000", "120000.0000")
        page = page_of(world.bar, world.days[-1])
        analyst = reader(world, "analyst")
        text = content(analyst.get(page))
        assert "far less than the usual" in text and "Believe" not in text and "Load this day" not in text
        assert analyst.post(f"{page}believe/").status_code == 403
        assert analyst.post(f"{page}load/").status_code == 403
        assert not Verdict.objects.exists() and not Run.objects.exists()

    def test_a_day_nobody_doubts_is_not_decided_upon(self, world: World, till):
        page = page_of(world.cafe, world.days[0])
        manager = reader(world, "manager")
        assert "Believe" not in content(manager.get(page))
        assert "nothing to decide" in words(manager.post(f"{page}believe/", follow=True).content.decode())
        assert not Run.objects.exists()

    def test_a_link_alone_decides_nothing(self, world: World, till):
        assert reader(world, "manager").get(f"{page_of(world.bar, world.days[-1])}believe/").status_code == 405


class TestLoadingAgain:
    def test_who_sees_the_chain_loads_the_whole_date_of_that_source(self, world: World, till):
        page = page_of(world.cafe, world.days[0])
        answer = reader(world, "administrator").post(f"{page}load/")
        run = Run.objects.get()
        assert answer.url == f"{page}?run={run.pk}"
        assert (run.params["connections"], run.params["department"]) == ([till.pk], None)

    def test_who_sees_some_branches_loads_the_branch(self, world: World, till):
        reader(world, "manager").post(f"{page_of(world.cafe, world.days[0])}load/")
        assert Run.objects.get().params["department"] == str(world.cafe.pk)

    def test_a_day_to_come_is_not_loaded(self, world: World):
        page = page_of(world.cafe, world.today + dt.timedelta(days=2))
        manager = reader(world, "manager")
        assert "Load this day" not in content(manager.get(page))
        assert "lies in the future" in words(manager.post(f"{page}load/", follow=True).content.decode())
        assert not Run.objects.exists()


def test_another_branch_does_not_exist_for_who_may_not_see_it(world: World):
    for department in (world.bakery, world.foreign):
        page = page_of(department, world.days[0])
        day = SalesSummary.objects.get(department=department, date=world.days[0])
        manager = reader(world, "manager")
        assert manager.get(page).status_code == 404
        assert manager.post(f"{page}believe/").status_code == 404
        assert manager.post(f"{page}load/").status_code == 404
        assert manager.get(f"{LIST}{day.pk}/change/").status_code == 404
    assert not Run.objects.exists() and not Verdict.objects.exists()
    assert manager.get(f"{LIST}day/{world.cafe.pk}/31-02-2026/").status_code == 404


def test_names_of_a_source_are_escaped(world: World, till):
    Connection.objects.update(name="<img src=x>")
    html = reader(world, "staff").get(page_of(world.cafe, world.days[0])).content.decode()
    assert "<img src=x>" not in html and "&lt;img src=x&gt;" in html


def test_rounded_figures_elsewhere_lead_to_the_exact_ones(world: World, till):
    date = world.days[-1]
    for path in ("/", f"/admin/forecasting/modelversion/comparison/?from_date={date}&to_date={date}"):
        html = reader(world, "staff").get(path).content.decode()
        link = f'href="{page_of(world.cafe, date)}">{amount(sum(HOURS.values()))}</a>'
        assert link in html, path
