"""Upload forecasts of your own and see them scored beside ours."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from accounts.pages import page_organisation, signed_in
from forecasting.accuracy_page import PROMISES
from forecasting.models import OwnForecasts
from forecasting.own_forecasts import MORE, MOST_BYTES, WANTED, read_forecasts, start_scoring
from runs.pages import asked_run, with_run

COLUMN_WORDS = {
    "date": _("2026-03-21 or 21.03.2026"),
    "department": _("id, code or name"),
    "forecast": _("sales of the day, with a point or a comma"),
    "lower_80": _("of the interval that should hold 80 of 100 days; may be missing"),
    "upper_80": _("of the interval that should hold 80 of 100 days; may be missing"),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_("CSV with semicolons or commas, at most 5 MB"),
    )
    days_before = forms.TypedChoiceField(
        label=_("Made"), choices=PROMISES, coerce=int, initial=1, widget=UnfoldAdminSelectWidget()
    )


class OwnForecastsPage(UnfoldModelAdminViewMixin, FormView):
    title = _("Your own forecasts beside ours")
    permission_required = "forecasting.view_modelversion"
    template_name = "forecasting/own.html"
    form_class = UploadForm
    request: HttpRequest

    def form_valid(self, form: UploadForm) -> HttpResponse:
        organisation, user = page_organisation(self.request), signed_in(self.request)
        file = form.cleaned_data["file"]
        read = read_forecasts(file.read(MOST_BYTES + 1), organisation=organisation, by=user)
        if read.errors:
            return self.render_to_response(self.get_context_data(form=form, errors=read.errors))
        _own, run = start_scoring(
            read.rows, organisation=organisation, by=user, name=file.name, days_before=form.cleaned_data["days_before"]
        )
        return HttpResponseRedirect(with_run(reverse("admin:forecasting_own"), run))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        uploads = OwnForecasts.objects.visible_to(signed_in(self.request)).defer("rows")
        return super().get_context_data(
            **kwargs,
            columns=[(name, COLUMN_WORDS[name]) for name in WANTED + MORE],
            box=asked_run(self.request, "score_forecasts"),
            uploads=[(own, shown(own)) for own in uploads],
        )


def shown(own: OwnForecasts) -> dict[str, Any]:
    """`lines` [(who, score)] in words, the best first, and `note`: what was compared."""
    result = own.result
    if not result:
        return {"lines": [], "note": gettext("Not scored yet.")}
    if not result["n"]:
        return {"lines": [], "note": gettext("None of its days has sales, a promise of ours and a week before it.")}
    names = {
        "theirs": gettext("this file"),
        "ours": gettext("our promises"),
        "naive": gettext("repeating last week"),
    }
    lines = [(names[who], result[who]) for who in names]
    if previous := result.get("previous"):
        label = gettext("our previous model v%(version)s") % {"version": previous["version"]}
        if previous["n"] < result["n"]:
            days = ngettext("%(n)s day it had not seen", "%(n)s days it had not seen", int(previous["n"]))
            label += f" ({days % {'n': int(previous['n'])}})"
        lines.append((label, previous))
    note = gettext("Compared on %(n)s of %(rows)s lines.") % {"n": result["n"], "rows": result["rows"]}
    return {"lines": sorted(lines, key=lambda line: line[1].get("wape", 9.0)), "note": note}
