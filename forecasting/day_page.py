"""A day by the hour: what a branch is expected to sell when, beside what it sold."""

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import User
from accounts.pages import DateField, page_organisation, signed_in
from departments.models import Closure, Department
from departments.timing import local_date
from forecasting.choices import RULE_SENTENCES, Rule
from forecasting.models import Forecast
from forecasting.reasons import reasons_of
from forecasting.today import rest_of_today
from sales.hours import open_hours
from sales.models import SalesByHour, SalesSummary

QUIET = Decimal("0.01")  # of the busiest hour: below it nothing is planned


class DayForm(forms.Form):
    department = forms.ModelChoiceField(
        label=_("Department"), queryset=Department.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget()
    )
    date = DateField(label=_("Date"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        department = self.fields["department"]
        assert isinstance(department, forms.ModelChoiceField)
        department.queryset = Department.objects.visible_to(user).selling().filter(is_active=True).order_by("name")


class DayView(UnfoldModelAdminViewMixin, TemplateView):
    title = _("A day by the hour")
    permission_required = "forecasting.view_forecast"
    template_name = "forecasting/day.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = signed_in(self.request)
        organisation = page_organisation(self.request)
        offered = Department.objects.visible_to(user).selling().filter(is_active=True, organisation=organisation)
        first = offered.order_by("name").first()
        asked = {name: str(value) for name, value in self.request.GET.items() if value}
        values = {"department": str(first.pk) if first else "", "date": local_date(organisation.time_zone).isoformat()}
        values |= asked
        form = DayForm({**values, "date": DateField().shown(values["date"])}, user=user)
        shown: dict[str, Any] = {}
        if form.is_valid():
            department, date = form.cleaned_data["department"], form.cleaned_data["date"]
            shown = {"one": department, "date": date, **hours_of(department, date), "days": _days(department, date)}
        return super().get_context_data(**kwargs, form=form, **shown)


def hours_of(department: Department, date: dt.date) -> dict[str, Any]:
    """{"forecast", "made_by", "reasons", "hours", "sold", "day", "now"}: the newest forecast, its hours beside those sold.

    `sold` is their sum, `now` what today looks like from the hours that are over, where there are any. `closed_since`:
    the day is to be closed by now, which the forecast did not know.
    """
    forecast = (
        Forecast.objects.filter(department=department, date=date)
        .newest()
        .select_related("issue__version", "department")
        .first()
    )
    expected = [Decimal(text) for text in forecast.hours] if forecast and forecast.hours else []
    rows = SalesByHour.objects.filter(department=department, date=date).values_list("hour", "sales_amount")
    sold = {hour: amount for hour, amount in rows if amount is not None}
    lines = [
        {"hour": hour, "predicted": expected[hour] if expected else None, "actual": sold.get(hour)}
        for hour in range(24)
    ]
    highest = [max(line["predicted"] or Decimal(0), line["actual"] or Decimal(0)) for line in lines]
    most = max(highest)
    for line in lines:
        line["width"] = round(100 * (line["predicted"] or 0) / most) if most else 0
        line["width_actual"] = round(100 * (line["actual"] or 0) / most) if most else 0
    order = open_hours([amount > most * QUIET for amount in highest])
    return {
        "forecast": forecast,
        "closed_since": forecast is not None and forecast.rule != Rule.CLOSED and _to_be_closed(department, date),
        "made_by": RULE_SENTENCES[Rule(forecast.rule)] if forecast else "",
        "reasons": reasons_of(forecast) if forecast else None,
        "hours": [lines[hour] for hour in order],
        "sold": sum(sold.values(), Decimal(0)) if sold else None,
        "now": rest_of_today(department, forecast) if forecast else None,
        "day": SalesSummary.objects.filter(department=department, date=date).with_settled().first(),
    }


def _to_be_closed(department: Department, date: dt.date) -> bool:
    """Whether the calendar has the day, which is not over yet, as closed."""
    today = local_date(department.time_zone or department.organisation.time_zone)
    closures = Closure.objects.filter(Q(last=None) | Q(last__gte=date), department=department, first__lte=date)
    return date >= today and closures.exists()


def _days(department: Department, date: dt.date) -> list[tuple[dt.date, str]]:
    """[(date, address)] of the day before and the day after."""
    return [
        (day, "?" + urlencode({"department": department.pk, "date": day}))
        for day in (date - dt.timedelta(days=1), date + dt.timedelta(days=1))
    ]
