"""The page on which a person says whose the sales are that no known department made."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from accounts.pages import page_organisation, signed_in
from departments.edit import Refused
from departments.models import Department
from departments.scopes import sees_all
from runs.sentences import sentence
from sales.waiting import Waiting, give, give_to_new, waiting


class WaitingView(UnfoldModelAdminViewMixin, TemplateView):
    title = gettext_lazy("Sales of unknown departments")
    permission_required = "runs.view_alarm"
    template_name = "sales/waiting.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What is nobody's yet is for who sees the chain as a whole."""
        organisation = page_organisation(self.request)
        whole = sees_all(signed_in(self.request), organisation)
        may_give = whole and self.request.user.has_perm("departments.change_sourcedepartment")
        return super().get_context_data(
            **kwargs,
            whole=whole,
            lines=waiting(organisation) if whole else [],
            departments=self._departments() if may_give else [],
            may_give=may_give,
            may_create=may_give and self.request.user.has_perm("departments.add_department"),
        )

    def _departments(self) -> Any:
        mine = Department.objects.visible_to(signed_in(self.request))
        return mine.filter(organisation=page_organisation(self.request)).order_by("name")

    def post(self, request: HttpRequest) -> HttpResponse:
        """`connection` and `id` name what waits; `department` gives it to that one, `name` to a new one."""
        whole = sees_all(signed_in(request), page_organisation(request))
        if not whole or not request.user.has_perm("departments.change_sourcedepartment"):
            raise PermissionDenied
        asked = request.POST.get("connection"), request.POST.get("id", "")
        lines = waiting(page_organisation(request))
        line = next((line for line in lines if (str(line.connection.pk), line.external_id) == asked), None)
        if line is None:
            messages.warning(request, _("Nothing waits there any more."))
            return redirect("admin:sales_waiting")
        try:
            name, changed = self._give(request, line)
        except Refused as refused:
            messages.error(request, sentence(refused.code, refused.params))
        except ValidationError as bad:
            messages.error(request, " ".join(bad.messages))
        else:
            said = _("The sales are those of %(department)s now: %(n)s days and hours were published.")
            messages.success(request, said % {"department": name, "n": changed})
        return redirect("admin:sales_waiting")

    def _give(self, request: HttpRequest, line: Waiting) -> tuple[str, int]:
        if name := request.POST.get("name", "").strip():
            if not request.user.has_perm("departments.add_department"):
                raise PermissionDenied
            return name, give_to_new(line, name, by=signed_in(request))
        chosen = {str(one.pk): one for one in self._departments()}.get(request.POST.get("department", ""))
        if chosen is None:
            raise Refused("choose_department")
        return chosen.name, give(line, chosen)
