"""Suspicious days, and deciding about many of them at once."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.lists import Listing, ListParameters, page_of
from accounts.api.views import ApiView, WorkView
from accounts.permissions import requires
from departments.api.lookup import department_or_404
from departments.api.serializers import DepartmentRange
from runs.choices import Trigger
from sales.api.serializers import Decided, Decision, DoubtShown
from sales.choices import DayState
from sales.day_page import doubt_sentences
from sales.models import SalesSummary
from sales.money import rounded
from sales.verdicts import NothingToDecide, Question, asked, believe_all, keep_all


class DoubtParameters(DepartmentRange, ListParameters):
    pass


class Doubts(ApiView):
    permission_classes = [requires("sales.view_salessummary")]
    listing = Listing(orderings=("date", "department_id", "id"), default="-date,department_id", limit=1000)

    @extend_schema(operation_id="sales_doubts", parameters=[DoubtParameters], responses=page_of("Doubt", DoubtShown))
    def get(self, request: Request) -> Response:
        """Suspicious days somebody has to decide about, newest first."""
        parameters = DoubtParameters.read(request)
        days = SalesSummary.objects.visible_to(request.user).filter(state=DayState.SUSPICIOUS)
        days = days.between(parameters.get("from_date"), parameters.get("to_date")).select_related("department")
        if pk := parameters.get("department_id"):
            days = days.filter(department=department_or_404(request, pk))
        response = self.listing.answer(request, days, parameters)
        found = response.data if isinstance(response.data, list) else response.data["results"]
        questions = {question.day.pk: question for question in asked(found)}
        found[:] = [_shown(questions.get(day.pk) or Question(day)) for day in found]
        return response


def _shown(question: Question) -> dict[str, Any]:
    day = question.day
    return {
        "id": day.pk,
        "department_id": day.department_id,
        "department_name": day.department.name,
        "date": day.date,
        "total_sales": rounded(day.total_sales),
        "source_says": rounded(question.said),
        "usual": rounded(question.usual),
        "reasons": doubt_sentences(question.observed),
        "can_keep": bool(question.observed) and question.known,
    }


class Decide(WorkView):
    permission_classes = [requires("sales.load_sales", "sales.load_sales")]

    @extend_schema(operation_id="sales_doubts_decide", request=Decision, responses=Decided)
    def post(self, request: Request) -> Response:
        """Believe the sources, or keep what was known, of up to 500 suspicious days. An id one may not see is 404."""
        body = Decision(data=request.data)
        body.is_valid(raise_exception=True)
        wanted, decision = set(body.validated_data["days"]), body.validated_data["decision"]
        days = SalesSummary.objects.visible_to(request.user).filter(pk__in=wanted)
        chosen = list(days.order_by("date", "id").select_related("connection", "department__organisation"))
        if len(chosen) < len(wanted):
            raise NotFound
        decided: list[Question] = []
        runs: list[Any] = []
        try:
            if decision == "keep":
                decided = keep_all(chosen, by=self.person())
            else:
                decided, runs = believe_all(chosen, by=self.person(), trigger=Trigger.API)
        except NothingToDecide:
            pass
        ids = {question.day.pk for question in decided}
        return Response(
            {
                "decision": decision,
                "decided": sorted(ids),
                "left_out": sorted(wanted - ids),
                "runs": [run.pk for run in runs],
            }
        )
