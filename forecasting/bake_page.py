"""The bake list of a branch: on a phone, on paper, as a sheet; and the terms it is made by."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, View
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget

from accounts.models import Organisation, User
from accounts.pages import DateField, page_organisation, signed_in
from accounts.tables import xlsx_response
from departments.models import Department
from departments.timing import local_date
from forecasting.bake import LEAST_LEVEL, MOST_LEVEL, BakeList, Terms, bake_list, forecast_departments, save_terms
from forecasting.item_measure import accuracy_of
from forecasting.models import BakeTerms, ItemForecast, ItemIssue
from items.models import Product, ProductGroup

TITLES = (
    _("Code"),
    _("Product"),
    _("Expected"),
    _("Bake"),
    _("Lower bound, 80 %"),
    _("Upper bound, 80 %"),
    # xgettext:no-python-format
    _("Suffices on % of days"),
    _("Same weekday last week"),
)
MOST_PRODUCTS = 1000  # whose terms are on one page


class BakeForm(forms.Form):
    department = forms.ModelChoiceField(
        label=_("Department"), queryset=Department.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget()
    )
    date = DateField(label=_("Date"))
    group = forms.ModelChoiceField(
        label=_("Product group"),
        queryset=ProductGroup.objects.none(),
        required=False,
        empty_label=_("All groups"),
        widget=UnfoldAdminSelectWidget(),
    )
    level = forms.DecimalField(
        # xgettext:no-python-format
        label=_("Suffices on % of days"),
        required=False,
        min_value=LEAST_LEVEL,
        max_value=MOST_LEVEL,
        decimal_places=1,
        localize=True,
        widget=UnfoldAdminDecimalFieldWidget({"inputmode": "decimal"}),
        help_text=_("Empty: by what a lost sale and a wasted unit of each product cost"),
    )

    def __init__(self, *args: Any, user: User, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        department = self.fields["department"]
        assert isinstance(department, forms.ModelChoiceField)
        mine = Department.objects.visible_to(user).selling().filter(is_active=True, organisation=organisation)
        known = forecast_departments(organisation, mine.values_list("pk", flat=True))
        # Where nobody's items are known yet, any branch may be looked at and is told so.
        department.queryset = (mine.filter(pk__in=known) if known else mine).order_by("name")
        group = self.fields["group"]
        assert isinstance(group, forms.ModelChoiceField)
        group.queryset = ProductGroup.objects.filter(organisation=organisation, products__isnull=False).distinct()
        if not group.queryset.exists():
            del self.fields["group"]


def asked_form(asked: QueryDict, user: User, organisation: Organisation) -> BakeForm:
    """What was asked for; of the first branch and tomorrow unless told."""
    form = BakeForm(user=user, organisation=organisation)
    field = form.fields["department"]
    assert isinstance(field, forms.ModelChoiceField) and field.queryset is not None
    first = field.queryset.first()
    tomorrow = local_date(organisation.time_zone) + dt.timedelta(days=1)
    values = {"department": str(first.pk) if first else "", "date": tomorrow.isoformat()}
    values |= {name: str(value) for name, value in asked.items() if value}
    form.data, form.is_bound = {**values, "date": DateField().shown(values["date"])}, True
    return form


def list_of(form: BakeForm) -> BakeList | None:
    asked = form.cleaned_data
    return bake_list(asked["department"], asked["date"], level=asked["level"], group=asked.get("group"))


class BakePage(UnfoldModelAdminViewMixin, TemplateView):
    title = _("Bake list")
    permission_required = "forecasting.view_forecast"
    template_name = "forecasting/bake.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        organisation = page_organisation(self.request)
        form = asked_form(self.request.GET, signed_in(self.request), organisation)
        shown: dict[str, Any] = {}
        if form.is_valid():
            department, date = form.cleaned_data["department"], form.cleaned_data["date"]
            query = {name: form.data.get(name, "") for name in ("department", "group", "level")}
            shown = {
                "one": department,
                "date": date,
                "found": list_of(form),
                "accuracy": accuracy_of(department),
                "days": [
                    (day, _address(query, day)) for day in (date - dt.timedelta(days=1), date + dt.timedelta(days=1))
                ],
                "sheet": reverse("admin:forecasting_bake_sheet") + _address(query, date),
            }
        may_change = self.request.user.has_perm("forecasting.change_baketerms")
        return super().get_context_data(
            **kwargs, form=form, terms=Terms(organisation).default, may_change=may_change, **shown
        )


def _address(query: Mapping[str, Any], date: dt.date) -> str:
    return "?" + urlencode({name: value for name, value in {**query, "date": date}.items() if value})


class BakeSheet(UnfoldModelAdminViewMixin, View):
    """The list as an XLSX."""

    title = _("Bake list")
    permission_required = "forecasting.view_forecast"
    request: HttpRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = asked_form(request.GET, signed_in(request), page_organisation(request))
        found = None
        if form.is_valid():
            found = list_of(form)
        if found is None:
            raise Http404
        return xlsx_response(f"bake_{found.date}", [str(title) for title in TITLES], _rows(found))


def _rows(found: BakeList) -> list[list[Any]]:
    return [
        [
            line.product.code,
            line.product.name,
            *(_number(value) for value in (line.expected, line.bake, line.lower_80, line.upper_80, line.level)),
            _number(line.last_week),
        ]
        for line in found.lines
    ]


def _number(value: Decimal | None) -> float | None:
    """Units are no money: a sheet shows them as they are."""
    return None if value is None else float(value)


class TermsPage(UnfoldModelAdminViewMixin, TemplateView):
    """What a lost sale and a wasted unit cost, of the chain and of single products."""

    title = _("Terms of the bake list")
    permission_required = "forecasting.change_baketerms"
    template_name = "forecasting/bake_terms.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        organisation = page_organisation(self.request)
        typed, wrong = kwargs.pop("typed", {}), kwargs.pop("wrong", {})
        terms = Terms(organisation)
        lines = [_line(None, terms.default, typed, wrong)]
        lines += [_line(product, terms.own.get(product.pk), typed, wrong) for product in _products(organisation)]
        return super().get_context_data(**kwargs, lines=lines, names=FIELDS)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        organisation = page_organisation(request)
        products = {"": None, **{str(product.pk): product for product in _products(organisation)}}
        typed = {
            key: [request.POST.get(f"{name}-{key}", "").strip() for name in FIELDS]
            for key in products
            if f"batch-{key}" in request.POST
        }
        wrong: dict[str, str] = {}
        rows: list[BakeTerms] = []
        left: list[Product] = []
        for key, texts in typed.items():
            product = products[key]
            if product is not None and not any(texts):
                left.append(product)
                continue
            try:
                row = BakeTerms(
                    organisation=organisation, product=product, **dict(zip(FIELDS, map(_decimal, texts), strict=True))
                )
                row.full_clean(validate_unique=False, validate_constraints=False)
                rows.append(row)
            except ValidationError as error:
                wrong[key] = " ".join(dict.fromkeys(error.messages))
        if wrong:
            context = self.get_context_data(typed=typed, wrong=wrong, **kwargs)
            return self.render_to_response(context, status=400)
        save_terms(organisation, rows, left)
        messages.success(request, gettext("The terms were stored."))
        return HttpResponseRedirect(reverse("admin:forecasting_bake_terms"))


FIELDS = ("lost_sale", "waste", "batch")


def _products(organisation: Organisation) -> list[Product]:
    """Products of the newest issue and those that have terms."""
    issue = ItemIssue.objects.filter(organisation=organisation).first()
    forecast = ItemForecast.objects.filter(issue=issue).values("product")
    told = BakeTerms.objects.filter(organisation=organisation).exclude(product=None).values("product")
    rows = Product.objects.filter(organisation=organisation, pk__in=forecast.union(told))
    return list(rows.order_by("name", "pk")[:MOST_PRODUCTS])


def _line(
    product: Product | None, terms: BakeTerms | None, typed: Mapping[str, list[str]], wrong: Mapping[str, str]
) -> dict[str, Any]:
    key = str(product.pk) if product else ""
    values = [_plain(getattr(terms, name)) if terms else "" for name in FIELDS]
    return {
        "product": product,
        "key": key,
        "fields": list(zip(FIELDS, typed.get(key, values), strict=True)),
        "wrong": wrong.get(key, ""),
    }


def _plain(value: Decimal) -> str:
    """As it is typed: no idle zeros."""
    return f"{Decimal(value).normalize():f}".replace(".", ",")


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal("".join(text.split()).replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValidationError(gettext("Fill in all three numbers, or none for the terms of the chain."))
    return value
