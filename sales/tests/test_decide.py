"""Many suspicious days are decided about at once: after one look at what comes of it, and only of one's own branches."""

import json
from decimal import Decimal

import pytest

from departments.models import Authority, Connection, SourceDepartment
from runs.models import Run
from sales.choices import DayState
from sales.models import ObservedDay, SalesSummary, SourceDay, Verdict
from tests.reading import content, reader, rows
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LIST = "/admin/sales/salessummary/"
DOUBTS = "/api/sales/doubts"
KEPT, SAID = Decimal("60000.7533"), Decimal("900.25")


@pytest.fixture
def doubted(world: World) -> dict[str, SalesSummary]:
    """The newest day of three branches: two of which more was known before, and the bar's, which is all that is known."""
    till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
    SalesSummary.objects.filter(organisation=world.organisation).update(connection=till)
    SourceDay.objects.create(
        organisation=world.organisation, connection=till, date=world.days[-1], state="complete", digest="x"
    )
    for branch in world.departments:
        common = {"organisation": world.organisation, "connection": till}
        SourceDepartment.objects.create(**common, external_id=branch.code, department=branch)
        Authority.objects.create(**common, department=branch)
        day = SalesSummary.objects.get(department=branch, date=world.days[-1])
        figures = {"revenue": day.revenue, "gross": day.gross, "orders": day.orders, "guests": day.guests}
        ObservedDay.objects.create(
            **common,
            **figures,
            external_id=branch.code,
            department=branch,
            date=day.date,
            state=DayState.SUSPICIOUS,
            doubt={
                "code": "collapsed",
                "revenue": f"{day.revenue if branch == world.bar else SAID:.4f}",
                "usual": "61000.0000",
            },
            observed_at=world.issue.made_at,
        )
    SalesSummary.objects.filter(date=world.days[-1]).update(state=DayState.SUSPICIOUS)
    days = SalesSummary.objects.filter(date=world.days[-1], organisation=world.organisation)
    return {day.department.name: day for day in days.select_related("department")}


def choose(client, action, days, **more):
    ids = [day.pk for day in days]
    return client.post(LIST, {"action": action, "_selected_action": ids, **more}, follow=bool(more))


def test_what_would_come_of_it_is_shown_before_anything_is_done(world: World, doubted):
    page = choose(reader(world, "administrator"), "believe_sources", doubted.values())
    lines = rows(page)
    assert len(lines) == 3
    assert any("Cafe on Abay" in line and "60 000.75 900.25 61 000.00 900.25" in line for line in lines)
    change = SAID - KEPT + SAID - doubted["Bakery"].total_sales
    assert f"Change of the sum −{abs(round(change)):,}".replace(",", " ") in content(page)
    assert not Verdict.objects.exists() and not Run.objects.exists()


def test_believing_loads_the_dates_once(world: World, doubted):
    answer = choose(reader(world, "administrator"), "believe_sources", doubted.values(), confirm="yes")
    assert "believed for 3 days" in answer.content.decode()
    [run] = Run.objects.all()
    assert (run.from_date, run.to_date, run.params["department"]) == (world.days[-1], world.days[-1], None)
    assert Verdict.objects.filter(keeps=False, by=world.administrator).count() == 3
    assert SourceDay.objects.get().digest == ""


def test_keeping_leaves_out_what_nobody_knew_before(world: World, doubted):
    administrator = reader(world, "administrator")
    page = choose(administrator, "keep_known", doubted.values())
    assert len(rows(page)) == 2 and "1 chosen day is left out" in content(page)
    choose(administrator, "keep_known", doubted.values(), confirm="yes")
    states = dict(SalesSummary.objects.filter(date=world.days[-1]).values_list("department__name", "state"))
    assert (states["Cafe on Abay"], states["Bakery"], states["Bar 22"]) == ("complete", "complete", "suspicious")
    assert {verdict.said for verdict in Verdict.objects.filter(keeps=True)} == {SAID}
    assert not Run.objects.exists()
    text = content(administrator.get(f"{LIST}day/{world.cafe.pk}/{world.days[-1]}/"))
    assert "administrator decided" in text and "what was known before is right" in text


