"""A file of anybody's own forecasts is scored beside ours, last week and the previous version, on the same days."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from departments.models import Department
from forecasting.choices import VersionState
from forecasting.engine import api as engine
from forecasting.engine.recipe import RECIPES
from forecasting.measure import measure
from forecasting.models import Accuracy, ForecastIssue, OwnForecasts
from forecasting.own_forecasts import KEPT, read_forecasts, start_scoring
from forecasting.predict import make_issue, promise_date
from forecasting.scoring import score
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.versions import save_version, serve
from runs.ledger import run_now
from runs.models import Run
from tests.reading import content, reader, rows
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/admin/forecasting/modelversion/own/"
API = "/api/forecast/own"


@pytest.fixture
def measured(world: World) -> World:
    """The log of the week, with a last week to repeat."""
    measure(world.organisation)
    Accuracy.objects.update(naive=50_000)
    return world


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_whatever_a_spreadsheet_writes_it_in_is_read(measured: World, encoding):
    Department.objects.filter(pk=measured.cafe.pk).update(name="Кофейня на Абая")
    lines = "date\tdepartment\tforecast\n2026-01-01\tКофейня на Абая\t1 234,50\n"
    read = read_forecasts(lines.encode(encoding), organisation=measured.organisation, by=measured.analyst)
    assert read.errors == [] and [row[2] for row in read.rows] == ["1234.50"]


def file_of(world: World, factor: Decimal = Decimal(1), *, by: str = "name", style: str = ",") -> bytes:
    """The cafe's week, each day `factor` times what was sold."""
    lines = [style.join(["date", "department", "forecast", "lower_80", "upper_80"])]
    for row in Accuracy.objects.filter(department=world.cafe, horizon=1).order_by("date"):
        values = [factor * row.actual, factor * row.actual - 10, factor * row.actual + 10]
        day = f"{row.date:%d.%m.%Y}" if style == ";" else row.date.isoformat()
        amounts = [f"{value:.2f}".replace(".", "," if style == ";" else ".") for value in values]
        lines.append(style.join([day, str(getattr(world.cafe, by)), *amounts]))
    return "\n".join(lines).encode("utf-8-sig" if style == ";" else "utf-8")


def upload(client, content: bytes, path: str = API, **more: object):
    return client.post(path, {"file": SimpleUploadedFile("mine.csv", content, "text/csv"), **more})


