"""How promises came out, in words: what was announced some days before, beside what was sold."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import User
from accounts.pages import DateField, page_organisation, signed_in
from departments.models import Department
from departments.timing import organisation_today
from forecasting.accuracy import By, Cell, Reading, cells, group_names, most_common, read
from forecasting.models import Accuracy
from forecasting.querysets import AccuracyQuerySet

SHOWN_DAYS = 90
LARGE, SHOWN_DAYS_OF_LARGE = 100, 28  # branches
PROMISES = [(1, _("1 day before")), (7, _("7 days before")), (14, _("14 days before")), (28, _("28 days before"))]
PROMISED_BEFORE = [days for days, _label in PROMISES]


class AccuracyForm(forms.Form):
    from_date = DateField(label=_("From"))
    to_date = DateField(label=_("To"))
    department = forms.ModelChoiceField(
        label=_("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=_("All departments"),
        widget=UnfoldAdminSelectWidget(),
    )
    days_before = forms.TypedChoiceField(
        label=_("As promised"), choices=PROMISES, coerce=int, widget=UnfoldAdminSelectWidget()
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        department = self.fields["department"]
        assert isinstance(department, forms.ModelChoiceField)
        department.queryset = Department.objects.visible_to(user).selling().order_by("name")
        self.currencies = department.queryset.currencies()
        codes = most_common(self.currencies.values())
        if len(codes) > 1:  # shares of money of two kinds are shares of nothing
            self.fields["currency"] = forms.ChoiceField(
                label=_("Currency"),
                choices=[(code, code) for code in codes],
                required=False,
                widget=UnfoldAdminSelectWidget(),
            )
        self.usual_currency = codes[0] if codes else ""

    def chosen(self, rows: AccuracyQuerySet) -> AccuracyQuerySet:
        """Those of the department, else of the departments of one currency."""
        if one := self.cleaned_data["department"]:
            return rows.filter(department=one)
        if "currency" not in self.fields:
            return rows
        code = self.cleaned_data["currency"] or self.usual_currency
        return rows.filter(department__in=[pk for pk, own in self.currencies.items() if own == code])


class AccuracyPage(UnfoldModelAdminViewMixin, TemplateView):
    title = _("How forecasts came out")
    permission_required = "forecasting.view_forecast"
    template_name = "forecasting/accuracy.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = signed_in(self.request)
        today = organisation_today(page_organisation(self.request))
        asked = {name: str(value) for name, value in self.request.GET.items() if value}
        values = {
            "from_date": (today - dt.timedelta(days=_usual_days(user))).isoformat(),
            "to_date": (today - dt.timedelta(days=1)).isoformat(),
            "days_before": "1",
            **asked,
        }
        for name in ("from_date", "to_date"):
            values[name] = DateField().shown(values[name])
        form = AccuracyForm(values, user=user)
        found: dict[str, Any] = {}
        if form.is_valid():
            chosen = form.cleaned_data
            rows = form.chosen(Accuracy.objects.visible_to(user).between(chosen["from_date"], chosen["to_date"]))
            days_before = chosen["days_before"]
            by_time = cells(rows.filter(horizon__in=PROMISED_BEFORE), By.HORIZON, By.WEEKDAY, By.HOLIDAY, brief=True)
            promised = [cell for cell in by_time if cell.keys[By.HORIZON] == days_before]
            by_place = cells(rows.filter(horizon=days_before), By.DEPARTMENT, By.SEGMENT)
            found = {
                "all": read(by_place)[0],
                "days_before": days_before,
                "tables": [
                    (_("By the days it was promised before"), named(by_time, By.HORIZON)),
                    (_("By department"), named(by_place, By.DEPARTMENT)),
                    (_("By weekday"), named(promised, By.WEEKDAY)),
                    (_("Holidays and ordinary days"), named(promised, By.HOLIDAY)),
                    (_("By segment"), named(by_place, By.SEGMENT)),
                ],
            }
        return super().get_context_data(**kwargs, form=form, **found)


def _usual_days(user: User) -> int:
    """A quarter, of a large chain four weeks."""
    branches = Department.objects.visible_to(user).selling().count()
    return SHOWN_DAYS if branches <= LARGE else SHOWN_DAYS_OF_LARGE


def named(counted: Iterable[Cell], by: str) -> list[tuple[str, Reading]]:
    """[(group in words, reading)], branches and segments by name, the rest in its own order."""
    found = read(counted, by)
    names = group_names(by, [reading.key for reading in found])
    lines = [(names.get(reading.key, str(reading.key)), reading) for reading in found]
    return sorted(lines, key=lambda line: line[0]) if by in (By.DEPARTMENT, By.SEGMENT) else lines
