"""Fact against forecast, and the model: what serves, how well it was measured, training and rolling back."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import SELECT_CLASSES, UnfoldAdminSelectWidget

from accounts.models import User
from accounts.pages import DateField, back_to, page_organisation, signed_in
from departments.models import Department
from departments.timing import organisation_today
from forecasting.accuracy import By, group_names, readings, rows_by_currency
from forecasting.choices import LEAST_DAYS, VERSION_TONES, VersionState
from forecasting.compare import Comparison, by_currency, by_department, compare, summary
from forecasting.models import Accuracy, ForecastIssue, ModelVersion
from forecasting.succession import changes, served_before, training_times
from runs.choices import Trigger
from runs.pages import asked_run, latest_box, with_run
from runs.sentences import sentence
from sales.choices import TRUSTED, DayState

SHOWN_DAYS = 28
AHEAD_DAYS = 7
PROMISED_DAYS = 90
MOST_ROWS = 4000  # departments x days
MOST_LINES = 300  # of several departments: beyond it one reads a line per department, and opens it
PROMISES = [(1, _("1 day before")), (7, _("7 days before")), (28, _("28 days before"))]
SELECT = {"class": " ".join(SELECT_CLASSES)}


class ComparisonForm(forms.Form):
    from_date = DateField(label=_("From"))
    to_date = DateField(label=_("To"))
    department = forms.ModelChoiceField(
        label=_("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=_("All departments"),
        widget=UnfoldAdminSelectWidget(SELECT),
    )
    days_before = forms.TypedChoiceField(
        label=_("As promised"), choices=PROMISES, coerce=int, widget=UnfoldAdminSelectWidget(SELECT)
    )
    known_on = DateField(label=_("Or as known on the morning of"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        department = self.fields["department"]
        assert isinstance(department, forms.ModelChoiceField)
        self.departments = Department.objects.visible_to(user)
        department.queryset = self.departments.selling().order_by("name")

    def chosen(self) -> Any:
        one = self.cleaned_data["department"]
        return self.departments.filter(pk=one.pk) if one else self.departments

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("from_date"), values.get("to_date")
        if not first or not last:
            return values
        if first > last:
            raise forms.ValidationError(
                sentence("range_reversed", {"first": f"{first:%d.%m.%Y}", "last": f"{last:%d.%m.%Y}"})
            )
        columns = 1 if values.get("department") else self.departments.selling().count()
        days = (last - first).days + 1
        if days * columns > MOST_ROWS and days > SHOWN_DAYS:
            raise forms.ValidationError(
                gettext("%(days)s days of %(n)s departments are too many rows. Choose fewer days or one department.")
                % {"days": days, "n": columns}
            )
        return values


class ComparisonView(UnfoldModelAdminViewMixin, TemplateView):
    title = _("Fact against forecast")
    permission_required = "forecasting.view_forecast"
    template_name = "forecasting/comparison.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = signed_in(self.request)
        today = organisation_today(page_organisation(self.request))
        defaults = {
            "from_date": (today - dt.timedelta(days=_usual_days(user))).isoformat(),
            "to_date": (today - dt.timedelta(days=1)).isoformat(),
            "days_before": "1",
        }
        asked = {name: str(value) for name, value in self.request.GET.items() if value}
        form = ComparisonForm(_as_written({**defaults, **asked}), user=user)
        rows: list[Comparison] = []
        if form.is_valid():
            values = form.cleaned_data
            rows = compare(
                departments=form.chosen(),
                first=values["from_date"],
                last=values["to_date"],
                days_before=values["days_before"],
                known_on=values["known_on"],
                today=today,
            )
        one = form.cleaned_data.get("department") if form.is_valid() else None
        kept: dict[str, str] = {
            name: asked[name] for name in ("from_date", "to_date", "days_before", "known_on") if name in asked
        }
        many = one is None and len(rows) > MOST_LINES
        return super().get_context_data(
            **kwargs,
            form=form,
            one=one,
            rows=[] if many else [shown_row(row, today) for row in rows],
            lines=by_department(rows) if many else [],
            kept=urlencode(kept),
            totals=totals_by_currency(rows),
            ranges=_ranges(today, one, asked.get("days_before", "1")),
            exports=_exports(form) if form.is_valid() else [],
        )


def _usual_days(user: User) -> int:
    """Four weeks, of a large chain two."""
    columns = Department.objects.visible_to(user).selling().count()
    return SHOWN_DAYS if columns * SHOWN_DAYS <= MOST_ROWS else SHOWN_DAYS // 2


def shown_row(row: Comparison, today: dt.date) -> dict[str, Any]:
    """A comparison with the `state` of its day (None: it is ahead), and whether the actual lies within the interval.

    `inside` is of the interval that holds 80 of 100 days.
    """
    state = DayState(row.state) if row.state else DayState.MISSING if row.date < today else None
    inside = None
    if row.actual is not None and row.lower_80 is not None and row.upper_80 is not None:
        inside = row.lower_80 <= row.actual <= row.upper_80
    return {
        "row": row,
        "inside": inside,
        "state": state,
        "doubtful": state is not None and state not in TRUSTED,
    }


def totals_by_currency(rows: Sequence[Comparison]) -> list[dict[str, Any]]:
    """`totals` of each `currency`; without rows one of nothing."""
    return [{"currency": code, **totals(own)} for code, own in by_currency(rows) or [("", [])]]


def totals(rows: Sequence[Comparison]) -> dict[str, Any]:
    """`summary` of the rows with both figures and its `error`; whether those are `all` rows; all that was `sold`."""
    total = summary(rows)
    sold = [row.actual for row in rows if row.actual is not None]
    return {
        **total,
        "error": total["predicted"] - total["actual"],
        "all": total["n"] == len(rows),
        "sold": sum(sold, Decimal(0)) if sold else None,
    }


def _as_written(values: dict[str, str]) -> dict[str, str]:
    dates = ("from_date", "to_date", "known_on")
    return {name: DateField().shown(text) if name in dates else text for name, text in values.items()}


def _ranges(today: dt.date, one: Department | None, days_before: str) -> list[tuple[str, str]]:
    """[(label, address)] of the periods people ask for most."""
    yesterday = today - dt.timedelta(days=1)
    periods = [
        (ngettext("%(n)s day", "%(n)s days", days) % {"n": days}, today - dt.timedelta(days=days), yesterday)
        for days in (7, 28, 90)
    ]
    last = today + dt.timedelta(days=AHEAD_DAYS - 1)
    periods += [
        (gettext("28 days and 7 ahead"), today - dt.timedelta(days=SHOWN_DAYS), last),
        (gettext("7 days ahead"), today, last),
    ]
    kept = {"department": one.pk} if one else {}
    return [
        (label, "?" + urlencode({"from_date": first, "to_date": end, "days_before": days_before, **kept}))
        for label, first, end in periods
    ]


def _exports(form: ComparisonForm) -> list[tuple[str, str]]:
    """[(label, address)]: the same rows as files."""
    values = form.cleaned_data
    names = ("from_date", "to_date", "days_before", "known_on")
    query = {name: values[name] for name in names if values[name]} | {"include_actual": "true"}
    if values["department"]:
        query["department_id"] = values["department"].pk
    return [
        (gettext("As an Excel sheet"), f"{reverse('api-forecast-export-xlsx')}?{urlencode(query)}"),
        ("CSV", f"{reverse('api-forecast-export')}?{urlencode({**query, 'style': 'excel'})}"),
    ]


class ModelView(UnfoldModelAdminViewMixin, TemplateView):
    title = _("Model")
    permission_required = "forecasting.view_modelversion"
    template_name = "forecasting/model.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        versions = list(ModelVersion.objects.visible_to(self.request.user).select_related("organisation")[:30])
        serving = next((version for version in versions if version.state == VersionState.SERVING), None)
        if serving is None:
            serving = ModelVersion.objects.visible_to(self.request.user).serving().first()
        since = organisation_today(page_organisation(self.request)) - dt.timedelta(days=PROMISED_DAYS)
        promised = Accuracy.objects.visible_to(signed_in(self.request)).filter(horizon=1, date__gte=since)
        issue = ForecastIssue.objects.filter(version=serving).order_by("-made_at").first() if serving else None
        user = self.request.user
        before = served_before(serving) if serving else None
        return super().get_context_data(
            **kwargs,
            **training_times(self.request),
            serving=serving,
            before=before,
            changes=changes(serving, before) if serving and before else [],
            measured=measured(serving) if serving else [],
            backtest=backtest_tables(serving) if serving else [],
            promised=[
                (code, readings(rows)[0])
                for code, rows in rows_by_currency(promised, Department.objects.visible_to(signed_in(self.request)))
            ],
            issue=issue,
            versions=[shown_version(version) for version in versions],
            box=asked_run(self.request, "train", "backtest", "forecast")
            or latest_box(self.request, "train", "backtest"),
            least=LEAST_DAYS,
            may_train=user.has_perm("forecasting.train_model"),
            may_roll_back=user.has_perm("forecasting.roll_back_model"),
        )


def measured(version: ModelVersion) -> list[dict[str, Any]]:
    """Mean misses of the backtest, as shares: the model beside two rules that anybody could follow."""
    names = {
        "wape": gettext("this model"),
        "mean4_wape": gettext("mean of the last four same weekdays"),
        "snaive_wape": gettext("repeating last week"),
    }
    scores = {name: version.metrics[name] for name in names if version.metrics.get(name) is not None}
    most = max(scores.values(), default=1) or 1
    return [
        {"what": names[name], "wape": share, "width": round(100 * share / most), "ours": name == "wape"}
        for name, share in scores.items()
    ]


def backtest_tables(version: ModelVersion) -> list[dict[str, Any]]:
    """The groups of the long backtest in words; empty until it has been made."""
    weekdays = group_names(By.WEEKDAY, range(1, 8))
    tables = [
        ("days_ahead", gettext("By the days ahead"), {}),
        ("weekday", gettext("By weekday"), {str(number): name for number, name in weekdays.items()}),
        ("day", gettext("Holidays and ordinary days"), group_names(By.HOLIDAY, ["holiday", "ordinary"])),
        ("segment", gettext("By segment"), group_names(By.SEGMENT, version.backtest.get("segment", {}))),
    ]
    order = ["1-7", "8-14", "15-28"]
    return [
        {
            "title": title,
            "lines": [
                (names.get(group, group), score)
                for group, score in sorted(
                    version.backtest[kind].items(),
                    key=lambda item: (order.index(item[0]) if item[0] in order else 0, item[0]),
                )
            ],
        }
        for kind, title, names in tables
        if version.backtest.get(kind)
    ]


def shown_version(version: ModelVersion) -> dict[str, Any]:
    gate = version.gate
    return {
        "version": version,
        "tone": VERSION_TONES[VersionState(version.state)],
        "wape": version.metrics.get("wape"),
        "snaive_wape": version.metrics.get("snaive_wape"),
        "why": sentence(gate["code"], gate.get("params")) if gate.get("code") else "",
        "may_serve": bool(gate.get("passed")) and version.state != VersionState.SERVING,
    }


@require_POST
def train(request: HttpRequest) -> HttpResponse:
    """Start training; the model page shows how it goes."""
    if not request.user.has_perm("forecasting.train_model"):
        raise PermissionDenied
    # The engine is not wanted in a web process before somebody asks for training.
    from forecasting.train import start_training

    run, _created = start_training(
        organisation=page_organisation(request), trigger=Trigger.PAGE, started_by=signed_in(request)
    )
    return redirect(back_to(request, with_run(reverse("admin:forecasting_model"), run)))


@require_POST
def roll_back_to(request: HttpRequest, pk: int) -> HttpResponse:
    """Serve an earlier version again, and make forecasts with it: those that stand are of the version that goes."""
    if not request.user.has_perm("forecasting.roll_back_model"):
        raise PermissionDenied
    version = get_object_or_404(ModelVersion.objects.visible_to(request.user), pk=pk)
    from forecasting.predict import start_forecast
    from forecasting.versions import Refused, roll_back

    person, page = signed_in(request), reverse("admin:forecasting_model")
    try:
        roll_back(version, by=person)
    except Refused as refused:
        messages.error(request, sentence(refused.code, refused.params))
        return redirect(page)
    messages.success(request, gettext("Model %(version)s serves again.") % {"version": version})
    run, _created = start_forecast(organisation=version.organisation, trigger=Trigger.PAGE, started_by=person)
    return redirect(with_run(page, run))
