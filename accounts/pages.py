"""What the pages of all floors share: whose rows a page shows, and for which organisation it works."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.forms import HiddenInput
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.exceptions import PermissionDenied as ApiPermissionDenied
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.widgets import UnfoldAdminDateWidget

from accounts.models import Organisation, User
from accounts.tenancy import organisation_of


class DateField(forms.DateField):
    """A date as the language writes it, or ISO as an address carries it."""

    widget = UnfoldAdminDateWidget

    def shown(self, text: str) -> str:
        """`text` as this field would write it; what is no date stays what it is."""
        try:
            return str(self.widget.format_value(self.to_python(text)) or "")
        except forms.ValidationError:
            return text


class DateRangeFilter(RangeDateFilter):
    """Both days included. Dates are read in the language they were written in, which unfold's own filter does not."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for end, lookup in (("from", "gte"), ("to", "lte")):
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            try:
                date = DateField().clean(text)
            except forms.ValidationError as error:
                messages.error(request, " ".join(error.messages))
                return queryset.none()
            if isinstance(self.field, models.DateTimeField):
                lookup = f"date__{lookup}"
            queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": date})
        return queryset


def page_organisation(request: HttpRequest) -> Organisation:
    """The organisation of whoever looks at the page. Raises PermissionDenied for somebody who belongs to none."""
    try:
        return organisation_of(request.user)
    except ApiPermissionDenied:
        raise PermissionDenied from None


def back_to(request: HttpRequest, otherwise: str) -> str:
    """Where a form says it was sent from, if that is a page of ours; else `otherwise`."""
    page = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    return page if page.startswith("/") and ours else otherwise


def signed_in(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


class OffersVisible:
    """Forms, and forms within forms, that offer what their user may see."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A form offers only what its user may see; the organisation is asked for where there are several."""
        model: type[models.Model] = db_field.remote_field.model
        rows = model._default_manager.all()
        if hasattr(rows, "visible_to"):
            kwargs["queryset"] = rows.visible_to(request.user)
        if model is Organisation:
            kwargs["initial"] = page_organisation(request)
            if kwargs["queryset"].count() < 2:
                kwargs["widget"] = HiddenInput()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class HousePaginator(Paginator):
    """Below a list: its pages, and how many rows there are in words that fit any number."""

    template_name = "accounts/pagination.html"


class HouseAdmin(OffersVisible, ModelAdmin):
    """A model's pages: only what the user may see, in his organisation."""

    paginator: ClassVar[type] = HousePaginator
    list_filter_submit = True
    list_per_page = 50

    def visible(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        """The rows this user may see. Without a rule of their own they follow their organisation."""
        if hasattr(rows, "visible_to"):
            return rows.visible_to(user)  # type: ignore[no-any-return]
        return rows.filter(organisation__in=Organisation.objects.visible_to(user))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.visible(super().get_queryset(request), signed_in(request))


class ReadOnly:
    """For rows that only work writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
