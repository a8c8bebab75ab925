"""Where errors of several currencies meet in one figure, what a currency is worth moves nothing: days count."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from django.utils import timezone

from departments.models import Department
from forecasting import backtest, drift, gate
from forecasting.choices import Origin
from forecasting.currencies import at_par, panel_at_par
from forecasting.engine import contest, metrics
from forecasting.engine.recipe import Recipe
from forecasting.models import Accuracy, OwnForecasts
from forecasting.scoring import score
from forecasting.series import read_series
from forecasting.tests.challengers import NUMBERS, _frame, chain, changed, last_week_again, origins_of
from tests.world import World

WORTHS = [1e-3, 1.0, 1e3]
SOM = ["b0", "b1", "b2"]


def mean_of_four(panel, origin, horizon):
    return _frame(panel, origin, metrics.mean4(panel, origin, horizon)["yhat"].to_numpy().reshape(-1, horizon))


def two_currencies(worth: float, som: list[str] = SOM):
    """The invented chain, of which the branches `som` sell in another currency, `worth` times the figures."""
    series = chain()
    mine = np.isin(series.panel.series, som)
    for name in som:
        series.departments[name].money = "KGS"
    y = np.where(mine[:, None], worth, 1.0) * series.panel.y
    return replace(series, panel=replace(series.panel, y=y, currency=np.where(mine, "KGS", "KZT").tolist()))


def one_way_in_som(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[frame["series_id"].isin(SOM), NUMBERS] *= 1.6
    return frame


@pytest.mark.unit
class TestFigures:
    """Forecasts here grow with the sales they are made of, so only what pools them can depend on a currency's worth."""

    def same(self, figures: list[dict]) -> None:
        for other in figures[1:]:
            assert other.keys() == figures[0].keys()
            for name, value in figures[0].items():
                assert other[name] == pytest.approx(value, rel=1e-9), name

    def test_one_currency_is_left_as_it_is(self):
        series = chain()
        frame = last_week_again(series.panel, series.cutoff, 28)
        panel, same = panel_at_par(series.panel, frame)
        assert panel is series.panel and same is frame
        rows = pd.DataFrame({"y": [1.0, 2.0]})
        assert at_par(rows, pd.Series(["KZT", "KZT"]), ["y"]) is rows

    def test_an_average_day_is_worth_the_same_in_each_currency(self):
        series = two_currencies(1e-3)
        panel, frame = panel_at_par(series.panel, last_week_again(series.panel, series.cutoff, 28))
        year = panel.y[:, panel.index(series.cutoff) - 363 : panel.index(series.cutoff) + 1]
        som = np.isin(panel.series, SOM)
        usual = np.nanmean(year[~som])
        assert np.nanmean(year[som]) == pytest.approx(usual, rel=0.01)
        assert (frame["yhat"].groupby(frame["series_id"].isin(SOM)).mean() / usual).between(0.5, 1.5).all()

    def test_the_verdict_on_a_recipe(self):
        new, found = changed(mean_of_four, one_way_in_som), []
        for worth in WORTHS:
            series = two_currencies(worth)
            verdict = gate.judge_recipe(series, new, mean_of_four, origins_of(series, 4))
            found.append({"code": verdict.code, **verdict.params})
        assert found[0]["code"] == "worse_than_serving"
        assert found[0] == found[1] == found[2]

    def test_the_verdict_on_a_refit(self, monkeypatch):
        monkeypatch.setattr(contest, "of_fit", lambda fitted: mean_of_four)
        new = changed(mean_of_four, one_way_in_som)
        found = []
        for worth in WORTHS:
            series = two_currencies(worth)
            (seen,) = origins_of(series, 1)
            found.append(gate.judge_refit(series, new, SimpleNamespace(trained_through=seen.isoformat())))
        assert found[0].code == "worse_than_serving"
        assert found[0] == found[1] == found[2]

    def test_scale_is_watched_in_each_currency(self):
        """Three of six branches at 5.5 times are too much for the chain, however small their figures."""
        for worth in WORTHS:
            series = two_currencies(worth)
            ahead = mean_of_four(series.panel, series.cutoff, 28)
            assert gate.sane_frame(series, ahead) is None
            ahead.loc[ahead["series_id"].isin(SOM), NUMBERS] *= 5.5
            assert gate.sane_frame(series, ahead).code == "out_of_scale"

    def test_small_and_large_are_so_within_their_currency(self):
        sizes = []
        for worth in WORTHS:
            series = two_currencies(worth)
            rows = pd.DataFrame({"series_id": series.panel.series})
            sizes.append(gate.segments(series)["size"](rows).tolist())
        assert sizes[0] == sizes[1] == sizes[2] and len(set(sizes[0])) == 3

    def test_the_backtest(self, monkeypatch):
        monkeypatch.setattr(contest, "of_recipe", lambda recipe, **options: changed(mean_of_four, one_way_in_som))
        scores = []
        for worth in WORTHS:
            series = two_currencies(worth, SOM[:2])
            scores.append(backtest.backtest_score(series, origins_of(series, 2), Recipe(name="any")))
        self.same([{k: v for k, v in each.items() if isinstance(v, float)} for each in scores])


