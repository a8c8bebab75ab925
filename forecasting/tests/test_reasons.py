"""Each forecast of the newest issues is split into money by reason, told in sentences."""

import datetime as dt

import pytest
from django.db.models import QuerySet
from django.utils import translation

from departments.models import Event, Holiday
from forecasting.choices import RULE_SENTENCES, WHOLE_ISSUES, Origin, Rule
from forecasting.engine import api as engine
from forecasting.engine import explain
from forecasting.engine.recipe import RECIPES
from forecasting.models import Forecast, ForecastIssue, ModelVersion, Reasons
from forecasting.predict import make_issue
from forecasting.querysets import ForecastQuerySet
from forecasting.reasons import REASONS, forget_old_reasons, reasons_of
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.versions import save_version, serve
from tests.reading import content, reader
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = "/admin/forecasting/modelversion/day/"


def explained(world: World, date: dt.date, **amounts: str) -> Forecast:
    """The cafe's forecast of the date with these reasons stored beside it."""
    parts = [amounts.get(code, "0.00") for code in REASONS]
    Reasons.objects.create(issue=world.issue, department=world.cafe, by_date={date.isoformat(): parts})
    return Forecast.objects.select_related("issue", "department").get(
        issue=world.issue, department=world.cafe, date=date
    )


def test_the_engine_and_the_pages_speak_of_the_same_reasons():
    assert explain.REASONS == REASONS


@pytest.fixture
def version() -> ModelVersion:
    organisation = make_chain(departments=2, days=120)
    series = read_series(organisation, cutoff=CUTOFF, horizon=7)
    fit = engine.fit(series.panel, CUTOFF, RECIPES["quick"], calibrate=False)
    version = save_version(organisation, fit, metrics={})
    serve(version)
    return version


def test_rows_read_and_written_in_pieces_are_the_same_rows(version: ModelVersion, monkeypatch):
    """Of ten thousand branches no step has all rows in memory as objects."""

    def figures() -> list[tuple]:
        issue = make_issue(version, horizon=7, origin=Origin.NIGHTLY)
        rows = issue.forecasts.order_by("department", "date")
        names = [f.name for f in Forecast._meta.concrete_fields if f.name not in ("id", "issue")]
        return [*rows.values_list(*names), *issue.reasons.order_by("department").values_list("department", "by_date")]

    whole = figures()
    assert len(whole) == 2 * 7 + 2
    monkeypatch.setattr("forecasting.series.AT_ONCE", 50)
    monkeypatch.setattr("forecasting.predict.AT_ONCE", 4)
    written = []

    def bulk_create(self, rows, **options):
        written.append(len(rows))
        return QuerySet.bulk_create(self, rows, **options)

    monkeypatch.setattr(ForecastQuerySet, "bulk_create", bulk_create)
    assert figures() == whole
    assert written == [4, 4, 4, 2]


def test_reasons_of_a_stored_issue_add_up_to_its_forecasts(version: ModelVersion):
    issue = make_issue(version, horizon=7, origin=Origin.NIGHTLY)
    for forecast in issue.forecasts.select_related("issue", "department"):
        reasons = reasons_of(forecast)
        assert sum(reason.amount for reason in reasons) == forecast.predicted_sales > 0
        assert reasons[0].code == "level"
    replayed = make_issue(version, horizon=7, origin=Origin.REPLAY)
    assert not replayed.reasons.exists()


def test_sentences_are_in_the_language_of_the_reader_and_name_the_holiday(world: World):
    date = dt.date(2026, 1, 1)
    Holiday.objects.create(organisation=world.organisation, date=date, key="ny", name="New Year")
    Forecast.objects.filter(issue=world.issue, department=world.cafe, date=world.today).update(date=date)
    forecast = explained(world, date, level="50000.00", weekday="-700.50", feast="10701.50", trend="5.00")
    with translation.override("en"):
        assert [reason.text.replace("\u202f", " ") for reason in reasons_of(forecast)] == [
            "The usual level of these weeks: 50 000.",
            "The holiday (New Year) raises sales: +10 702.",
            "Thursday is weaker than the average day: \u2212701.",
            "Sales have been rising lately: +5.",
        ]


