"""The page that compares a period with its sources: everybody reads of their branches, few compare."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from departments.models import Connection
from runs.models import Run
from sales.choices import Where
from sales.models import Difference
from tests.reading import content, reader, rows
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

DAY = dt.date(2026, 3, 18)
PAGE = "/admin/sales/salessummary/reconcile/"


def differ(run: Run, **values: object) -> Difference:
    connection, _ = Connection.objects.get_or_create(
        organisation=run.organisation, name="=till", defaults={"url": "http://till.test"}
    )
    return Difference.objects.create(
        **{"organisation": run.organisation, "run": run, "connection": connection, "date": DAY, "what": "total"}
        | values
    )


@pytest.fixture
def compared(world: World) -> Run:
    said = {"code": "differences", "params": {"source": "=till", "n": 2, "dates": "18.03.2026"}}
    run = Run.objects.create(organisation=world.organisation, kind="reconcile", state="partial", errors=[said])
    figures = {"ours": Decimal("1200.0001"), "theirs": Decimal("1200.0000")}
    differ(run, department=world.cafe, hour=9, where=Where.PUBLISHED, **figures)
    differ(run, external_id="unknown to us", where=Where.OBSERVED, what="orders", theirs=3)
    return run


def test_differences_are_listed_and_to_be_had_as_a_file(world: World, compared):
    administrator = reader(world, "administrator")
    page = administrator.get(PAGE)
    assert rows(page)[0] == f"{world.cafe} =till 18.03.2026 09:00 what is shown total sales 1 200.0001 1 200.00 0.0001"
    assert "2 figures are not what the source says" in content(page)
    answer = administrator.get(f"{PAGE}{compared.pk}/csv/")
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[1].split(";")[0] == "'=till"
    assert lines[1].split(";")[2:] == ["18.03.2026", "9", "what is shown", "total sales", "1200,0001", "1200,0000"]


def test_receipts_are_numbers_and_what_is_not_there_is_a_dash(world: World, compared):
    assert rows(reader(world, "administrator").get(PAGE))[1].endswith("day what was loaded receipts — 3 −3")


def test_a_comparison_that_was_asked_for_is_shown_not_the_newest(world: World, compared):
    Run.objects.create(organisation=world.organisation, kind="reconcile", state="done")
    administrator = reader(world, "administrator")
    assert "No difference." in content(administrator.get(PAGE))
    assert "1 200.0001" in content(administrator.get(f"{PAGE}?run={compared.pk}"))


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("running", "is under way"), ("failed", "did not come to its end"), ("done", "No difference.")],
)
def test_no_difference_is_said_only_of_a_comparison_that_came_to_its_end(world: World, state, sentence):
    administrator = reader(world, "administrator")
    assert "Nothing has been compared yet." in content(administrator.get(PAGE))
    Run.objects.create(organisation=world.organisation, kind="reconcile", state=state)
    text = content(administrator.get(PAGE))
    assert sentence in text and ("No difference." in text) == (state == "done")


def test_starting_opens_one_run_for_the_period_and_loads_nothing(world: World, compared):
    form = {"from_date": "2026-03-01", "to_date": "2026-03-05"}
    administrator = reader(world, "administrator")
    answer = administrator.post(PAGE, form)
    run = Run.objects.filter(kind="reconcile").latest("id")
    assert (run.from_date, run.to_date, run.params["repair"]) == (dt.date(2026, 3, 1), dt.date(2026, 3, 5), False)
    assert answer.url == f"{PAGE}?run={run.pk}"
    assert administrator.post(PAGE, form).url == answer.url
    assert "Waiting for a worker" in content(administrator.get(answer.url))


def test_repair_asks_again_only_for_the_days_that_a_load_can_repair(world: World, compared):
    compared.params = {}
    for where, days in ((Where.KEPT, 1), (Where.SOURCE, 2), (Where.OBSERVED, 9)):
        differ(compared, where=where, date=DAY + dt.timedelta(days=days))
    administrator = reader(world, "administrator")
    answer = administrator.post(f"{PAGE}{compared.pk}/repair/")
    run = Run.objects.filter(kind="reconcile").latest("id")
    assert answer.url == f"{PAGE}?run={run.pk}"
    connection = str(Connection.objects.get().pk)
    assert run.params["dates"] == {connection: ["2026-03-18", "2026-03-27"]}
    assert (run.params["repair"], run.started_by) == (True, world.administrator)
    assert administrator.get(f"{PAGE}{compared.pk}/repair/").status_code == 405


def test_there_is_no_button_where_nothing_can_be_repaired(world: World, compared):
    administrator = reader(world, "administrator")
    assert "Repair" in content(administrator.get(PAGE))
    Difference.objects.update(where=Where.KEPT)
    assert "Loads these days again" not in content(administrator.get(PAGE))
    administrator.post(f"{PAGE}{compared.pk}/repair/")
    assert Run.objects.filter(kind="reconcile").count() == 1


def test_a_range_nobody_can_mean_is_refused_in_the_form(world: World, compared):
    form = {"from_date": "2026-03-05", "to_date": "2026-03-01"}
    assert "lies after the last date" in content(reader(world, "administrator").post(PAGE, form))
    assert Run.objects.filter(kind="reconcile").count() == 1


def test_who_sees_two_branches_reads_what_differs_there_and_of_no_other(world: World, compared):
    differ(compared, department=world.bakery, where=Where.OBSERVED, ours=5, theirs=6)
    manager = reader(world, "manager")
    page = manager.get(PAGE)
    assert rows(page, 'id="found"') == [
        f"{world.cafe} =till 18.03.2026 09:00 what is shown total sales 1 200.0001 1 200.00 0.0001"
    ]
    text = content(page)
    assert not re.search("Bakery|unknown to us|2 figures are not", text)
    assert rows(page, 'id="newest"')[0].endswith(" 1")
    file = manager.get(f"{PAGE}{compared.pk}/csv/").getvalue().decode("utf-8-sig")
    assert len(file.splitlines()) == 2 and "Bakery" not in file


def test_an_older_comparison_is_opened_from_the_list_by_who_sees_one_branch(world: World, compared):
    Run.objects.create(organisation=world.organisation, kind="reconcile", state="done")
    staff = reader(world, "staff")
    assert "No difference." in content(staff.get(PAGE))
    older = re.findall(r'href="(\?run=\d+)"', staff.get(PAGE).content.decode())[1]
    assert "1 200.0001" in content(staff.get(PAGE + older))
    Difference.objects.filter(department=world.cafe).update(department=world.bakery)
    assert "No difference in your departments." in content(staff.get(PAGE + older))


@pytest.mark.parametrize("who", ["manager", "staff", "analyst"])
def test_who_sees_some_branches_or_only_looks_does_not_compare(world: World, compared, who):
    browser = reader(world, who)
    text = content(browser.get(PAGE))
    assert not re.search("Every day and hour is asked for again|Loads these days again", text)
    assert browser.post(f"{PAGE}{compared.pk}/repair/").status_code == 403
    assert browser.post(PAGE, {"from_date": "2026-03-01", "to_date": "2026-03-05"}).status_code == 403
    assert Run.objects.filter(kind="reconcile").count() == 1


def test_a_manager_of_the_whole_chain_compares(world: World, compared):
    world.manager.memberships.update(all_departments=True)
    manager = reader(world, "manager")
    assert "unknown to us" in content(manager.get(PAGE)) and "Repair" in content(manager.get(PAGE))
    manager.post(PAGE, {"from_date": "2026-03-01", "to_date": "2026-03-05"})
    assert Run.objects.filter(kind="reconcile").count() == 2


def test_another_chains_comparison_is_not_there(world: World, compared):
    foreign = Run.objects.create(organisation=world.other_organisation, kind="reconcile", state="done")
    administrator = reader(world, "administrator")
    assert administrator.get(f"{PAGE}{foreign.pk}/csv/").status_code == 404
    assert administrator.post(f"{PAGE}{foreign.pk}/repair/").status_code == 404
