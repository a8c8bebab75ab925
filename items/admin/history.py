"""The history of sales by product: what it comes to, and where a quantity is entered or corrected."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import SELECT_CLASSES, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Organisation, User
from accounts.pages import DateField, page_organisation, signed_in
from departments.models import Department
from departments.timing import organisation_today
from items.entry import delivered, enter_quantities, entered, usual_products
from items.history import Day, History, read_history
from items.models import Product, ProductDay
from items.rollup import cleaned_before

SHOWN_DAYS = 28
LONGEST = 400
SHOWN_PRODUCTS = 200
OFFERED_PRODUCTS = 500
MOST = Decimal("99999999")


def _departments(form: forms.Form, user: User, organisation: Organisation) -> None:
    field = form.fields["department"]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = Department.objects.visible_to(user).selling().filter(organisation=organisation).order_by("name")


class HistoryForm(forms.Form):
    from_date = DateField(label=gettext_lazy("From"))
    to_date = DateField(label=gettext_lazy("To"))
    department = forms.ModelChoiceField(
        label=gettext_lazy("Department"),
        queryset=Department.objects.none(),
        required=False,
        empty_label=gettext_lazy("All departments"),
        widget=UnfoldAdminSelectWidget({"class": " ".join(SELECT_CLASSES)}),
    )
    product = forms.CharField(
        label=gettext_lazy("Product: name or code"), required=False, widget=UnfoldAdminTextInputWidget()
    )

    def __init__(self, *args: Any, user: User, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _departments(self, user, organisation)

    def clean(self) -> dict[str, Any]:
        chosen: dict[str, Any] = super().clean() or {}
        first, last = chosen.get("from_date"), chosen.get("to_date")
        if first and last and not 0 <= (last - first).days < LONGEST:
            raise forms.ValidationError(
                _("Choose at most %(days)s days, the first before the last.") % {"days": LONGEST}
            )
        return chosen


class HistoryPage(UnfoldModelAdminViewMixin, TemplateView):
    title = gettext_lazy("History of sales")
    permission_required = "items.view_productday"
    template_name = "items/history.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user, organisation = signed_in(self.request), page_organisation(self.request)
        form = HistoryForm(self._asked(organisation), user=user, organisation=organisation)
        found: dict[str, Any] = {}
        if form.is_valid():
            found = self._found(form.cleaned_data, user, organisation)
        may = self.request.user.has_perm("items.change_saleline")
        return super().get_context_data(**kwargs, form=form, may_enter=may, **found)

    def _asked(self, organisation: Organisation) -> dict[str, str]:
        today = organisation_today(organisation)
        asked = {name: str(value) for name, value in self.request.GET.items() if value}
        values = {
            "from_date": (today - dt.timedelta(days=SHOWN_DAYS)).isoformat(),
            "to_date": (today - dt.timedelta(days=1)).isoformat(),
            **asked,
        }
        return values | {name: DateField().shown(values[name]) for name in ("from_date", "to_date")}

    def _found(self, chosen: dict[str, Any], user: User, organisation: Organisation) -> dict[str, Any]:
        departments = Department.objects.visible_to(user).filter(organisation=organisation)
        days = ProductDay.objects.visible_to(user).filter(organisation=organisation)
        if chosen["department"]:
            departments = departments.filter(pk=chosen["department"].pk)
            days = days.filter(department=chosen["department"])
        if word := chosen["product"].strip():
            named = Product.objects.filter(Q(name__icontains=word) | Q(code__icontains=word), organisation=organisation)
            days = days.filter(product__in=named.values("pk"))
        currencies = departments.currencies()
        history = read_history(days, chosen["from_date"], chosen["to_date"], currencies)
        codes = set(currencies.values())
        return {
            "history": history,
            "products": history.products[:SHOWN_PRODUCTS],
            "more": max(len(history.products) - SHOWN_PRODUCTS, 0),
            "columns": _columns(history),
            "currency": codes.pop() if len(codes) == 1 else "",
        }


def _columns(history: History) -> list[tuple[Day, int]]:
    """The days with the height of their column in percent: of the revenue where all is known, else of the quantity."""
    measured = [day.quantity if history.revenue is None else day.revenue or Decimal(0) for day in history.days]
    most = max(measured, default=Decimal(0))
    return [
        (day, round(100 * max(height, Decimal(0)) / most) if most > 0 else 0)
        for day, height in zip(history.days, measured, strict=True)
    ]


class EntryForm(forms.Form):
    date = DateField(label=gettext_lazy("Date"))
    department = forms.ModelChoiceField(
        label=gettext_lazy("Department"),
        queryset=Department.objects.none(),
        empty_label=gettext_lazy("Choose one"),
        widget=UnfoldAdminSelectWidget({"class": " ".join(SELECT_CLASSES)}),
    )

    def __init__(self, *args: Any, user: User, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _departments(self, user, organisation)
        self.today, self.since = organisation_today(organisation), cleaned_before(organisation.pk)

    def clean_date(self) -> dt.date:
        date: dt.date = self.cleaned_data["date"]
        if date > self.today:
            raise forms.ValidationError(_("This day has not come yet."))
        if self.since and date < self.since:
            raise forms.ValidationError(_("Sales of this day are not kept any more."))
        return date


class EntryPage(UnfoldModelAdminViewMixin, TemplateView):
    title = gettext_lazy("Enter sales by product")
    permission_required = "items.change_saleline"
    template_name = "items/entry.html"
    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or self._form()
        found: dict[str, Any] = {}
        if form.is_valid():
            chosen = form.cleaned_data
            found = self._lines(chosen["department"], chosen["date"], kwargs.pop("typed", {}), kwargs.pop("wrong", {}))
        return super().get_context_data(**kwargs, form=form, **found)

    def _form(self) -> EntryForm:
        """Of yesterday unless told otherwise; who sees one department need not choose it."""
        user, organisation = signed_in(self.request), page_organisation(self.request)
        asked = self.request.POST or self.request.GET
        mine = Department.objects.visible_to(user).selling().filter(organisation=organisation)
        one = list(mine.values_list("pk", flat=True)[:2])
        yesterday = organisation_today(organisation) - dt.timedelta(days=1)
        values = {
            "date": DateField().shown(asked.get("date") or yesterday.isoformat()),
            "department": asked.get("department") or (str(one[0]) if len(one) == 1 else ""),
        }
        form = EntryForm(values, user=user, organisation=organisation)
        if not values["department"] and self.request.method == "GET":
            form.is_bound, form.initial = False, values
        return form

    def _lines(
        self, department: Department, date: dt.date, typed: dict[UUID, str], wrong: dict[UUID, str]
    ) -> dict[str, Any]:
        mine = entered(department, date)
        source, theirs = delivered(department, date)
        shown = {product.pk: product for product in usual_products(department, date)}
        shown |= Product.objects.in_bulk([pk for pk in {*mine, *theirs, *typed} if pk not in shown])
        lines = [
            {
                "product": product,
                "mine": typed.get(product.pk, _shown(mine.get(product.pk))),
                "theirs": theirs.get(product.pk),
                "wrong": wrong.get(product.pk, ""),
            }
            for product in sorted(shown.values(), key=lambda product: (product.name, str(product.pk)))
        ]
        others = Product.objects.filter(organisation=department.organisation_id).active().exclude(pk__in=shown)
        return {
            "one": department,
            "date": date,
            "lines": lines,
            "source": source,
            "others": others[:OFFERED_PRODUCTS],
            "history_address": _history_address(department, date),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self._form()
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form, **kwargs))
        department, date = form.cleaned_data["department"], form.cleaned_data["date"]
        typed = _typed(request, department)
        before = entered(department, date)
        wrong: dict[UUID, str] = {}
        quantities: dict[UUID, Decimal | None] = {}
        for product, text in typed.items():
            try:
                quantity = _quantity(text)
            except forms.ValidationError as error:
                wrong[product] = " ".join(error.messages)
                continue
            if quantity != before.get(product):
                quantities[product] = quantity
        if wrong:
            context = self.get_context_data(form=form, typed=typed, wrong=wrong, **kwargs)
            return self.render_to_response(context, status=400)
        if any(quantity is None for quantity in quantities.values()) and not request.user.has_perm(
            "items.delete_saleline"
        ):
            raise PermissionDenied
        enter_quantities(department, date, quantities, user=signed_in(request))
        said = ngettext("%(n)s quantity was stored.", "%(n)s quantities were stored.", len(quantities))
        messages.success(request, said % {"n": len(quantities)})
        query = urlencode({"department": str(department.pk), "date": date.isoformat()})
        return HttpResponseRedirect(f"{reverse('admin:items_entry')}?{query}")


def _typed(request: HttpRequest, department: Department) -> dict[UUID, str]:
    """{product: text} of the fields `quantity-<id>` and of the added one, of products that exist here."""
    texts: dict[str, str] = {
        name.removeprefix("quantity-"): str(text).strip()
        for name, text in request.POST.items()
        if name.startswith("quantity-")
    }
    if (added := request.POST.get("added_product")) and (text := request.POST.get("added_quantity", "").strip()):
        texts[added] = text
    ids = [pk for pk in map(_identifier, texts) if pk]
    known = Product.objects.filter(organisation=department.organisation_id, pk__in=ids)
    return {pk: texts[str(pk)] for pk in known.values_list("pk", flat=True)}


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _quantity(text: str) -> Decimal | None:
    """As people type it: `1 234,5`; empty is none. Raises ValidationError."""
    plain = "".join(text.split()).replace(",", ".")
    if not plain:
        return None
    try:
        quantity = Decimal(plain)
    except InvalidOperation:
        quantity = Decimal("NaN")
    if not quantity.is_finite() or not 0 <= quantity <= MOST:
        raise forms.ValidationError(_("A quantity is a number from 0 on, such as 12 or 0,350."))
    return quantity.quantize(Decimal("0.001"))


def _shown(quantity: Decimal | None) -> str:
    """As it is typed: no groups, no idle zeros."""
    return "" if quantity is None else f"{quantity.normalize():f}".replace(".", ",")


def _history_address(department: Department, date: dt.date) -> str:
    query = urlencode(
        {
            "department": str(department.pk),
            "from_date": (date - dt.timedelta(days=SHOWN_DAYS)).isoformat(),
            "to_date": date.isoformat(),
        }
    )
    return f"{reverse('admin:items_history')}?{query}"