def test_one_day_may_be_kept_on_its_own_page(world: World, doubted):
    manager = reader(world, "manager")
    page = f"{LIST}day/{world.cafe.pk}/{world.days[-1]}/"
    assert "Keep what was known" in content(manager.get(page))
    assert "Keep what was known" not in content(manager.get(f"{LIST}day/{world.bar.pk}/{world.days[-1]}/"))
    assert "counts as complete" in manager.post(f"{page}keep/", follow=True).content.decode()
    assert reader(world, "analyst").post(f"{page}keep/").status_code == 403
    assert manager.post(f"{LIST}day/{world.bakery.pk}/{world.days[-1]}/keep/").status_code == 404


def test_who_may_not_load_decides_nothing_and_who_sees_some_decides_about_those(world: World, doubted):
    for confirm in ({}, {"confirm": "yes"}):
        choose(reader(world, "analyst"), "keep_known", doubted.values(), **confirm)
        assert not Verdict.objects.exists()
    page = choose(reader(world, "manager"), "believe_sources", doubted.values())
    assert len(rows(page)) == 2 and "Bakery" not in content(page)
    choose(reader(world, "manager"), "believe_sources", doubted.values(), confirm="yes")
    assert set(Verdict.objects.values_list("external_id", flat=True)) == {"1", "2"}
    assert {run.params["department"] for run in Run.objects.all()} == {str(world.cafe.pk), str(world.bar.pk)}


def test_days_that_are_not_suspicious_are_said_to_be_none(world: World, doubted):
    plain = SalesSummary.objects.filter(department=world.cafe, date=world.days[0])
    answer = reader(world, "manager").post(
        LIST, {"action": "believe_sources", "_selected_action": [plain.get().pk]}, follow=True
    )
    assert "None of these days is suspicious" in answer.content.decode()


def decide(client, **body):
    return client.post(f"{DOUBTS}/decide", json.dumps(body), content_type="application/json")


def test_a_program_reads_the_doubts_and_decides(world: World, doubted):
    api = world.api()
    found = {row["department_name"]: row for row in api.get(DOUBTS, headers={"accept-language": "en"}).json()}
    cafe = found["Cafe on Abay"]
    assert (cafe["total_sales"], cafe["source_says"], cafe["usual"], cafe["can_keep"]) == (
        60000.75,
        900.25,
        61000,
        True,
    )
    assert "far less than the usual" in cafe["reasons"][0]
    assert found["Bar 22"]["can_keep"] is False
    assert len(api.get(f"{DOUBTS}?page_size=2").json()["results"]) == 2
    ids = [row["id"] for row in found.values()]
    answer = decide(api, decision="keep", days=ids).json()
    assert (len(answer["decided"]), answer["left_out"], answer["runs"]) == (2, [found["Bar 22"]["id"]], [])
    answer = decide(api, decision="believe", days=ids).json()
    assert answer["decided"] == [found["Bar 22"]["id"]]
    assert answer["runs"] == [Run.objects.get().pk]
    assert api.get(DOUBTS).json()[0]["id"] == found["Bar 22"]["id"]  # until it is loaded


def test_a_program_with_some_branches_knows_of_no_others(world: World, doubted):
    api = world.api(world.manager_key)
    assert {row["department_name"] for row in api.get(DOUBTS).json()} == {"Cafe on Abay", "Bar 22"}
    assert decide(api, decision="keep", days=[day.pk for day in doubted.values()]).status_code == 404
    assert not Verdict.objects.exists()
    for body in ({"decision": "maybe", "days": [1]}, {"decision": "keep", "days": []}, {"decision": "keep"}):
        assert decide(api, **body).status_code == 400