@pytest.mark.parametrize(("by", "style"), [("pk", ","), ("name", ";"), ("code", ",")])
def test_a_file_of_a_program_or_a_spreadsheet_is_read_alike(measured: World, by, style):
    read = read_forecasts(
        file_of(measured, by=by, style=style), organisation=measured.organisation, by=measured.analyst
    )
    assert read.errors == [] and len(read.rows) == 7
    assert {row[0] for row in read.rows} == {str(measured.cafe.pk)}
    assert {Decimal(row[2]) for row in read.rows} == {Decimal("60000.75")}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("date,forecast\n", "lacks the columns department"),
        ("date,department,forecast\n", "no lines below"),
        ("date,department,forecast\n32.01.2026,Cafe on Abay,5\n", "is no date"),
        ("date,department,forecast\n2026-01-01,Nowhere,5\n", "No department you see is called “Nowhere”"),
        ("date,department,forecast\n2026-01-01,Cafe on Abay,much\n", "“much” in the column forecast is no amount"),
        ("date,department,forecast\n2026-01-01,Cafe on Abay,NaN\n", "is no amount"),
        ("date,department,forecast\n2026-01-01,Cafe on Abay,5\n2026-01-01,1,6\n", "comes twice"),
        ("date,department,forecast,lower_80\n2026-01-01,Cafe on Abay,5,4\n", "both ends"),
        ("date,department,forecast\n2026-01-01,Bakery,5\n", "No department you see"),
        ("date,department,forecast,Forecast\n2026-01-01,Cafe on Abay,5,6\n", "names the columns forecast twice"),
        ('date,department,forecast\n2026-01-01,Cafe on Abay,"1,234"\n', "“1,234” in the column forecast may be"),
        (
            'date,department,forecast\n2026-01-01,Cafe on Abay,5\n2026-01-02,"Cafe' + 200_000 * "x",
            "follows line 2 is no CSV",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_line_and_nothing_is_kept(measured: World, content, says):
    response = upload(reader(measured, "manager"), content.encode())
    assert response.status_code == 400
    assert says in " ".join(error["detail"] for error in response.json()["errors"])
    page = upload(reader(measured, "manager"), content.encode(), PAGE, days_before="1").content.decode()
    assert "Nothing was imported" in page
    assert not OwnForecasts.objects.exists() and not Run.objects.exists()


def test_all_are_scored_on_the_same_days(measured: World):
    own, run = start_scoring(
        read_forecasts(file_of(measured, Decimal("1.1")), organisation=measured.organisation, by=measured.analyst).rows,
        organisation=measured.organisation, by=measured.analyst, name="mine.csv", days_before=1,
    )  # fmt: skip
    Accuracy.objects.filter(department=measured.cafe, date=measured.days[0]).update(actual=None)
    assert run_now(run).counts == {"rows": 7, "scored": 6}
    own.refresh_from_db()
    result = own.result
    assert result["theirs"]["wape"] == pytest.approx(0.1) and result["theirs"]["bias"] == pytest.approx(0.1)
    assert result["theirs"]["coverage80"] == 0
    logged = Accuracy.objects.filter(department=measured.cafe, horizon=1).scored()
    missed = sum(abs(row.predicted_sales - row.actual) for row in logged)
    assert result["ours"]["wape"] == pytest.approx(float(missed / sum(row.actual for row in logged)))
    assert result["naive"]["wape"] == pytest.approx(1 - 50_000 / 60_000.75)
    assert result["previous"] is None  # no other version ever served


def test_the_page_shows_who_was_nearest_and_only_to_whom_it_belongs(measured: World):
    response = upload(reader(measured, "analyst"), file_of(measured), PAGE, days_before="1")
    run = Run.objects.get(kind="score_forecasts")
    assert response.url == f"{PAGE}?run={run.pk}"
    run_now(run)
    lines = rows(reader(measured, "analyst").get(PAGE))
    assert lines[0].startswith("This file 0.0") and len(lines) == 3
    assert "mine.csv" not in content(reader(measured, "manager").get(PAGE))
    assert measured.client("manager").get(API).json() == []
    (listed,) = measured.client("analyst").get(API).json()
    assert listed["theirs"]["wape"] == pytest.approx(0, abs=1e-6) and listed["n"] == 7


def test_the_newest_uploads_are_kept(measured: World):
    for _number in range(KEPT + 3):
        start_scoring([], organisation=measured.organisation, by=measured.analyst, name="x", days_before=1)
    assert OwnForecasts.objects.count() == KEPT


def test_the_previous_version_forecasts_only_days_it_has_not_seen():
    organisation = make_chain(departments=2, days=150)
    person = User.objects.create_user("somebody")
    versions = []
    for through in (CUTOFF - dt.timedelta(days=10), CUTOFF - dt.timedelta(days=20)):
        series = read_series(organisation, cutoff=through, horizon=7)
        version = save_version(organisation, engine.fit(series.panel, through, RECIPES["quick"]), metrics={})
        versions.append(version)
    previous, serving = versions
    serve(previous)
    serve(serving)
    ForecastIssue.objects.all().delete()
    for back in range(15, 1, -1):
        cutoff = CUTOFF - dt.timedelta(days=back)
        made = timezone.make_aware(dt.datetime.combine(cutoff + dt.timedelta(days=1), dt.time(2, 30)))
        assert promise_date(organisation, made) == cutoff + dt.timedelta(days=1)
        make_issue(serving, horizon=3, origin="replay", cutoff=cutoff, made_at=made)
    measure(organisation)
    logged = Accuracy.objects.filter(horizon=1).scored()
    department = Department.objects.order_by("name").first()
    lines = [
        [str(department.pk), row.date.isoformat(), "100000", None, None] for row in logged.filter(department=department)
    ]
    own = OwnForecasts.objects.create(
        organisation=organisation, uploaded_by=person, name="x", days_before=1, rows=lines
    )
    result = score(own)
    previous.refresh_from_db()
    assert previous.state == VersionState.RETIRED
    assert result["previous"]["version"] == previous.number
    # Of the promises of the mornings from the eleventh day on: before, it had learned from the day it would forecast.
    unseen = [
        line for line in lines if dt.date.fromisoformat(line[1]) - dt.timedelta(days=2) >= previous.trained_through
    ]
    assert result["previous"]["n"] == len(unseen) < result["n"] == len(lines)
    assert 0 < result["previous"]["wape"] < result["previous"]["theirs_wape"]
