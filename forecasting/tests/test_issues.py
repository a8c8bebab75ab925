"""Training lets a version serve, issues are immutable, honest about what they knew, and add up."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from departments.changes import note
from departments.models import Change, Closure, Department, Event, Holiday
from forecasting import gate, renewal, train
from forecasting import predict as predict_module
from forecasting.choices import Origin, VersionState
from forecasting.compare import compare, summary
from forecasting.engine import api as engine
from forecasting.engine import trial
from forecasting.engine.recipe import RECIPES
from forecasting.engine.tests.world import SMALL
from forecasting.models import Forecast, ForecastIssue, ModelText, ModelVersion
from forecasting.predict import make_issue, start_forecast
from forecasting.reasons import reasons_of
from forecasting.replay import replay
from forecasting.series import read_series
from forecasting.tests.chain import CUTOFF, make_chain
from forecasting.train import fit_series, start_training
from forecasting.versions import Refused, _load_fit, roll_back, save_version, serve, serving_version
from runs.choices import State, Trigger
from runs.ledger import RunFailed, run_now
from runs.models import Run
from sales.choices import DayState
from sales.models import DepartmentCutoff, SalesByHour, SalesSummary

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

ZONE = ZoneInfo("Asia/Almaty")


@pytest.fixture(scope="module")
def trained(django_db_setup, django_db_blocker):
    """A trained chain, made once: the tests change what they like inside their own transaction."""
    with django_db_blocker.unblock():
        organisation = make_chain()
        run = run_now(start_training(organisation=organisation, trigger="command", origins=2)[0])
        assert run.state == State.DONE, run.errors
        yield organisation
        ForecastIssue.objects.filter(organisation=organisation).delete()
        organisation.delete()


@pytest.fixture
def version(trained):
    return serving_version(trained)


def morning(date: dt.date, hour: int = 2) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(hour, 30), ZONE)


def issue_at(version, cutoff, hour=2, horizon=14):
    made_at = morning(cutoff + dt.timedelta(days=1), hour)
    return make_issue(version, horizon=horizon, origin=Origin.MANUAL, cutoff=cutoff, made_at=made_at)


def figures(issue):
    columns = ("department", "date", "predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95", "hours")
    return list(issue.forecasts.order_by("department", "date").values_list(*columns))


def test_training_measures_beside_naive_and_serves(version):
    assert version.state == VersionState.SERVING
    assert version.metrics["wape"] < version.metrics["snaive_wape"]
    assert version.metrics["origins"] == 2
    assert version.trained_through == CUTOFF
    assert {text.name for text in version.texts.all()} == {*version.manifest["members"], "hours"}
    told = version.manifest["mornings"]
    assert all(
        0 <= power <= 1 and 0 < left <= 1 for power, left in zip(told["power"], told["uncertainty"], strict=True)
    )


def test_an_issue_covers_every_department_and_day_and_its_hours_add_up(version):
    issue = issue_at(version, CUTOFF)
    assert issue.forecasts.count() == 3 * 14
    for row in issue.forecasts.all():
        assert sum(map(Decimal, row.hours)) == row.predicted_sales
        assert 0 <= row.lower_95 <= row.lower_80 <= row.predicted_sales <= row.upper_80 <= row.upper_95
        assert row.horizon == (row.date - CUTOFF).days


def test_nothing_after_the_cutoff_moves_a_forecast_by_a_bit(version):
    past = CUTOFF - dt.timedelta(days=20)
    before = figures(issue_at(version, past))
    SalesSummary.objects.filter(date__gt=past).update(total_sales=F("total_sales") * 10)
    assert figures(issue_at(version, past)) == before
    SalesSummary.objects.filter(date__gt=past).delete()
    assert figures(issue_at(version, past)) == before
    SalesSummary.objects.filter(date=past).update(total_sales=1)
    assert figures(issue_at(version, past)) != before


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -1.0, 1e15])
@pytest.mark.parametrize("column", ["yhat", "hi95"])
def test_no_number_of_the_engine_becomes_money(version, monkeypatch, column, broken):
    """One such row fails the run, which names the branch and the date; the forecasts that stand are those before it."""
    stored = issue_at(version, CUTOFF)
    kept = figures(stored)
    branch = Department.objects.get(organisation=version.organisation, name="Branch 1")
    predict = engine.predict

    def broken_predict(*args, **options):
        frame = predict(*args, **options)
        tenth = (frame["series_id"] == str(branch.pk)) & (frame["date"] == "2026-04-10")
        return frame.assign(**{column: frame[column].mask(tenth, broken)})

    monkeypatch.setattr(engine, "predict", broken_predict)
    run = run_now(start_forecast(organisation=version.organisation, trigger="command")[0])
    assert run.state == State.FAILED
    assert run.errors == [{"code": "no_amount", "params": {"department": "Branch 1", "date": "2026-04-10"}}]
    assert ForecastIssue.objects.filter(organisation=version.organisation).latest("pk") == stored
    assert figures(stored) == kept


def test_no_number_among_the_reasons_is_stored(version, monkeypatch):
    told = predict_module.explain
    monkeypatch.setattr(predict_module, "explain", lambda *args, **options: told(*args, **options).assign(trend=np.nan))
    before = ForecastIssue.objects.count()
    with pytest.raises(RunFailed, match="no_amount"):
        issue_at(version, CUTOFF)
    assert ForecastIssue.objects.count() == before


def test_hours_come_from_the_model_of_the_version(version):
    """Sales move from the afternoon to the morning on the first ten days of a month; profiles know only weekdays."""
    sold = SalesByHour.objects.filter(organisation=version.organisation)
    for hour, first_days, last_days in ((9, 80_000, 10_000), (13, 10_000, 80_000)):
        sold.filter(hour=hour, date__day__lte=10).update(sales_amount=first_days)
        sold.filter(hour=hour, date__day__gt=10).update(sales_amount=last_days)
    series = read_series(version.organisation, cutoff=CUTOFF, horizon=14)
    learned = save_version(version.organisation, fit_series(series, RECIPES["quick"]), metrics={})
    rows = list(issue_at(learned, CUTOFF).forecasts.order_by("date"))
    mornings = [float(row.hours[9]) > float(row.hours[13]) for row in rows]
    assert mornings == [row.date.day <= 10 for row in rows]
    ModelVersion.objects.filter(pk=learned.pk).update(manifest={**learned.manifest, "hours": None})
    learned.texts.filter(name="hours").delete()
    _load_fit.cache_clear()
    rows = list(issue_at(learned, CUTOFF).forecasts.order_by("date"))
    assert [float(row.hours[9]) > float(row.hours[13]) for row in rows] != [row.date.day <= 10 for row in rows]


def test_hours_after_the_cutoff_or_of_a_doubted_day_move_nothing(version):
    past = CUTOFF - dt.timedelta(days=20)
    later = SalesByHour.objects.filter(organisation=version.organisation, date__gt=past)
    before = figures(issue_at(version, past))
    later.filter(hour=9).update(sales_amount=10**6)
    assert figures(issue_at(version, past)) == before
    later.delete()
    assert figures(issue_at(version, past)) == before
    day = SalesSummary.objects.filter(organisation=version.organisation, date=past)
    hours = SalesByHour.objects.filter(organisation=version.organisation, date=past)
    day.update(state=DayState.SUSPICIOUS)
    doubted = figures(issue_at(version, past))
    hours.filter(hour=19).update(sales_amount=10**7)
    assert figures(issue_at(version, past)) == doubted
    day.update(state=DayState.COMPLETE)
    assert figures(issue_at(version, past)) != before


def test_hours_of_a_branch_whose_sales_end_earlier_are_read_up_to_there(version):
    branch = Department.objects.filter(organisation=version.organisation).first()
    DepartmentCutoff.objects.filter(department=branch).update(date=CUTOFF - dt.timedelta(days=2))
    before = figures(issue_at(version, CUTOFF))
    tail = SalesByHour.objects.filter(department=branch, date__gt=CUTOFF - dt.timedelta(days=2), hour=19)
    tail.update(sales_amount=10**7)
    assert figures(issue_at(version, CUTOFF)) == before


def test_what_was_not_known_yet_is_not_seen(version):
    department = Department.objects.filter(organisation=version.organisation).first()
    before = figures(issue_at(version, CUTOFF))
    dates = {"first": CUTOFF + dt.timedelta(days=3), "last": CUTOFF + dt.timedelta(days=4)}
    late = {"known_from": CUTOFF + dt.timedelta(days=2), "organisation": version.organisation}
    closure = Closure.objects.create(department=department, **dates, **late)
    Event.objects.create(name="fair", **dates, **late)
    assert figures(issue_at(version, CUTOFF)) == before
    Closure.objects.filter(pk=closure.pk).update(known_from=CUTOFF)
    closed = issue_at(version, CUTOFF).forecasts.filter(department=department, date__range=tuple(dates.values()))
    assert set(closed.values_list("predicted_sales", "rule")) == {(0, "closed")}


def test_a_seasonal_branch_is_forecast_in_its_season_and_from_before_it_begins(version):
    branch = Department.objects.filter(organisation=version.organisation).first()
    day = dt.timedelta(days=1)
    branch.season_start_date, branch.season_end_date = CUTOFF - 200 * day, CUTOFF + 5 * day
    branch.save()
    ending = issue_at(version, CUTOFF).forecasts.filter(department=branch).order_by("date")
    assert [row.rule == "closed" for row in ending] == [False] * 5 + [True] * 9
    SalesSummary.objects.filter(department=branch, date__gt=CUTOFF - 100 * day).delete()
    branch.season_start_date, branch.season_end_date = CUTOFF + 10 * day, CUTOFF + 100 * day
    branch.save()
    beginning = issue_at(version, CUTOFF).forecasts.filter(department=branch).order_by("date")
    assert [row.rule == "closed" for row in beginning] == [True] * 9 + [False] * 5
    branch.season_start_date = CUTOFF + 90 * day
    branch.save()  # the days that were promised are taken back
    resting = issue_at(version, CUTOFF).forecasts.filter(department=branch)
    assert list(resting.values_list("rule", "predicted_sales")) == [("closed", 0)] * 5
    branch.season_start_date, branch.season_end_date = CUTOFF - 300 * day, None
    branch.save()  # its season goes on, so nothing explains that it is silent
    assert not issue_at(version, CUTOFF).forecasts.filter(department=branch).exists()


def test_a_fast_is_a_column_of_its_own_if_it_was_known(version):
    day = {"organisation": version.organisation, "date": CUTOFF, "key": "Ramadan", "name": "Ramadan"}
    fast = Holiday.objects.create(effect=Holiday.Effect.PERIOD, **day)
    panel = read_series(version.organisation, cutoff=CUTOFF, horizon=7).panel
    assert panel.numeric["period_Ramadan"].sum() == 3
    assert "Ramadan" not in panel.holiday_names
    Holiday.objects.filter(pk=fast.pk).update(known_from=CUTOFF + dt.timedelta(days=1))
    assert "period_Ramadan" not in read_series(version.organisation, cutoff=CUTOFF, horizon=7).panel.numeric


def test_what_happened_to_a_branch_is_named_and_its_forecast_still_explained(version):
    back, shifted, other = Department.objects.filter(organisation=version.organisation).order_by("name")
    day = dt.timedelta(days=1)
    SalesSummary.objects.filter(department=back, date__range=(CUTOFF - 40 * day, CUTOFF - 6 * day)).delete()
    SalesSummary.objects.filter(department=shifted, date__gt=CUTOFF - 20 * day).update(total_sales=F("total_sales") * 2)
    issue = issue_at(version, CUTOFF)
    assert dict(issue.forecasts.values_list("department__name", "rule").distinct()) == {
        back.name: "reopened",
        shifted.name: "level_shift",
        other.name: "model",
    }
    one = issue.forecasts.filter(department=shifted).first()
    assert len([reason for reason in reasons_of(one) if reason.amount]) > 2


def test_a_suspicious_day_is_missing_to_the_model_not_low(version):
    SalesSummary.objects.filter(date=CUTOFF).update(total_sales=1, state=DayState.SUSPICIOUS)
    distrusted = figures(issue_at(version, CUTOFF))
    SalesSummary.objects.filter(date=CUTOFF).delete()
    assert figures(issue_at(version, CUTOFF)) == distrusted


def test_as_promised_is_the_newest_issue_before_seven_in_the_morning(version):
    ForecastIssue.objects.all().delete()
    target = CUTOFF + dt.timedelta(days=5)
    early = issue_at(version, CUTOFF - dt.timedelta(days=3))
    in_time = issue_at(version, target - dt.timedelta(days=2), hour=6)
    too_late = issue_at(version, target - dt.timedelta(days=2), hour=7)
    rows = Forecast.objects.filter(date=target)
    assert set(rows.as_promised(1).values_list("issue", flat=True)) == {in_time.pk}
    assert set(rows.as_promised(0).values_list("issue", flat=True)) == {too_late.pk}
    assert set(rows.as_promised(7).values_list("issue", flat=True)) == {early.pk}
    assert set(rows.newest().values_list("issue", flat=True)) == {too_late.pk}


def test_fact_against_forecast_shows_promises_for_the_past_only(version):
    first = CUTOFF - dt.timedelta(days=1)
    ForecastIssue.objects.all().delete()
    issue_at(version, CUTOFF - dt.timedelta(days=3))
    issue_at(version, CUTOFF)
    departments = Department.objects.filter(organisation=version.organisation)
    rows = compare(
        departments=departments,
        first=first,
        last=CUTOFF + dt.timedelta(days=1),
        days_before=1,
        today=CUTOFF + dt.timedelta(days=1),
    )
    assert [row.date for row in rows] == sorted(row.date for row in rows)
    assert len(rows) == 9
    for row in rows:
        sold = SalesSummary.objects.filter(department=row.department_id, date=row.date).first()
        assert row.actual == (sold.total_sales if sold else None)
        assert (row.error is None) == (sold is None)
    told = summary(rows)
    assert told["n"] == 6
    assert told["predicted"] - told["actual"] == sum(row.error for row in rows if row.error is not None)


def test_replayed_mornings_come_from_models_that_had_not_seen_them(trained):
    made = replay(trained, days=10, refit_every=5, horizon=3)
    assert made == 10
    for issue in ForecastIssue.objects.filter(origin=Origin.REPLAY).select_related("version"):
        assert issue.version.trained_through <= issue.data_as_of
        assert issue.promised_on == issue.data_as_of + dt.timedelta(days=1)
        assert min(issue.forecasts.values_list("date", flat=True)) > issue.data_as_of
    assert replay(trained, days=10, horizon=3) == 0


def test_a_damaged_model_is_refused_before_it_is_loaded(version):
    row = version.texts.first()
    ModelText.objects.filter(pk=row.pk).update(text=row.text.replace("tree", "trie", 1))
    with pytest.raises(Refused) as caught:
        issue_at(version, CUTOFF)
    assert caught.value.code == "model_damaged"


def test_rolling_back_serves_the_earlier_version_and_keeps_its_issues(version):
    kept = figures(issue_at(version, CUTOFF))
    newer = run_now(start_training(organisation=version.organisation, trigger="command", origins=1)[0])
    assert newer.state == State.DONE
    assert serving_version(version.organisation).number == newer.counts["version"]
    version.refresh_from_db()
    roll_back(version, by=None)
    assert serving_version(version.organisation) == version
    assert figures(ForecastIssue.objects.exclude(run=newer).order_by("-pk").first()) == kept


def _not_now(*args, **options):
    raise AssertionError("one step back makes nothing anew")


def test_a_new_recipe_serves_through_the_gate_and_one_step_back_the_old_one_forecasts_the_same_again(monkeypatch):
    weak = replace(SMALL, name="weak", trees=1, calibration_trees=1, leaves=2, rate=4.0)  # learns four times too much
    monkeypatch.setitem(RECIPES, "weak", weak)
    monkeypatch.setitem(RECIPES, "second", replace(SMALL, name="second"))
    monkeypatch.setattr(train, "CONTEST_ORIGINS", 4)
    # Four origins of three branches tell a good recipe from a weak one, not coverage and bias to a few per cent.
    monkeypatch.setattr(gate, "COVERAGE", (0.0, 1.0))
    monkeypatch.setattr(gate, "MOST_BIAS", 0.2)
    organisation = make_chain(days=260, seed=5)
    old = save_version(organisation, fit_series(read_series(organisation, cutoff=CUTOFF, horizon=35), weak), metrics={})
    old.gate = {"passed": True}
    old.save()
    serve(old)
    stored = issue_at(old, CUTOFF)
    kept = figures(stored)

    run = run_now(start_training(organisation=organisation, trigger="command", origins=1, recipe="second")[0])
    assert (run.state, run.counts["gate"]["code"]) == (State.DONE, "passed_recipe"), run.errors
    new = serving_version(organisation)
    assert (new.recipe, new.number) == ("second", run.counts["version"])
    served = ForecastIssue.objects.filter(version=new).latest("pk")
    assert figures(stored) == kept != figures(served)[: len(kept)]

    old.refresh_from_db()
    # One step back is reading one version and a change of two rows: nothing is fitted, tried or forecast.
    _load_fit.cache_clear()
    with monkeypatch.context() as without:
        for module, name in ((engine, "fit"), (engine, "predict"), (trial, "survives")):
            without.setattr(module, name, _not_now)
        with CaptureQueriesContext(connection) as asked:
            roll_back(old, by=None)
    assert len(asked) <= 12 and not any('"forecasts' in query["sql"] for query in asked)
    assert serving_version(organisation) == old
    assert figures(issue_at(old, CUTOFF)) == kept == figures(stored)
    monkeypatch.delitem(RECIPES, "second")
    _load_fit.cache_clear()
    with pytest.raises(Refused):
        roll_back(new, by=None)
    assert serving_version(organisation) == old


def test_rolling_back_to_another_contract_is_refused_and_changes_nothing(version):
    other = ModelVersion.objects.create(
        organisation=version.organisation,
        number=99,
        recipe=version.recipe,
        code_version="0",
        contract="of another time",
        trained_through=CUTOFF,
        gate={"passed": True},
        state=VersionState.RETIRED,
    )
    with pytest.raises(Refused) as caught:
        roll_back(other, by=None)
    assert caught.value.code == "contract_changed"
    assert serving_version(version.organisation) == version


def test_a_version_no_better_than_naive_is_not_let_in(trained):
    """Sales that repeat last week exactly leave nothing to be learned: naive cannot be beaten."""
    for row in SalesSummary.objects.filter(organisation=trained):
        row.total_sales = 1000 + 100 * row.date.weekday()
        row.save()
    serving = serving_version(trained)
    run = run_now(start_training(organisation=trained, trigger="command", origins=1)[0])
    assert run.state == State.FAILED
    assert run.errors[0]["code"] == "not_let_in"
    assert serving_version(trained) == serving
    assert ModelVersion.objects.get(number=run.counts["version"]).state == VersionState.REFUSED


def test_a_closure_entered_by_day_is_in_the_forecasts_within_minutes(trained, version, monkeypatch):
    first, items = CUTOFF + dt.timedelta(days=3), []
    monkeypatch.setattr(renewal, "sells_items", lambda organisation: items.append(organisation) or True)
    branch = Department.objects.selling().filter(organisation=trained).first()
    row = Closure.objects.create(organisation=trained, department=branch, first=first)
    change = note(row, before=None, by=None)
    Change.objects.filter(pk=change.pk).update(at=timezone.now() + dt.timedelta(seconds=1))
    monkeypatch.setattr(renewal.clock, "now", lambda: timezone.now() + 2 * renewal.QUIET)
    renewal.keep_calendar()
    run = run_now(Run.objects.get(kind="forecast", trigger=Trigger.CALENDAR))
    assert run.state == State.DONE, run.errors
    made = ForecastIssue.objects.get(run=run).forecasts.filter(department=branch)
    assert not made.filter(date__gte=first).exclude(predicted_sales=0).exists()
    assert made.filter(date__lt=first, predicted_sales__gt=0).exists()
    assert items == [trained] and Run.objects.filter(kind="forecast_items", trigger=Trigger.CALENDAR).exists()