def test_a_promotion_is_named_where_there_is_one_that_the_forecast_knew_of(world: World):
    """What a model has of ordinary days beside promotions is no promotion's doing."""
    forecast = explained(world, world.today, level="50000.00", promotion="700.00", feast="-20.00")
    morning, day = world.issue.promised_on, {"organisation": world.organisation, "kind": "promo"}
    dates = {"first": world.today, "last": world.today}

    def told() -> list[str]:
        with translation.override("en"):
            return [reason.text for reason in reasons_of(forecast) if reason.code in ("promotion", "feast")]

    nothing = "Promotions and events near this day, or none of them: +700."
    Event.objects.create(name="Elsewhere", department=world.bar, known_from=morning, **dates, **day)
    Event.objects.create(name="Entered later", known_from=morning + dt.timedelta(days=1), **dates, **day)
    Event.objects.create(
        name="Over",
        first=dates["first"] - dt.timedelta(days=9),
        last=dates["last"] - dt.timedelta(days=1),
        known_from=morning,
        **day,
    )
    late = {"organisation": world.organisation, "date": world.today, "key": "late", "name": "Late feast"}
    Holiday.objects.create(known_from=morning + dt.timedelta(days=1), **late)
    assert told() == [nothing, "Holidays near this day, or none of them: \u221220."]
    Event.objects.create(name="Fair", known_from=morning, **dates, **day)
    Event.objects.create(name="Coffee day", department=world.cafe, known_from=morning, **dates, **day)
    assert told()[0] == "A promotion or event (Coffee day, Fair) raises sales: +700."
    Event.objects.all().delete()
    Holiday.objects.create(**{**late, "key": "fast", "name": "Ramadan"}, effect=Holiday.Effect.PERIOD)
    assert told()[0] == "A promotion or event (Ramadan) raises sales: +700."


def test_the_day_page_tells_them(world: World):
    explained(world, world.today, level="60000.00", trend="-100.00")
    text = content(reader(world, "staff").get(DAY))
    assert "Why this forecast" in text and "Sales have been falling lately: −100." in text


def test_the_api_answers_in_money_and_says_when_reasons_are_gone(world: World):
    client = world.client("staff")
    path = f"/api/forecast/explain/{world.today}/{world.cafe.pk}"
    assert client.get(path).json()["errors"][0]["code"] == "no_reasons"
    forecast = explained(world, world.today, level="60000.50", weekday="700.00")
    answer = client.get(path, headers={"accept-language": "en"}).json()
    assert answer["predicted_sales"] == float(forecast.predicted_sales)
    assert [(row["reason"], row["amount"]) for row in answer["reasons"]] == [("level", 60000.5), ("weekday", 700.0)]
    assert answer["model_version"] == "v1" and answer["rule"] == "blend"
    one = f"/api/forecast/{world.today}/{world.cafe.pk}"
    assert client.get(one, headers={"accept-language": "en"}).json()["reasons"] == answer["reasons"]
    Reasons.objects.all().delete()
    assert client.get(one).json()["reasons"] is None
    assert client.get(f"/api/forecast/explain/2099-01-01/{world.cafe.pk}").json()["errors"][0]["code"] == "no_forecast"
    assert client.get(f"/api/forecast/explain/{world.today}/{world.bakery.pk}").status_code == 404


def test_page_and_api_tell_by_which_rule_it_was_made_in_a_sentence(world: World):
    forecast = explained(world, world.today, level="60000.00")
    client, path = world.client("staff"), f"/api/forecast/explain/{world.today}/{world.cafe.pk}"
    with translation.override("en"):
        told = {rule: str(sentence) for rule, sentence in RULE_SENTENCES.items()}
    assert set(told) == set(Rule) and len(set(told.values())) == len(Rule)
    for rule, text in told.items():
        Forecast.objects.filter(pk=forecast.pk).update(rule=rule)
        answer = client.get(path, headers={"accept-language": "en"}).json()
        assert (answer["rule"], answer["rule_text"]) == (rule, text)
    assert told[Rule.CLOSED] in content(reader(world, "staff").get(DAY))


def test_only_the_newest_issues_keep_their_reasons(world: World):
    explained(world, world.today, level="1.00")
    issue = world.issue
    for _number in range(WHOLE_ISSUES):
        issue.pk, issue.made_at = None, issue.made_at + dt.timedelta(days=1)
        issue.save()
        Reasons.objects.create(issue_id=issue.pk, department=world.cafe, by_date={})
        forget_old_reasons(issue)
    assert Reasons.objects.count() == WHOLE_ISSUES
    assert not Reasons.objects.filter(
        issue=ForecastIssue.objects.filter(organisation=world.organisation).earliest("made_at")
    ).exists()
