"""What to bake: a branch's day by product."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView
from accounts.permissions import requires
from departments.api.lookup import department_or_404
from forecasting.api import serializers
from forecasting.api.views import IN_PATH
from forecasting.bake import BakeList, bake_list
from forecasting.engine.item_levels import TOLERANCE
from sales.money import rounded

NO_ITEMS = _(
    "There is no forecast by product of this branch and date: its sales by product are not known up to the last days,"
    " or the date lies beyond two weeks."
)


class ItemsView(ApiView):
    permission_classes = [requires("forecasting.view_forecast")]

    @extend_schema(
        operation_id="forecast_items",
        parameters=[*IN_PATH, serializers.BakeParameters],
        responses=serializers.BakeList,
    )
    def get(self, request: Request, date: str, branch_id: str) -> Response:
        """What a branch is expected to sell of each product, and how much of it to bake. 404 `no_forecast`.

        Of a past date it is what was promised in its morning. `agreement` is null where money is not known.
        """
        asked = serializers.ForecastInPath.check({"date": date, "branch_id": branch_id})
        level = serializers.BakeParameters.read(request).get("service_level")
        found = bake_list(department_or_404(request, asked["branch_id"]), asked["date"], level=level)
        if found is None:
            raise NotFound(NO_ITEMS, "no_forecast")
        return Response(_shaped(found))


def _shaped(found: BakeList) -> dict[str, object]:
    agreement = found.agreement
    return {
        "date": found.date,
        "branch_id": found.department.pk,
        "department_name": found.department.name,
        "cutoff": found.cutoff,
        "made_at": found.issue.made_at,
        "items": [
            {
                "product_id": line.product.pk,
                "code": line.product.code,
                "name": line.product.name,
                "expected": line.expected,
                "bake": line.bake,
                "lower_80": line.lower_80,
                "upper_80": line.upper_80,
                "service_level": line.level,
                "batch": line.batch,
                "same_weekday_last_week": line.last_week,
                "sold": line.sold,
            }
            for line in found.lines
        ],
        "agreement": agreement
        and {
            "wanted": rounded(agreement.wanted),
            "found": rounded(agreement.found),
            "difference_percentage": round(100 * agreement.difference, 2),
            "tolerance_percentage": round(100 * TOLERANCE, 1),
            "holds": agreement.holds,
        },
    }
