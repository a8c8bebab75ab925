"""Forecast by branch: what each branch is expected to sell, how surely, and by which rule."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget

from accounts.models import User
from accounts.pages import DateField, page_organisation, signed_in
from departments.choices import Segment
from departments.models import Department
from departments.querysets import DepartmentQuerySet
from departments.timing import organisation_today
from forecasting.ahead import Sum, by_branch, by_day, expected, together, with_intervals
from forecasting.choices import Rule
from runs.sentences import sentence

USUAL_DAYS = 7
LONGEST = 92  # days; what lies before today was expected of past days
MONTH = 35  # days; whoever has forecasts for longer plans by them
MOST_LINES = 60  # of several days and branches: beyond it one reads sums, and opens a day or a branch
NAMED = 12  # branches without a forecast that are named


class AheadForm(forms.Form):
    from_date = DateField(label=_("From"))
    to_date = DateField(label=_("To"))
    segment = forms.ChoiceField(
        label=_("Segment"),
        choices=[("", _("All segments")), *Segment.choices],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    departments = forms.ModelMultipleChoiceField(
        label=_("Departments"),
        queryset=Department.objects.none(),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget(),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments = self.fields["departments"]
        assert isinstance(departments, forms.ModelMultipleChoiceField)
        self.visible = Department.objects.visible_to(user).selling()
        departments.queryset = self.visible.order_by("name")
        departments.widget.attrs["data-placeholder"] = gettext("All departments")

    def chosen(self) -> DepartmentQuerySet:
        """The departments asked for, of those the user may see."""
        rows = self.visible
        if self.cleaned_data["departments"]:
            rows = rows.filter(pk__in=[department.pk for department in self.cleaned_data["departments"]])
        if self.cleaned_data["segment"]:
            rows = rows.filter(segment_type=self.cleaned_data["segment"])
        return rows

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("from_date"), values.get("to_date")
        if first and last and first > last:
            raise forms.ValidationError(
                sentence("range_reversed", {"first": f"{first:%d.%m.%Y}", "last": f"{last:%d.%m.%Y}"})
            )
        if first and last and (last - first).days >= LONGEST:
            raise forms.ValidationError(
                gettext("At most %(days)s days can be shown at once. For more take a file.") % {"days": LONGEST}
            )
        return values


class AheadView(UnfoldModelAdminViewMixin, TemplateView):
    title = _("Forecast by branch")
    permission_required = "forecasting.view_forecast"
    template_name = "forecasting/ahead.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = organisation_today(page_organisation(self.request))
        asked = self.request.GET
        dates = {
            "from_date": asked.get("from_date") or today.isoformat(),
            "to_date": asked.get("to_date") or (today + dt.timedelta(days=USUAL_DAYS - 1)).isoformat(),
        }
        values = {
            **{name: DateField().shown(text) for name, text in dates.items()},
            "segment": asked.get("segment", ""),
            "departments": asked.getlist("departments"),
        }
        form = AheadForm(values, user=signed_in(self.request))
        shown = shown_forecasts(form) if form.is_valid() else {}
        shown |= {"ranges": _ranges(form, today), "horizon": settings.FORECAST_HORIZON}
        return super().get_context_data(**kwargs, form=form, **shown)


def shown_forecasts(form: AheadForm) -> dict[str, Any]:
    """What the page shows of a valid form: sums by day and branch, lines unless they are too many, who lacks what."""
    first, last = form.cleaned_data["from_date"], form.cleaned_data["to_date"]
    chosen = form.chosen()
    rows = expected(chosen, first, last)
    sums, branches, days = together(rows), by_branch(rows), by_day(rows)
    with_intervals(rows, sums, branches, days)
    known = {branch.key for branch in branches}
    absent = [
        name for pk, name in chosen.filter(is_active=True).order_by("name").values_list("pk", "name") if pk not in known
    ]
    dates = {row.date for row in rows}
    many = len(rows) > MOST_LINES and len(dates) > 1 and len(branches) > 1
    query = _query(form)
    line = {**query, "segment": ""}
    return {
        "sums": sums,
        "n_dates": len(dates),
        "rows": [{"row": row, "rule": Rule(row.rule).label} for row in rows] if not many else [],
        "many": many,
        "days": [{**_shown(day), "address": _address(query, from_date=day.key, to_date=day.key)} for day in days],
        "branches": [{**_shown(branch), "address": _address(line, departments=[branch.key])} for branch in branches],
        "n_days": (last - first).days + 1,
        "made": max((row.made_at for row in rows), default=None),
        "cutoffs": _ends([row.cutoff for row in rows]),
        "absent": absent[:NAMED],
        "absent_more": max(len(absent) - NAMED, 0),
        "exports": _exports(form),
    }


def _shown(line: Sum) -> dict[str, Any]:
    most = sorted(line.rules.items(), key=lambda item: (-item[1], item[0]))
    rules = [(Rule(rule).label, n) for rule, n in most]
    return {"line": line, "rules": rules, "mixed": len(rules) > 1}


def _ends(dates: list[dt.date]) -> list[dt.date]:
    """The first and the last, once if they are the same."""
    return sorted({min(dates), max(dates)}) if dates else []


def _query(form: AheadForm) -> dict[str, Any]:
    values = form.cleaned_data
    return {
        "from_date": values["from_date"],
        "to_date": values["to_date"],
        "segment": values["segment"],
        "departments": [department.pk for department in values["departments"]],
    }


def _address(query: dict[str, Any], **other: Any) -> str:
    return "?" + urlencode({name: value for name, value in {**query, **other}.items() if value}, doseq=True)


def _ranges(form: AheadForm, today: dt.date) -> list[tuple[str, str]]:
    """[(label, address)] of the periods people ask for most, of the same departments."""
    kept = _query(form) if form.is_valid() else {}
    tomorrow = today + dt.timedelta(days=1)
    periods = [(gettext("today"), today, today), (gettext("tomorrow"), tomorrow, tomorrow)]
    plan = [settings.FORECAST_HORIZON] if settings.FORECAST_HORIZON > MONTH else []
    periods += [
        (ngettext("%(n)s day", "%(n)s days", days) % {"n": days}, today, today + dt.timedelta(days=days - 1))
        for days in (7, 14, 28, *plan)
    ]
    return [(label, _address(kept, from_date=first, to_date=last)) for label, first, last in periods]


def _exports(form: AheadForm) -> list[tuple[str, str]]:
    """[(label, address)]: the same forecasts as files."""
    query = _query(form)
    asked = {
        "from_date": query["from_date"],
        "to_date": query["to_date"],
        "segment_type": query["segment"],
        "departments": ",".join(map(str, query["departments"])),
    }
    asked = {name: value for name, value in asked.items() if value}
    return [
        (gettext("As an Excel sheet"), f"{reverse('api-forecast-export-xlsx')}?{urlencode(asked)}"),
        ("CSV", f"{reverse('api-forecast-export')}?{urlencode({**asked, 'style': 'excel'})}"),
    ]