@pytest.fixture
def two(world: World) -> World:
    """The bakery sells in som."""
    Department.objects.filter(pk=world.bakery.pk).update(currency="KGS")
    return world


def logged(world: World, worth: float) -> None:
    """Fourteen weeks of both, the newest four of the bakery promised too high, the last one most."""
    Accuracy.objects.all().delete()
    Accuracy.objects.bulk_create(
        Accuracy(
            organisation=world.organisation, department=department, date=world.today - dt.timedelta(days=back), horizon=1,
            version=world.version, origin=Origin.NIGHTLY, rule="model", cutoff=world.today, actual=1000 * times,
            naive=900 * times, predicted_sales=1000 * times * (1.01 + high * (1 if back < 8 else 0.25) * (back < 29)), lower_80=900 * times,
            upper_80=1100 * times, lower_95=0, upper_95=2000 * times, state="complete", is_settled=True,
            measured_at=timezone.now(),
        )
        for back in range(1, 92)
        for department, times, high in ((world.cafe, 1.0, 0.0), (world.bakery, worth, 0.24))
    )  # fmt: skip


@pytest.mark.integration
@pytest.mark.django_db
class TestLog:
    def test_the_engine_is_told_who_sells_in_what(self, two: World):
        panel = read_series(two.organisation, cutoff=two.today, horizon=7).panel
        sold_in = dict(zip(panel.series, panel.currency, strict=True))
        assert sold_in[str(two.bakery.pk)] == "KGS" and sold_in[str(two.cafe.pk)] == "KZT"

    def test_of_one_currency_it_is_told_nothing(self, world: World):
        assert read_series(world.organisation, cutoff=world.today, horizon=7).panel.currency is None

    def test_drift(self, two: World):
        found = []
        for worth in WORTHS:
            logged(two, worth)
            rows = drift._rows(two.organisation)
            found.append([(each.code, each.params) for each in drift.drifts(rows, {})])
        assert [code for code, _params in found[0]] == ["error_beyond_band", "bias_persists"]
        assert found[0] == found[1] == found[2]

    def test_somebodys_own_forecasts(self, two: World):
        """Theirs are a tenth off in the bakery, ours by more; both weigh as the cafe does."""
        found = []
        for worth in WORTHS:
            logged(two, worth)
            days = [(two.today - dt.timedelta(days=back)).isoformat() for back in range(1, 8)]
            rows = [[str(two.cafe.pk), day, "1000.00", None, None] for day in days]
            rows += [[str(two.bakery.pk), day, f"{1100 * worth:.2f}", None, None] for day in days]
            own = OwnForecasts.objects.create(
                organisation=two.organisation, uploaded_by=two.analyst, name="x.csv", days_before=1, rows=rows
            )
            found.append(score(own))
        for result in found:
            assert result["theirs"]["wape"] == pytest.approx(0.05)
            assert result["ours"]["wape"] == pytest.approx(0.13)
            assert result["naive"]["wape"] == pytest.approx(0.1)
