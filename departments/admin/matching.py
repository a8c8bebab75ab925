"""The page on which a person says which object of 1C is which department."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from accounts.pages import page_organisation, signed_in
from departments.choices import Kind
from departments.edit import Refused
from departments.matching import SURE, Proposal, confirm, matching, release
from departments.models import Department, SourceDepartment
from runs.pages import latest_box
from runs.sentences import sentence

REASONS = {
    "code": _("same 1C code"),
    "bin": _("same BIN"),
    "other_bin": _("another BIN"),
    "other_number": _("another number in the name"),
    "rival": _("another one is as likely"),
}
OBJECTS_SHOWN = 200


class MatchingView(UnfoldModelAdminViewMixin, TemplateView):
    """What the names, codes and BINs suggest, what is left over on both sides, and what was confirmed."""

    title = _("1C and departments")
    permission_required = "departments.view_connection"
    template_name = "departments/matching.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = matching(page_organisation(self.request), signed_in(self.request))
        return super().get_context_data(
            **kwargs,
            found=found,
            proposals=[_line(one) for one in found.proposals],
            left_items=found.items[:OBJECTS_SHOWN],
            box=latest_box(self.request, "sync_departments"),
            may_match=self.request.user.has_perm("departments.change_department"),
            may_synchronise=self.request.user.has_perm("departments.sync_departments"),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """`pair` (object:department, any number), `object_of_<department>` (a code), or `release` (an object)."""
        if not request.user.has_perm("departments.change_department"):
            raise PermissionDenied
        user = signed_in(request)
        try:
            if undone := _objects(request, [request.POST.get("release", "")]):
                release(undone[0], by=user)
                messages.success(request, _("The match was undone."))
            else:
                number = confirm(_pairs(request), by=user)
                said = ngettext("%(n)s match was confirmed.", "%(n)s matches were confirmed.", number)
                (messages.success if number else messages.warning)(request, said % {"n": number})
        except Refused as refused:
            messages.error(request, sentence(refused.code, refused.params))
        return redirect("admin:departments_matching")


def _line(one: Proposal) -> dict[str, Any]:
    level = "success" if one.confidence >= SURE else "info" if one.confidence >= 0.6 else "warning"
    return {
        "proposal": one,
        "confidence": _whole_percent(one.confidence),
        "likeness": _whole_percent(one.likeness),
        "sure": one.confidence >= SURE,
        "level": level,
        "reasons": [str(REASONS[name]) for name in one.reasons if name in REASONS],
    }


def _whole_percent(share: float) -> str:
    return f"{round(100 * share)}\u00a0%"


def _pairs(request: HttpRequest) -> list[tuple[SourceDepartment, Department]]:
    """The pairs that were sent, of what the user may see only. Raises Refused for an object that does not exist."""
    chosen = [text.partition(":")[::2] for text in request.POST.getlist("pair")]
    items = {str(row.pk): row for row in _objects(request, [item for item, _of in chosen])}
    departments = {
        str(row.pk): row
        for row in Department.objects.visible_to(signed_in(request)).filter(organisation=page_organisation(request))
    }
    pairs = [(items[item], departments[of]) for item, of in chosen if item in items and of in departments]
    for name, text in request.POST.items():
        of = name.removeprefix("object_of_")
        if of == name or of not in departments or not str(text).strip():
            continue
        pairs.append((_named(request, str(text).strip()), departments[of]))
    return pairs


def _named(request: HttpRequest, text: str) -> SourceDepartment:
    """The object of that code, else the only one of that name."""
    rows = _of_organisation(request)
    found = list(rows.filter(external_id=text)[:1]) or list(rows.filter(name=text)[:2])
    if len(found) != 1:
        raise Refused("object_unknown", text=text[:80])
    return found[0]  # type: ignore[no-any-return]


def _objects(request: HttpRequest, keys: list[str]) -> list[SourceDepartment]:
    """Objects by id; one that is matched with a department the user may not see is none of them."""
    seen = Department.objects.visible_to(signed_in(request))
    rows = _of_organisation(request).filter(pk__in=[int(key) for key in keys if key.isdecimal()])
    return list(rows.filter(department=None) | rows.filter(department__in=seen))


def _of_organisation(request: HttpRequest) -> Any:
    return SourceDepartment.objects.filter(
        organisation=page_organisation(request), connection__kind=Kind.ONEC, connection__is_active=True, valid_to=None
    )
